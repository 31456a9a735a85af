"""The parts of one transfer as lines, or why there are none."""

from collections.abc import Sequence

from textual.strip import Strip

from modelsync.queue import TransferRow
from modelsync.transfer.progress import PartSnapshot, PartState
from modelsync_tui import glyphs
from modelsync_tui.widgets.following import FollowingLines
from modelsync_tui.widgets.lines import Piece, Tone
from modelsync_tui.widgets.parts import (
    ROWS_MAX,
    PartsShown,
    part_counts,
    part_half_line,
    part_head,
    part_line,
    part_strip,
)
from modelsync_tui.widgets.transfer_rows import WIDE_CELLS
from modelsync_tui.widgets.transfer_story import story_lines


class PartLines(FollowingLines, can_focus=False):
    """The parts of one transfer: a line each, two a line where it is narrow, above a few dozen a strip."""

    def __init__(self) -> None:
        super().__init__(id="parts")
        self._row: TransferRow | None = None
        self._shown: Sequence[PartSnapshot] = ()
        self._picked: PartsShown | None = None
        """What a person wants to see; None while they have not said."""

    def show(self, row: TransferRow | None) -> None:
        """Looks at another transfer, or at a later moment of it."""
        if row is None or self._row is None or row.id != self._row.id:
            self.look_anew()
        self._row = row
        self._shown = self.which.of(row.progress.parts) if row is not None else ()
        self.lines_changed()
        moving = next((at for at, part in enumerate(self._shown) if part.state is not PartState.DONE), 0)
        self.follow(moving if self._is_wide else moving // 2)

    @property
    def which(self) -> PartsShown:
        """Which parts have a line."""
        return self._picked or PartsShown.at_first(self._row.progress.parts if self._row is not None else ())

    def show_others(self) -> None:
        """All, the active, the failed ones, and all again."""
        order = list(PartsShown)
        self._picked = order[(order.index(self.which) + 1) % len(order)]
        self.look_anew()
        self.show(self._row)

    def title(self) -> tuple[str, str]:
        """For the upper border: the transfer, and its parts counted."""
        if self._row is None:
            return "Parts", ""
        subject = f"Parts  {self._row.request.direction} {self._row.request.tag}"
        return subject, part_counts(self._row.progress.parts)

    def lower_title(self) -> tuple[str, str]:
        """For the lower border: which parts have a line, and the keys that change it."""
        shown = "/".join(f"[{which}]" if which is self.which else which for which in PartsShown)
        return "", f"v {shown}  f files" if self._row is not None and self._row.progress.parts else "f files"

    def line_count(self) -> int:
        if story := self._story():
            return len(story)
        if self._none_at is not None:
            return self._none_at + 1
        shown = len(self._shown)
        lines = shown + 1 if self._is_wide else (shown + 1) // 2
        return lines + self._strip_count()

    @property
    def _none_at(self) -> int | None:
        """The line that says that no part is of the kind that is shown."""
        return None if self._shown else self._strip_count()

    def render_line(self, y: int) -> Strip:
        if y == 0 and self._has_heads:
            width = self.scrollable_content_region.width
            return self.strip((part_head(width, glyphs.of(self.app)),), width)
        return super().render_line(y)

    @property
    def _has_heads(self) -> bool:
        """Whether the heads of the columns stay in the first line, whatever is scrolled."""
        parts = self._row.progress.parts if self._row is not None and not self._story() else ()
        return self._is_wide and bool(self._shown) and 0 < len(parts) <= ROWS_MAX

    def line(self, index: int, width: int) -> Sequence[Piece]:
        story = self._story()
        if self._row is None or story:
            return (story[index],)
        parts = self._row.progress.parts
        if index == self._none_at:
            return ((f" No part is {self.which} now.  v shows others.", Tone.MUTED),)
        characters = glyphs.of(self.app)
        strips = self._strip_count()
        if index < strips:
            chunk = parts[index * self._strip_cells : (index + 1) * self._strip_cells]
            return ((f" {chunk[0].number:>5}  ", Tone.MUTED), *part_strip(chunk, self._strip_cells, characters))
        index -= strips
        shown = self._shown
        if not self._is_wide:
            half = (width - 1) // 2
            pair = shown[index * 2 : index * 2 + 2]
            return [piece for part in pair for piece in part_half_line(part, half, characters)]
        return (part_head(width, characters),) if index == 0 else part_line(shown[index - 1], width, characters)

    def _story(self) -> Sequence[Piece]:
        there = self._row is not None and bool(self._row.progress.parts)
        return story_lines(self._row, "parts", there=there, width=self.size.width)

    @property
    def _is_wide(self) -> bool:
        return self.size.width >= WIDE_CELLS

    @property
    def _strip_cells(self) -> int:
        """A round number of cells, so that a person can count."""
        return max(10, (self.size.width - 9) // 10 * 10)

    def _strip_count(self) -> int:
        count = len(self._row.progress.parts) if self._row is not None else 0
        return -(-count // self._strip_cells) if count > ROWS_MAX else 0
