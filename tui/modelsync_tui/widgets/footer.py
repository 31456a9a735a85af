"""The last line: the keys of the focused pane, made from the list of actions."""

from collections.abc import Mapping, Sequence

from textual import events

from modelsync_tui import glyphs, keys
from modelsync_tui.widgets.columnline import ColumnLine
from modelsync_tui.widgets.lines import Piece, Tone

HELP = "app.help"
_GAP_CELLS = 2


class Footer(ColumnLine):
    """As many keys as fit, first things first; a click does what the key does."""

    def __init__(self, keymap: Mapping[str, str], place: keys.Where = keys.Where.BROWSER) -> None:
        super().__init__(self._pieces)
        self._keymap = keymap
        self._place = place
        self._spots: list[tuple[range, str]] = []

    def show(self, place: keys.Where) -> None:
        """Shows the keys of another pane."""
        if place is not self._place:
            self._place = place
            self.refresh()

    def _pieces(self, width: int) -> Sequence[Piece]:
        plain = glyphs.of(self.app) is glyphs.ASCII
        pieces: list[Piece] = [(" ", Tone.PLAIN)]
        self._spots = []
        used = 1
        for action in self._fitting(width, plain=plain):
            key = keys.keys_of(action, self._keymap)[0]
            word = keys.key_word(key, plain=plain)
            cells = self._cells(action, plain=plain)
            self._spots.append((range(used, used + cells - 2), key))
            pieces += [(word, Tone.ACCENT), (f" {action.label}  ", Tone.MUTED)]
            used += cells
        return pieces

    def _fitting(self, width: int, *, plain: bool) -> Sequence[keys.Action]:
        """What there is room for; the key of the help, which says the others, always is among them."""
        wanted = keys.footer_actions(*keys.reachable(self._place))
        kept = [action for action in wanted if action.id == HELP]
        room = width - 1 + _GAP_CELLS - sum(self._cells(action, plain=plain) for action in kept)
        for action in wanted:
            if action.id == HELP:
                continue
            room -= self._cells(action, plain=plain)
            if room < 0:
                break
            kept.append(action)
        return [action for action in wanted if action in kept]

    def _cells(self, action: keys.Action, *, plain: bool) -> int:
        word = keys.key_word(keys.keys_of(action, self._keymap)[0], plain=plain)
        return len(word) + 1 + len(action.label) + _GAP_CELLS

    def on_click(self, event: events.Click) -> None:
        for cells, key in self._spots:
            if event.x in cells:
                self.app.simulate_key(key)
                return
