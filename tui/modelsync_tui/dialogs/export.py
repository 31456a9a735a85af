"""The question for the name of a file that is to be written."""

from collections.abc import Iterable
from pathlib import Path

from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from modelsync.history import ExportForm
from modelsync_tui.dialogs.card import Card, bracketed, choice, sentence
from modelsync_tui.text import literal


class ExportDialog(Card[Path]):
    """Asks for a name in the current directory; its ending says which form the file has."""

    def __init__(self, subject: str, *, name: str) -> None:
        """`subject`: what is written, in words; `name`: what is offered."""
        super().__init__("Export")
        self._subject = subject
        self._name = name
        self._agreed = ""
        """The name of a file that a person has agreed to replace."""

    def body(self) -> Iterable[Widget]:
        yield sentence(f"Writes {self._subject} into {literal(str(Path.cwd()))}; .csv and .json are known.", id="what")
        with Horizontal(id="typed-row"):
            yield sentence("File:", id="prompt")
            yield from bracketed(Input(self._name, id="typed", compact=True, select_on_focus=False))
        yield sentence("", id="refused", kind="-bad")

    def choices(self) -> Iterable[Widget]:
        yield choice("Write", "Enter" if self.plain else "↵", id="go")
        yield choice("Cancel", "Esc", id="cancel")

    def on_mount(self) -> None:
        self.query_one("#refused").display = False
        self.set_focus(self.query_one("#typed", Input))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "go":
            self._write(self.query_one("#typed", Input).value)
        else:
            self.dismiss(None)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._write(event.value)

    def _write(self, typed: str) -> None:
        path = Path(typed.strip()).expanduser()
        if form_of(path) is None:
            self._refuse("Its name must end with .csv or .json.")
        elif path.exists() and self._agreed != typed:
            self._agreed = typed
            self._refuse(f"{literal(path.name)} is there already: Enter again replaces it.")
        else:
            self.dismiss(path)

    def _refuse(self, words: str) -> None:
        refused = self.query_one("#refused", Static)
        refused.update(Content(words))
        refused.display = True


def form_of(path: Path) -> ExportForm | None:
    """The form that a file's name asks for."""
    return {".csv": ExportForm.CSV, ".json": ExportForm.JSON}.get(path.suffix.lower())
