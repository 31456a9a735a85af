"""A byte-for-byte comparison of both sides of one version while it runs, and what it found."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from modelsync.archive.differences import FileDifference
from modelsync.errors import ModelsyncError
from modelsync.results import Verification
from modelsync.transfer.control import Control
from modelsync.transfer.progress import Progress
from modelsync_tui import text, work
from modelsync_tui.dialogs.card import Card, choice, sentence
from modelsync_tui.glyphs import Glyphs
from modelsync_tui.widgets.lines import Lines, Piece, Tone
from modelsync_tui.widgets.words import about_text, clock_text, speed_text

_TICK_S = 0.25
_KIND_CELLS = 12


class CompareDialog(Card[Verification]):
    """Begins at once; Esc stops it. Answers with what was found, None when it did not come to an end."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False, id="compare.up", tooltip="scroll up"),
        Binding("down,j", "move(1)", show=False, id="compare.down", tooltip="scroll down"),
    ]

    def __init__(self, tag_text: str, compare: Callable[[Control, Progress], Verification]) -> None:
        """`compare` is called on a thread."""
        super().__init__(f"Verify  {text.literal(tag_text)}")
        self._compare = compare
        self._control = Control()
        self._progress = Progress()
        self._found: Verification | None = None
        self._ended = False

    def body(self) -> Iterable[Widget]:
        yield sentence("Comparing every byte of both sides; nothing is changed.", id="what", kind="-muted")
        yield sentence("", id="news")
        yield DifferenceLines(self.glyphs, id="items")

    def choices(self) -> Iterable[Widget]:
        yield choice("Stop", "Esc", id="close")

    def on_mount(self) -> None:
        self.query_one(DifferenceLines).display = False
        self.set_focus(self.query_one("#close", Button))
        self._tick()
        self.set_interval(_TICK_S, self._tick)
        run = partial(self._compare, self._control, self._progress)
        work.run(self.app, run, self._done, self._failed, group="details", description="compare both sides")

    def on_unmount(self) -> None:
        self._control.cancel()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(self._found)

    def action_decline(self) -> None:
        self.dismiss(self._found)

    def action_move(self, by: int) -> None:
        self.query_one(DifferenceLines).move_cursor(by)

    def _tick(self) -> None:
        if self._ended:
            return
        now = self._progress.snapshot()
        total = f" of {text.size_text(now.bytes_total)}" if now.bytes_total else ""
        left = f"  eta {clock_text(now.eta_s)}" if now.eta_s is not None else ""
        moved = f"  {text.size_text(now.bytes_done)}{total}  {speed_text(now.speed)}{left}"
        self._say(f"{now.phase} {self.glyphs.ellipsis}{moved if now.bytes_done else ''}")

    def _done(self, found: Verification) -> None:
        if self.is_attached:
            self._found = found
            self._end(*result_words(found, self.glyphs))
            lines = self.query_one(DifferenceLines)
            lines.display = bool(found.differences)
            lines.show(found.differences)

    def _failed(self, error: ModelsyncError) -> None:
        if self.is_attached:
            self._end(f"{self.glyphs.failed} {text.literal(error.sentence)}", "-bad")

    def _end(self, words: str, kind: str) -> None:
        self._ended = True
        self.query_one("#what").display = False
        self._say(words)
        self.query_one("#news").add_class(kind)
        button = self.query_one("#close", Button)
        button.label = Content("[ Close  Esc ]")
        button.refresh(layout=True)

    def _say(self, words: str) -> None:
        self.query_one("#news", Static).update(Content(words))


class DifferenceLines(Lines, can_focus=False):
    """One line a file that is not the same on both sides: how, and which."""

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs
        self._differences: Sequence[FileDifference] = ()

    def show(self, differences: Sequence[FileDifference]) -> None:
        """Shows what was found."""
        self._differences = differences
        self.lines_changed()

    def line_count(self) -> int:
        return len(self._differences)

    def line(self, index: int, width: int) -> Sequence[Piece]:
        difference = self._differences[index]
        name = text.cut_middle(text.literal(difference.name), max(1, width - _KIND_CELLS - 2), self._glyphs.ellipsis)
        return (
            (f"{self._glyphs.differs} ", Tone.WARN),
            (text.left(difference.kind.value, _KIND_CELLS), Tone.WARN),
            (name, Tone.PLAIN),
        )


def result_words(found: Verification, glyphs: Glyphs) -> tuple[str, str]:
    """What was found in one sentence, and the class of its look."""
    compared = f"{text.size_text(found.bytes_compared)} compared in {about_text(found.seconds)}"
    if found.equal:
        return f"{glyphs.done} The same: {text.count_text(found.files, 'file')}, {compared}.", "-good"
    count = text.count_text(len(found.differences), "difference")
    return f"{glyphs.differs} Not the same: {count}, {compared}.", "-warn"
