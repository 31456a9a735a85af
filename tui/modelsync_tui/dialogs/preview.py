"""The beginning of a text file, over the screen."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from modelsync.errors import ModelsyncError
from modelsync.store.files import Beginning
from modelsync_tui import glyphs, work
from modelsync_tui.text import LITERAL_MAX_CHARS, count_text, cut_middle, literal, size_text, wrapped
from modelsync_tui.widgets.lines import Piece, Tone
from modelsync_tui.widgets.pane import Pane
from modelsync_tui.widgets.picklist import PickList

_TAB_CELLS = 4
_NUL_LOOKED_FOR_BYTES = 8_192


class PreviewScreen(ModalScreen[None]):
    """Shows text; of anything else it says what it is."""

    CSS_PATH = "preview.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,left,h,backspace,enter", "close", "close", id="preview.close", tooltip="close it"),
        Binding("up,k", "move(-1)", show=False, id="preview.up", tooltip="one line up"),
        Binding("down,j", "move(1)", show=False, id="preview.down", tooltip="one line down"),
        Binding("pageup,ctrl+u", "page(-1)", show=False, id="preview.page_up", tooltip="a page up"),
        Binding("pagedown,ctrl+d,space", "page(1)", show=False, id="preview.page_down", tooltip="a page down"),
        Binding("home,g", "top", show=False, id="preview.top", tooltip="the first line"),
        Binding("end,G", "bottom", show=False, id="preview.bottom", tooltip="the last line"),
    ]

    def __init__(self, name: str, read: Callable[[], Beginning]) -> None:
        """`read` is called on a thread."""
        super().__init__()
        self._file_name = literal(name)
        self._read = read
        self._news = ""
        self._pane = Pane(id="preview")
        self._lines = TextLines()

    def compose(self) -> ComposeResult:
        with self._pane:
            yield self._lines

    def on_mount(self) -> None:
        self._lines.tell("Reading ...")
        self._say("")
        self._lines.focus()
        work.run(self.app, self._read, self._show, self._failed, group="details", description="read a file")

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw_words)

    def _show(self, beginning: Beginning) -> None:
        if not self.is_attached:
            return
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

    def _failed(self, error: ModelsyncError) -> None:
        if self.is_attached:
            self._lines.tell(literal(error.sentence), Tone.BAD)

    def _say(self, news: str) -> None:
        self._news = news
        self._draw_words()

    def _draw_words(self) -> None:
        room = max(8, self.size.width - len(self._news) - 16)
        name = cut_middle(self._file_name, room, glyphs.of(self.app).ellipsis)
        self._pane.say((name, self._news), ("", "Esc closes"))

    def action_close(self) -> None:
        self.dismiss(None)

    def action_move(self, by: int) -> None:
        self._lines.move_cursor(by)

    def action_page(self, direction: int) -> None:
        self._lines.move_cursor(direction * max(1, self._lines.page_rows - 1))

    def action_top(self) -> None:
        self._lines.go_to_top()

    def action_bottom(self) -> None:
        self._lines.go_to_bottom()


class TextLines(PickList):
    """Numbered lines; those that are too long go on below themselves."""

    def __init__(self) -> None:
        super().__init__(id="text")
        self._text: tuple[str, ...] = ()
        self._instead: Piece = ("", Tone.MUTED)
        self._laid: tuple[int, list[Sequence[Piece]]] = (0, [])

    def show(self, lines: tuple[str, ...]) -> None:
        """Shows text, from its first line on."""
        self._text, self._laid = lines, (0, [])
        self.lines_changed()

    def tell(self, words: str, tone: Tone = Tone.MUTED) -> None:
        """Says something in the place of text."""
        self._instead = (words, tone)
        self.show(())

    def line_count(self) -> int:
        return len(self._lines(max(1, self.scrollable_content_region.width)))

    def line(self, index: int, width: int) -> Sequence[Piece]:
        lines = self._lines(width)
        return lines[index] if index < len(lines) else ()

    def _lines(self, width: int) -> list[Sequence[Piece]]:
        if self._laid[0] != width:
            self._laid = (width, self._laid_out(width))
        return self._laid[1]

    def _laid_out(self, width: int) -> list[Sequence[Piece]]:
        if not self._text:
            words, tone = self._instead
            return [((f" {piece}", tone),) for piece in wrapped(words, max(1, width - 2))]
        numbers = len(str(len(self._text)))
        room = max(1, width - numbers - 3)
        laid: list[Sequence[Piece]] = []
        for number, text in enumerate(self._text, start=1):
            for place, piece in enumerate(wrapped(text, room)):
                before = f" {number:>{numbers}}  " if place == 0 else " " * (numbers + 3)
                laid.append(((before, Tone.MUTED), (piece, Tone.PLAIN)))
        return laid


def text_lines(beginning: Beginning) -> tuple[str, ...] | None:
    """The lines of a text in UTF-8, made harmless; None for what is none."""
    data = beginning.data
    if b"\0" in data[:_NUL_LOOKED_FOR_BYTES]:
        return None
    cut_off = len(data) < beginning.size_bytes
    for less in range(4 if cut_off else 1):  # the cut may be within a character
        try:
            text = data[: len(data) - less].decode("utf-8-sig")
        except UnicodeDecodeError:
            continue
        return tuple(_harmless(line) for line in text.removesuffix("\n").split("\n")) if text else ()
    return None


def _harmless(line: str) -> str:
    """As `literal`, however long it is."""
    line = line.removesuffix("\r").expandtabs(_TAB_CELLS)
    steps = range(0, len(line), LITERAL_MAX_CHARS)
    return "".join(literal(line[at : at + LITERAL_MAX_CHARS]) for at in steps)
