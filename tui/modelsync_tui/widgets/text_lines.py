"""The text of a file, line by line with numbers; or a sentence in its place."""

from collections.abc import Sequence

from modelsync.store.files import Beginning
from modelsync_tui.text import LITERAL_MAX_CHARS, literal, wrapped
from modelsync_tui.widgets.lines import Piece, Tone
from modelsync_tui.widgets.picklist import PickList

_TAB_CELLS = 4
_NUL_LOOKED_FOR_BYTES = 8_192


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
