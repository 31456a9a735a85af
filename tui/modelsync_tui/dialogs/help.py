"""The help: the live keys of the pane that has the focus, from the one list of actions; typing searches it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from modelsync_tui import keys, text
from modelsync_tui.dialogs.card import Card, bracketed
from modelsync_tui.glyphs import ASCII, Glyphs
from modelsync_tui.widgets.lines import Lines, Piece, Tone

_KEYS_CELLS = 12
"""Room for the longest keys that the application has of its own, and the blanks behind them."""
_LEAD_CELLS = 2
_ID_CELLS = 22
_TWO_COLUMNS_CELLS = 70
_FRAME_LINES = 5
"""Borders, search and hint around the keys."""
_FROM_LIST = "this list is made from the live key map"


class HelpScreen(Card[None]):
    """Keys and what they do; Esc clears the search, then closes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "decline", show=False, id="help.close", tooltip="close the help"),
        Binding("up", "scroll_keys(-1)", show=False, id="help.up", tooltip="scroll up"),
        Binding("down", "scroll_keys(1)", show=False, id="help.down", tooltip="scroll down"),
        Binding("pageup", "scroll_keys(-10)", show=False, id="help.page_up", tooltip="a page up"),
        Binding("pagedown", "scroll_keys(10)", show=False, id="help.page_down", tooltip="a page down"),
    ]

    def __init__(self, place: keys.Where, keymap: Mapping[str, str] | None = None) -> None:
        """`place`: the pane that has the focus; `keymap`: a person's own keys by action id."""
        super().__init__(f"Help  {place}")
        self._place = place
        self._keymap = keymap or {}

    def body(self) -> Iterable[Widget]:
        with Horizontal(id="search-row"):
            yield from bracketed(Input(id="search", compact=True, placeholder="type to search"))
        yield KeyLines(relevant(self._place), self._keymap, self.glyphs, id="keys")

    def choices(self) -> Iterable[Widget]:
        yield Static(Content("Esc closes   type to search   arrows scroll"), classes="-muted", markup=False)

    def on_mount(self) -> None:
        self.set_focus(self.query_one("#search", Input))

    def on_resize(self) -> None:
        self.query_one(KeyLines).styles.max_height = max(3, self.size.height - _FRAME_LINES)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one(KeyLines).search(event.value)

    def action_decline(self) -> None:
        search = self.query_one("#search", Input)
        if search.value:
            search.value = ""
        else:
            self.dismiss(None)

    def action_scroll_keys(self, by: int) -> None:
        self.query_one(KeyLines).move_cursor(by)

    def lower_title(self) -> str:
        return _FROM_LIST


def relevant(place: keys.Where) -> tuple[keys.Action, ...]:
    """The actions that work while a pane has the focus; in the transfers and the log their own first."""
    own = () if place is keys.Where.BROWSER else keys.actions(place)
    others = keys.actions(*keys.reachable(place))
    return (*own, *(action for action in others if action not in own))


class KeyLines(Lines, can_focus=False):
    """Actions under their headings, in two columns where there is room; while searching, those that match."""

    def __init__(self, actions: Sequence[keys.Action], keymap: Mapping[str, str], glyphs: Glyphs, *, id: str) -> None:
        super().__init__(id=id)
        self._actions = actions
        self._keymap = keymap
        self._glyphs = glyphs
        self._wanted = ""

    def search(self, wanted: str) -> None:
        """Shows only what has all these words, in its key, its words or its id."""
        self._wanted = wanted.strip()
        self.scroll_to(y=0, animate=False)
        self.lines_changed()

    def found(self) -> tuple[keys.Action, ...]:
        """The actions that match what is searched."""
        if not self._wanted:
            return tuple(self._actions)
        words = self._wanted.lower().split()
        return tuple(
            action
            for action in self._actions
            if self._keys(action) == self._wanted
            or all(word in f"{action.label} {action.tooltip} {action.id}".lower() for word in words)
        )

    def line_count(self) -> int:
        if self._wanted:
            return max(1, len(self.found()))
        return max(len(column) for column in self._columns())

    def line(self, index: int, width: int) -> Sequence[Piece]:
        if self._wanted:
            found = self.found()
            if not found:
                words = f" Nothing here has {text.literal(self._wanted)!r}. Esc clears the search."
                return ((text.cut(words, width, self._glyphs.ellipsis), Tone.MUTED),)
            return self._found_line(found[index], width)
        columns = self._columns()
        cells = width // len(columns)
        # One kind of words in the whole list: sentences where all of them fit, else a word or two for each.
        room = cells - _KEYS_CELLS - _LEAD_CELLS
        sentences = all(cell_len(action.tooltip) < room for action in self._actions)
        return [piece for column in columns for piece in self._cell(column, index, cells, sentences=sentences)]

    def _columns(self) -> list[list[keys.Action | keys.Group]]:
        """The headings and their actions, cut between two headings so that both columns are about as high."""
        groups = list(dict.fromkeys(action.group for action in self._actions))  # in the order of the first of each
        blocks: list[list[keys.Action | keys.Group]] = [
            [group, *(action for action in self._actions if action.group is group)] for group in groups
        ]
        if self.size.width < _TWO_COLUMNS_CELLS:
            return [_joined(blocks)]
        cuts = range(1, len(blocks) + 1)
        best = min(cuts, key=lambda cut: max(len(_joined(blocks[:cut])), len(_joined(blocks[cut:]))))
        return [_joined(blocks[:best]), _joined(blocks[best:])]

    def _cell(
        self, column: Sequence[keys.Action | keys.Group], index: int, width: int, *, sentences: bool
    ) -> list[Piece]:
        entry = column[index] if index < len(column) else None
        match entry:
            case None:
                return [(" " * width, Tone.PLAIN)]
            case keys.Group():
                return [(text.left(f" {entry}", width, self._glyphs.ellipsis), Tone.STRONG)]
            case keys.Action():
                words = entry.tooltip if sentences else entry.label
                keys_text = text.left(self._keys(entry), _KEYS_CELLS, self._glyphs.ellipsis)
                room = width - _KEYS_CELLS - _LEAD_CELLS
                return [
                    (" " * _LEAD_CELLS + keys_text, Tone.ACCENT),
                    (text.left(words, room, self._glyphs.ellipsis), Tone.PLAIN),
                ]

    def _found_line(self, action: keys.Action, width: int) -> list[Piece]:
        room = max(10, width - _KEYS_CELLS - _ID_CELLS - 3)
        return [
            (f"  {text.left(self._keys(action), _KEYS_CELLS, self._glyphs.ellipsis)}", Tone.ACCENT),
            (text.left(action.tooltip, room, self._glyphs.ellipsis), Tone.PLAIN),
            (f" {action.id}", Tone.MUTED),
        ]

    def _keys(self, action: keys.Action) -> str:
        return keys.keys_text(action, self._keymap, plain=self._glyphs is ASCII)


def _joined(blocks: Sequence[Sequence[keys.Action | keys.Group]]) -> list[keys.Action | keys.Group]:
    return [entry for block in blocks for entry in block]
