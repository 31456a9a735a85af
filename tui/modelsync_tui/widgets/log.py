"""The pane of the log: its last lines, as they come; all of them, or those that have some words."""

import logging
from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message

from modelsync.logs import LogLine
from modelsync_tui import glyphs, keys
from modelsync_tui.text import count_text, cut, literal
from modelsync_tui.widgets.lines import Lines, Piece, Tone
from modelsync_tui.widgets.titles import edge

_TONES = {logging.DEBUG: Tone.MUTED, logging.INFO: Tone.PLAIN, logging.WARNING: Tone.WARN}
_WORDS = {logging.WARNING: "warning: ", logging.ERROR: "error: ", logging.CRITICAL: "error: "}


class LogPane(Lines):
    """Shows the newest line, until a person scrolls up; then it stays where they look."""

    class FileAsked(Message):
        """A person wants to know where the whole log is."""

    class Left(Message):
        """A person goes back to where they came from."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.Where.LOG)]

    def __init__(self) -> None:
        super().__init__(id="log")
        self._all: Sequence[LogLine] = ()
        self._shown: Sequence[LogLine] = ()
        self.filter_text = ""
        """Words that each shown line has, in any case of their letters; empty: all lines are shown."""

    def on_mount(self) -> None:
        self.set_class(glyphs.of(self.app) is glyphs.ASCII, "-ascii")
        self.call_after_refresh(self.draw_titles)

    def show(self, lines: Sequence[LogLine]) -> None:
        """Other lines, the oldest first."""
        follows = self.scroll_offset.y >= self.max_scroll_y
        shown = self._matching(lines)
        gone = _gone(self._shown, shown)
        self._all, self._shown = lines, shown
        if not self.is_mounted or not self.display:
            return
        self.lines_changed()
        at = None if follows else max(0, self.scroll_offset.y - gone)
        self.call_after_refresh(self._scroll, at)

    def set_filter(self, text: str) -> None:
        """Shows only lines that have all these words, the newest of them in sight."""
        self.filter_text = text.strip()
        self._shown = self._matching(self._all)
        self.lines_changed()
        self.call_after_refresh(self._scroll, None)

    def _matching(self, lines: Sequence[LogLine]) -> Sequence[LogLine]:
        words = self.filter_text.lower().split()
        if not words:
            return lines
        return [line for line in lines if all(word in f"{_lead(line)}{line.text}".lower() for word in words)]

    def on_show(self) -> None:
        self.lines_changed()
        self.call_after_refresh(self._scroll, None)
        self.draw_titles()

    def on_resize(self, _: events.Resize | None = None) -> None:
        super().on_resize()
        self.call_after_refresh(self.draw_titles)

    def on_focus(self) -> None:
        self.call_after_refresh(self.draw_titles)

    def on_blur(self) -> None:
        self.call_after_refresh(self.draw_titles)

    def line_count(self) -> int:
        return max(1, len(self._shown))

    def line(self, index: int, width: int) -> Sequence[Piece]:
        if not self._shown:
            words = " No line has these words. Esc shows all lines." if self._all else " Nothing has happened yet."
            return ((cut(words, width), Tone.MUTED),)
        line = self._shown[index]
        words = f"{_lead(line)}{literal(line.text)}"
        ellipsis = glyphs.of(self.app).ellipsis
        return (
            (f" {line.at:%H:%M:%S}  ", Tone.MUTED),
            (cut(words, width - 11, ellipsis), _TONES.get(line.level, Tone.BAD)),
        )

    def action_scroll_lines(self, by: int) -> None:
        self.scroll_relative(y=by, animate=False)
        self.draw_titles()

    def action_page(self, direction: int) -> None:
        self.action_scroll_lines(direction * max(1, self.scrollable_content_region.height - 1))

    def action_top(self) -> None:
        self.scroll_to(y=0, animate=False)

    def action_bottom(self) -> None:
        self._scroll(None)

    def action_back(self) -> None:
        """Esc: the filter, then the pane."""
        if self.filter_text:
            self.set_filter("")
        else:
            self.post_message(self.Left())

    def action_file(self) -> None:
        self.post_message(self.FileAsked())

    def _scroll(self, at: int | None) -> None:
        """To a line, or to the last one."""
        self.scroll_to(y=self.max_scroll_y if at is None else at, animate=False)
        self.draw_titles()

    def draw_titles(self) -> None:
        """The words in both borders; also after a change of size, focus or theme."""
        counted = count_text(len(self._all), "line") if self._all else ""
        if self.filter_text:
            counted = f"{len(self._shown):,} shown of {len(self._all):,}"
        name = f"4 Log  filter: {literal(self.filter_text)}" if self.filter_text else "4 Log"
        self.border_title = edge(self, name, counted)
        self.border_subtitle = edge(self, "", "o  where the log file is") if self.has_focus else ""


def _lead(line: LogLine) -> str:
    """What stands before a line's text."""
    return _WORDS.get(line.level, "")


def _gone(before: Sequence[LogLine], now: Sequence[LogLine]) -> int:
    """How many of the oldest lines were dropped to make room."""
    if not before or not now:
        return 0
    return next((at for at, line in enumerate(before) if line is now[0]), len(before))
