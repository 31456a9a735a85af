"""A short menu: a few choices, each with its letter."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from modelsync_tui import glyphs
from modelsync_tui.closing import ModalClosesOnce


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a menu."""

    key: str
    """The letter that picks it, and what the menu answers."""
    label: str


class _Choices(OptionList):
    """The lines of a menu."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where the terminal has no room for a line, there is no page to turn."""
        if action in ("page_up", "page_down") and not self.scrollable_content_region:
            return False
        return super().check_action(action, parameters)


class Menu(ModalClosesOnce[str | None]):
    """Answers with the key of a choice; None for none."""

    CSS_PATH = "menu.tcss"

    def __init__(self, title: str, choices: Sequence[Choice], *, at: str = "") -> None:
        """`at`: the choice to begin on."""
        super().__init__()
        self._menu_title = title
        self._choices = tuple(choices)
        self._at = at

    def compose(self) -> ComposeResult:
        options = [Option(Content(f" {choice.key}  {choice.label}"), id=choice.key) for choice in self._choices]
        yield _Choices(*options, id="menu", compact=True, markup=False)

    def on_mount(self) -> None:
        self.set_class(glyphs.of(self.app) is glyphs.ASCII, "-ascii")
        menu = self.query_one(OptionList)
        menu.border_title = Content(self._menu_title)
        menu.border_subtitle = "Esc closes"
        keys = [choice.key for choice in self._choices]
        menu.highlighted = keys.index(self._at) if self._at in keys else 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option.id)

    def on_key(self, event: events.Key) -> None:
        """A letter picks at once."""
        if event.key == "escape":
            event.stop()
            self.dismiss(None)
        elif any(choice.key == event.character for choice in self._choices):
            event.stop()
            self.dismiss(event.character)
