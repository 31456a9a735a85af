"""A list that keeps in sight what is being moved, unless a person looks elsewhere in it."""

from modelsync_tui.widgets.lines import Lines

_KEPT_ABOVE = 2
"""So many lines of what is finished stay above what is being moved."""


class FollowingLines(Lines, can_focus=False):
    """Scrolls by itself; the wheel holds it for a while, the page keys until what moves is in sight again."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._paged = False
        self._count = -1
        """How many lines there were when it last followed something."""

    def page(self, by: int) -> None:
        """Scrolls by so many pages."""
        self._paged = True
        self.scroll_relative(y=by * max(1, self.size.height - 1), animate=False)

    def follow(self, line: int) -> None:
        """Brings this line into sight, unless a person looks elsewhere."""
        top = self.scroll_offset.y
        self._paged = self._paged and not top <= line < top + self.size.height
        wanted = max(0, line - _KEPT_ABOVE)
        count, before = self.line_count(), self._count
        self._count = count
        if wanted == top or self.is_held or self._paged:
            return
        if count == before:
            self.scroll_to(y=wanted, animate=False, immediate=True)  # now: later, every line would be drawn twice
        else:
            self.call_after_refresh(self.scroll_to, y=wanted, animate=False)  # when the new lines have been laid out

    def look_anew(self) -> None:
        """Something else is shown from now on: where a person was in it counts no more."""
        self._paged = False
