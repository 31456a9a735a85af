"""The question how fast all transfers together may be; what is picked holds at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from modelsync.settings import BANDWIDTH_ALLOWED, parse_bandwidth
from modelsync_tui.dialogs.card import Card, bracketed, choice, sentence
from modelsync_tui.text import literal
from modelsync_tui.widgets.words import speed_text

MiB = 1024 * 1024
PRESETS = (1, 5, 20, 100)
"""In MiB/s; the digits 1 to 4 pick them, 0 picks no limit."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What a person picked."""

    bytes_per_s: int | None
    """None: no limit."""


class BandwidthDialog(Card[Limit]):
    """Asks for a limit; Esc leaves it as it is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "app.focus_previous", show=False, id="bandwidth.up", tooltip="choice before"),
        Binding("down", "app.focus_next", show=False, id="bandwidth.down", tooltip="next choice"),
    ]

    def __init__(self, limit: int | None) -> None:
        """`limit`: what holds now."""
        super().__init__("Bandwidth")
        self._limit = limit

    def body(self) -> Iterable[Widget]:
        now = "off" if self._limit is None else speed_text(self._limit)
        yield sentence(f"All transfers together, both directions. The limit is {now}.", id="now")
        with Horizontal(id="typed-row"):
            yield sentence("Another:", id="prompt")
            yield from bracketed(Input(id="typed", compact=True, placeholder="40 MiB/s, 2.5MB, off"))
        yield sentence("", id="refused", kind="-bad")

    def choices(self) -> Iterable[Widget]:
        yield choice(f"{'off':<9}", "0", id="preset-0")
        for number, rate in enumerate(PRESETS, 1):
            yield choice(f"{f'{rate} MiB/s':<9}", str(number), id=f"preset-{number}")

    def on_mount(self) -> None:
        self.query_one("#refused").display = False
        rates = [None, *(rate * MiB for rate in PRESETS)]
        at = rates.index(self._limit) if self._limit in rates else 0
        self.set_focus(self.query_one(f"#preset-{at}", Button))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self._pick((event.button.id or "").removeprefix("preset-"))

    def on_key(self, event: events.Key) -> None:
        """A digit picks a preset, unless a rate is being typed; any other letter of a rate begins to type one."""
        if isinstance(self.focused, Input) or event.character is None:
            return
        if event.character in "01234":
            event.stop()
            self._pick(event.character)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            self.dismiss(Limit(parse_bandwidth(event.value)))
        except ValueError:
            typed = f"{literal(event.value)!r} is no limit" if event.value.strip() else "Nothing was typed"
            refused = self.query_one("#refused", Static)
            refused.update(Content(f"{typed}. Allowed: {BANDWIDTH_ALLOWED}."))
            refused.display = True
            self.app.bell()

    def _pick(self, digit: str) -> None:
        number = int(digit)
        self.dismiss(Limit(PRESETS[number - 1] * MiB if number else None))
