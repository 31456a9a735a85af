"""The line above the footer: what would happen, what went wrong, or the filter while it is typed."""

from enum import StrEnum

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from modelsync_tui import glyphs
from modelsync_tui.text import cut


class Kind(StrEnum):
    """How a message is coloured; its first character says the same."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"


class MessageLine(Static):
    """One sentence, literal."""

    def __init__(self) -> None:
        super().__init__(markup=False, id="message")
        self.kind = Kind.PLAIN
        self._words = ""

    @property
    def is_silent(self) -> bool:
        return not self._words

    def say(self, words: str, kind: Kind = Kind.PLAIN) -> None:
        """Shows a sentence until the next one."""
        self.kind = kind
        for other in Kind:
            self.set_class(other is kind, f"-{other}")
        self._words = words
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        """As much as there is room for, so that it is seen where some is left out."""
        room = self.content_size.width
        words = cut(self._words, room, glyphs.of(self.app).ellipsis) if room else self._words
        self.update(Content(words))


class FilterBar(Horizontal):
    """The filter of one pane while a person types it; its screen shows it in the place of the message line."""

    class Typed(Message):
        """The text changed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Closed(Message):
        """The person is done; with `keep` the filter stays."""

        def __init__(self, *, keep: bool) -> None:
            super().__init__()
            self.keep = keep

    def compose(self) -> ComposeResult:
        yield Static(" Filter ", id="filter-label", markup=False)
        yield Input(
            id="filter-input",
            compact=True,
            select_on_focus=False,
        )
        yield Static("", id="filter-hint", markup=False)

    def begin(self, text: str, may_be: str) -> None:
        """Opens with what is filtered now; `may_be` stands there while nothing is typed."""
        typed = self.query_one(Input)
        typed.placeholder = may_be
        with typed.prevent(Input.Changed):
            typed.value = text
        typed.focus()

    def hint(self, words: str) -> None:
        """Says what was not understood, or how many are shown."""
        self.query_one("#filter-hint", Static).update(Content(words))

    def on_descendant_blur(self) -> None:
        """A click elsewhere, or a screen above, is the end of typing; that the terminal is left is not."""
        if self.app.app_focus:
            self.post_message(self.Closed(keep=True))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Typed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Closed(keep=True))

    def key_escape(self) -> None:
        """Esc takes the filter away."""
        self.post_message(self.Closed(keep=False))

    def key_down(self) -> None:
        """The arrow leads back into the list."""
        self.post_message(self.Closed(keep=True))
