"""The frame that every question has: a card over the screen, a body, and a row of choices."""

from collections.abc import Iterable
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from modelsync_tui import glyphs
from modelsync_tui.closing import ModalClosesOnce
from modelsync_tui.widgets.scrollbars import suit_scrollbar
from modelsync_tui.widgets.titles import edge

Answer = TypeVar("Answer")
NARROW_BELOW_CELLS = 70


class Card(ModalClosesOnce[Answer], Generic[Answer]):
    """A question over the screen; Esc is always the answer that changes nothing."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "decline", "cancel", id="dialog.cancel", tooltip="close it and change nothing"),
        Binding("right", "app.focus_next", show=False, id="dialog.next", tooltip="next choice"),
        Binding("left", "app.focus_previous", show=False, id="dialog.previous", tooltip="choice before"),
        Binding("f10,ctrl+q", "quit_from_here", show=False, id="dialog.quit", tooltip="close it and quit"),
    ]

    def __init__(self, title: str) -> None:
        super().__init__()
        self._card_title = title

    def body(self) -> Iterable[Widget]:
        """What stands between the title and the choices."""
        raise NotImplementedError

    def choices(self) -> Iterable[Widget]:
        """The buttons, the first at the left, and what must be said beside one."""
        raise NotImplementedError

    def action_decline(self) -> None:
        """Closes the card with the answer that changes nothing."""
        self.dismiss(None)

    def action_quit_from_here(self) -> None:
        """Closes the card unanswered and quits; the application asks when transfers are running."""
        self.action_decline()
        self.app.call_later(self.app.run_action, "ask_quit")

    def compose(self) -> ComposeResult:
        with Vertical(id="card"):
            yield from self.body()
            with Horizontal(id="choices"):
                yield from self.choices()

    def on_mount(self) -> None:
        self.set_class(self.plain, "-ascii")
        suit_scrollbar(self)
        suit_scrollbar(self.query_one("#card"))

        self.call_after_refresh(self._show_titles)

    def on_resize(self) -> None:
        self.set_class(self.size.width < NARROW_BELOW_CELLS, "-narrow")
        self.call_after_refresh(self._show_titles)

    def lower_title(self) -> str:
        """What the lower edge of the card says."""
        return ""

    def _show_titles(self) -> None:
        if self not in self.app.screen_stack:
            return  # it was closed, and what is in it may be gone
        card = self.query_one("#card")
        card.border_title = edge(card, self._card_title, "")
        card.border_subtitle = edge(card, "", self.lower_title())

    @property
    def glyphs(self) -> glyphs.Glyphs:
        """The characters to draw with."""
        return glyphs.of(self.app)

    @property
    def plain(self) -> bool:
        """Whether only ASCII may be drawn."""
        return self.glyphs is glyphs.ASCII


def choice(label: str, key: str, *, id: str, kind: str = "", disabled: bool = False) -> Button:
    """A button as drawn: `[ Cancel  Esc ]`, with the key that does the same."""
    words = f"[ {label}  {key} ]" if key else f"[ {label} ]"
    return Button(Content(words), id=id, classes=f"choice {kind}".strip(), compact=True, disabled=disabled)


def sentence(text: str, *, id: str | None = None, kind: str = "") -> Static:
    """A paragraph of the body; literal, never read as markup."""
    return Static(Content(text), id=id, classes=f"sentence {kind}".strip(), markup=False)


def bracketed(field: Input) -> Iterable[Widget]:
    """A field as drawn: `[ text ]`, so that its ends are seen without colour."""
    yield Static("[", classes="bracket", markup=False)
    yield field
    yield Static("]", classes="bracket", markup=False)
