"""The beginning of a text file of either side, over the screen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from modelsync.errors import ModelsyncError
from modelsync.store.files import Beginning
from modelsync.transfer.control import Control
from modelsync_tui import glyphs, work
from modelsync_tui.closing import ModalClosesOnce
from modelsync_tui.text import count_text, cut_middle, literal, size_text
from modelsync_tui.widgets.lines import Tone
from modelsync_tui.widgets.pane import Pane
from modelsync_tui.widgets.text_lines import TextLines, text_lines


@dataclass(frozen=True, slots=True)
class Source:
    """One side that has the file."""

    side: str
    read: Callable[[Control], Beginning]
    """Called on a thread; ends early when its control is cancelled."""


class PreviewScreen(ModalClosesOnce[None]):
    """Shows text; of anything else it says what it is."""

    CSS_PATH = "preview.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,left,h,backspace,enter", "close", "close", id="preview.close", tooltip="close it"),
        Binding("tab", "other_side", show=False, id="preview.side", tooltip="the same file on the other side"),
        Binding("up,k", "move(-1)", show=False, id="preview.up", tooltip="one line up"),
        Binding("down,j", "move(1)", show=False, id="preview.down", tooltip="one line down"),
        Binding("pageup,ctrl+u", "page(-1)", show=False, id="preview.page_up", tooltip="a page up"),
        Binding("pagedown,ctrl+d,space", "page(1)", show=False, id="preview.page_down", tooltip="a page down"),
        Binding("home,g", "top", show=False, id="preview.top", tooltip="the first line"),
        Binding("end,G", "bottom", show=False, id="preview.bottom", tooltip="the last line"),
    ]

    def __init__(self, name: str, sources: Sequence[Source]) -> None:
        """`sources`: the sides that have the file, at least one; the first is shown first."""
        super().__init__()
        self._file_name = literal(name)
        self._sources = tuple(sources)
        self._at = 0
        self._control = Control()
        self._news = ""
        self._pane = Pane(id="preview")
        self._lines = TextLines()

    def compose(self) -> ComposeResult:
        with self._pane:
            yield self._lines

    def on_mount(self) -> None:
        self._lines.focus()
        self._look()

    def on_unmount(self) -> None:
        self._control.cancel()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw_words)

    def _look(self) -> None:
        self._control.cancel()
        control = self._control = Control()
        source = self._sources[self._at]
        self._lines.tell(f"Reading the {source.side} file ...")
        self._say("")

        def show(beginning: Beginning) -> None:
            if self.is_attached and not control.cancelled:
                self._show(beginning)

        def failed(error: ModelsyncError) -> None:
            if self.is_attached and not control.cancelled:
                self._lines.tell(literal(error.sentence), Tone.BAD)

        read = partial(source.read, control)
        work.run(self.app, read, show, failed, group="details", description=f"read a {source.side} file")

    def _show(self, beginning: Beginning) -> None:
        size = size_text(beginning.size_bytes)
        lines = text_lines(beginning)
        if lines is None:
            self._lines.tell(f"This is no text: {size} of other bytes.")
            self._say(size)
            return
        part = len(beginning.data) < beginning.size_bytes
        self._lines.show(lines)
        self._say(
            f"the first {size_text(len(beginning.data))} of {size}"
            if part
            else f"{count_text(len(lines), 'line')}  {size}"
        )
        if not lines:
            self._lines.tell("It is empty.")

    def _say(self, news: str) -> None:
        self._news = news
        self._draw_words()

    def _draw_words(self) -> None:
        side = self._sources[self._at].side
        room = max(8, self.size.width - len(self._news) - len(side) - 18)
        name = cut_middle(self._file_name, room, glyphs.of(self.app).ellipsis)
        tab = f"Tab {self._next.side}  " if len(self._sources) > 1 else ""
        self._pane.say((f"{name}  {side}", self._news), ("", f"{tab}Esc closes"))

    @property
    def _next(self) -> Source:
        return self._sources[(self._at + 1) % len(self._sources)]

    def action_close(self) -> None:
        self.dismiss(None)

    def action_other_side(self) -> None:
        """Where both sides have the file, shows the other one's."""
        if len(self._sources) > 1:
            self._at = self._sources.index(self._next)
            self._look()

    def action_move(self, by: int) -> None:
        self._lines.move_cursor(by)

    def action_page(self, direction: int) -> None:
        self._lines.move_cursor(direction * max(1, self._lines.page_rows - 1))

    def action_top(self) -> None:
        self._lines.go_to_top()

    def action_bottom(self) -> None:
        self._lines.go_to_bottom()
