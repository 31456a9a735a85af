"""The one list of actions, their keys, words and places: bindings, footer, help, palette and README come from it."""

import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS


class Group(StrEnum):
    """The headings of the help."""

    MOVE = "Move"
    CHOOSE = "Choose"
    ACT = "Act on marked, else on cursor"
    VERSION = "Act on the version"
    TRANSFERS = "Transfers"
    LOG = "Log"
    APP = "App"


class Where(StrEnum):
    """Which part of the application a key works in."""

    APP = "everywhere"
    MAIN = "main screen"
    BROWSER = "browsers"
    DETAILS = "details"
    TRANSFERS = "transfers"
    LOG = "log"


@runtime_checkable
class HasPlace(Protocol):
    """A screen that a person works in: it has keys of its own, and no question of its own is open."""

    @property
    def place(self) -> Where:
        """Which keys work where the focus is."""
        ...


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person can do with a key."""

    id: str
    """What `[keys]` of the settings file calls it."""
    keys: tuple[str, ...]
    """In Textual's names; the first is the one that the footer shows."""
    run: str
    """The method `action_<run>` of the widget, screen or application that it works in."""
    label: str
    """A word or two: footer and palette."""
    tooltip: str
    """One line: help and README."""
    group: Group
    where: Where
    footer: int
    """Its rank in the footer, 1 first; 0: not there."""


_Row = tuple[str, str, str, str, str, int]


def _section(group: Group, where: Where, *rows: _Row) -> tuple[Action, ...]:
    """Actions that share a heading and a place; a row is id, keys with blanks, method, label, tooltip, footer rank."""
    return tuple(
        Action(id_, tuple(keys.split()), run, label, tooltip, group, where, footer)
        for id_, keys, run, label, tooltip, footer in rows
    )


ACTIONS: tuple[Action, ...] = (
    *_section(
        Group.MOVE,
        Where.MAIN,
        ("move.next_pane", "tab", "next_pane", "next pane", "go to the next pane", 0),
        ("move.previous_pane", "shift+tab", "previous_pane", "pane before", "go to the pane before", 0),
        ("move.local", "1", "pane('local')", "local", "go to the local store", 0),
        ("move.remote", "2", "pane('remote')", "remote", "go to the registry", 0),
        ("move.transfers", "3", "pane('transfers')", "transfers", "go to the transfers", 0),
        ("move.log", "4", "pane('log')", "log", "go to the log", 0),
    ),
    *_section(
        Group.MOVE,
        Where.BROWSER,
        ("move.up", "up k", "move(-1)", "up", "one line up", 0),
        ("move.down", "down j", "move(1)", "down", "one line down", 0),
        ("move.page_up", "pageup", "page(-1)", "page up", "one page up", 0),
        ("move.page_down", "pagedown", "page(1)", "page down", "one page down, loads more of the registry", 0),
        ("move.half_up", "ctrl+u", "half_page(-1)", "half page up", "half a page up", 0),
        ("move.half_down", "ctrl+d", "half_page(1)", "half page down", "half a page down", 0),
        ("move.top", "home g", "top", "top", "first line", 0),
        ("move.bottom", "end G", "bottom", "bottom", "last line", 0),
        ("move.open", "enter right l", "open", "open", "open the group, or the version's details", 0),
        ("move.close", "left h backspace", "close", "close", "close the group under the cursor", 0),
    ),
    *_section(
        Group.CHOOSE,
        Where.BROWSER,
        ("choose.mark", "space", "mark", "mark", "mark or unmark, and move down", 6),
        ("choose.range", "v", "range", "range", "mark a range: v, move, v", 0),
        ("choose.all", "ctrl+a", "mark_all", "mark all", "mark all that is shown", 0),
        ("choose.invert", "asterisk", "invert", "invert", "invert the marks of what is shown", 0),
        ("choose.filter", "slash", "screen.filter", "filter", "filter while typing; Esc clears it", 7),
        ("choose.differing", "f", "only_differing", "only what differs", "show only what differs", 0),
        ("choose.sort", "s", "screen.sort", "sort", "sort by name, size, date or state", 0),
        ("choose.reverse", "S", "reverse", "reverse order", "turn the order around", 0),
        ("choose.back", "escape", "back", "back", "clear filter, range, marks, in this order", 0),
    ),
    *_section(
        Group.ACT,
        Where.BROWSER,
        ("act.copy_over", "f5 c", "screen.copy_over", "copy", "copy to the other side; says what will go", 1),
        ("act.push", "P", "screen.push", "push", "push to the registry", 2),
        ("act.pull", "p", "screen.pull", "pull", "pull from the registry", 3),
        ("act.force", "F", "screen.force", "force", "overwrite the other side, asks first", 4),
        ("details.show", "i", "screen.details", "details", "details of the version under the cursor", 10),
        ("act.verify", "V", "screen.verify", "verify", "compare every byte of both sides", 0),
        ("act.delete", "delete f8", "screen.delete", "delete", "delete local versions; says what that frees", 0),
        ("act.clean_up", "D", "screen.clean_up", "clean up", "delete all but the newest ones; asks first", 0),
        ("act.clipboard", "y", "screen.clipboard", "copy text", "copy text: y tag, p path, c command", 0),
    ),
    *_section(
        Group.MOVE,
        Where.DETAILS,
        ("details.next_pane", "tab", "next_pane", "next pane", "go to the next pane", 0),
        ("details.previous_pane", "shift+tab", "previous_pane", "pane before", "go to the pane before", 0),
        ("details.next_tab", "right_square_bracket", "tab(1)", "next tab", "show the next tab", 0),
        ("details.previous_tab", "left_square_bracket", "tab(-1)", "tab before", "show the tab before", 0),
        ("details.up", "up k", "move(-1)", "up", "one line up", 0),
        ("details.down", "down j", "move(1)", "down", "one line down", 0),
        ("details.page_up", "pageup", "page(-1)", "page up", "one page up", 0),
        ("details.page_down", "pagedown", "page(1)", "page down", "one page down", 0),
        ("details.half_up", "ctrl+u", "half_page(-1)", "half page up", "half a page up", 0),
        ("details.half_down", "ctrl+d", "half_page(1)", "half page down", "half a page down", 0),
        ("details.top", "home g", "top", "top", "first line", 0),
        ("details.bottom", "end G", "bottom", "bottom", "last line", 0),
        ("details.open", "enter right l", "open", "open", "go to the files; on a file, read it", 2),
        ("details.close", "left h backspace", "close", "close", "go back to the versions, then to the list", 0),
        ("details.back", "escape i", "back", "back", "back to the list", 1),
    ),
    *_section(
        Group.VERSION,
        Where.DETAILS,
        ("details.push", "P", "push", "push", "push to the registry", 3),
        ("details.pull", "p", "pull", "pull", "pull from the registry", 4),
        ("details.force", "F", "force", "force", "overwrite one side, asks first", 5),
        ("details.verify", "V", "verify", "verify", "compare every byte of both sides", 0),
        ("details.delete", "delete f8", "delete", "delete", "delete it here; says what that frees", 0),
        ("details.clipboard", "y", "clipboard", "copy", "copy text: y tag, p path, c command", 6),
        ("details.refresh", "r ctrl+r", "refresh", "refresh", "read both sides of this version again", 7),
    ),
    *_section(
        Group.TRANSFERS,
        Where.MAIN,
        ("transfers.size", "t", "transfers_size", "transfers", "transfers small, full or off", 8),
        ("transfers.more_workers", "plus", "workers(1)", "more workers", "one part thread more, up to 64", 0),
        ("transfers.fewer_workers", "minus", "workers(-1)", "fewer workers", "one part thread less", 0),
        ("transfers.bandwidth", "b", "bandwidth", "bandwidth", "limit the speed of all transfers", 0),
        ("transfers.history", "H", "history", "history", "past transfers, of every program", 0),
    ),
    *_section(
        Group.TRANSFERS,
        Where.TRANSFERS,
        ("transfers.up", "up k", "move(-1)", "up", "one transfer up", 0),
        ("transfers.down", "down j", "move(1)", "down", "one transfer down", 0),
        ("transfers.top", "home g", "first", "top", "first transfer", 0),
        ("transfers.bottom", "end G", "last", "bottom", "last transfer", 0),
        ("transfers.pause", "space", "pause", "pause/resume", "pause it, or go on with it", 1),
        ("transfers.cancel", "x", "cancel", "cancel", "cancel it; asks when some of it has moved", 2),
        ("transfers.retry", "R", "retry", "retry", "try a failed one again", 3),
        ("transfers.earlier", "K", "reorder(-1)", "earlier", "move it up in the queue", 4),
        ("transfers.later", "J", "reorder(1)", "later", "move it down in the queue", 5),
        ("transfers.clear", "c", "clear_done", "clear done", "take finished ones off the list", 6),
        ("transfers.parts", "v", "parts", "all/active", "all parts or files, active or failed", 7),
        ("transfers.files", "f", "files", "files", "its files in the place of its parts", 8),
        ("transfers.back", "escape", "back", "back", "back to the list of versions", 0),
        ("transfers.page_up", "pageup", "page(-1)", "page up", "one page up in its parts or files", 0),
        ("transfers.page_down", "pagedown", "page(1)", "page down", "one page down in its parts or files", 0),
        ("transfers.log", "o", "log", "log", "what the log says of it", 9),
    ),
    *_section(
        Group.LOG,
        Where.LOG,
        ("log.up", "up k", "scroll_lines(-1)", "up", "one line up", 0),
        ("log.down", "down j", "scroll_lines(1)", "down", "one line down", 0),
        ("log.page_up", "pageup", "page(-1)", "page up", "one page up", 0),
        ("log.page_down", "pagedown", "page(1)", "page down", "one page down", 0),
        ("log.top", "home g", "top", "top", "oldest line", 0),
        ("log.bottom", "end G", "bottom", "bottom", "newest line, and those that come", 1),
        ("log.file", "o", "file", "log file", "say where the log file is, copy its path", 2),
        ("log.filter", "slash", "screen.filter", "filter", "only lines with some words; Esc clears it", 3),
        ("log.back", "escape", "back", "back", "clear the filter, then back to the list", 0),
    ),
    *_section(
        Group.APP,
        Where.MAIN,
        ("app.refresh", "r ctrl+r", "refresh_sides", "refresh", "read both sides again", 0),
        ("app.log", "L", "toggle_log", "log", "log pane on or off", 0),
    ),
    *_section(
        Group.APP,
        Where.APP,
        ("app.help", "question_mark f1", "help", "help", "this help", 9),
        ("app.palette", "ctrl+p colon", "command_palette", "commands", "find a command by its name", 10),
        ("app.quit", "q f10 ctrl+q", "ask_quit", "quit", "quit; asks when transfers are running", 11),
        ("app.accounts", "a", "accounts", "account", "contexts: switch, sign in, sign out", 0),
        ("app.interrupt", "ctrl+c", "interrupt", "how to quit", "says how to quit", 0),
        ("app.theme", "T", "pick_theme", "theme", "dark, light or high contrast", 0),
        ("app.suspend", "ctrl+z", "suspend_process", "suspend", "back to the shell; fg returns", 0),
    ),
)

_BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}

_KEY_WORDS = {
    "question_mark": "?",
    "asterisk": "*",
    "slash": "/",
    "colon": ":",
    "space": "Space",
    "enter": "Enter",
    "escape": "Esc",
    "tab": "Tab",
    "shift+tab": "Shift+Tab",
    "backspace": "Bksp",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "delete": "Del",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
}
_ARROWS = {"up": ("↑", "Up"), "down": ("↓", "Down"), "left": ("←", "Left"), "right": ("→", "Right")}


def action(action_id: str) -> Action:
    """The action of that id; KeyError for a wrong one."""
    return _BY_ID[action_id]


def find(action_id: str) -> Action | None:
    """The action of that id, if there is one."""
    return _BY_ID.get(action_id)


def actions(*places: Where) -> tuple[Action, ...]:
    """The actions of some places, in the order of the list."""
    return tuple(action for action in ACTIONS if action.where in places)


def bindings(place: Where) -> list[Binding]:
    """What a widget, screen or application of that place binds."""
    return [
        Binding(
            ",".join(action.keys),
            action.run,
            action.label,
            id=action.id,
            tooltip=action.tooltip,
            show=bool(action.footer),
        )
        for action in actions(place)
    ]


def reachable(place: Where) -> tuple[Where, ...]:
    """The places whose keys work while a part has the focus: its own, those of its screen, and of the application."""
    screen = () if place is Where.DETAILS else (Where.MAIN,)
    return (place, *screen, Where.APP)


def footer_actions(*places: Where) -> tuple[Action, ...]:
    """What the footer shows for some places, first things first."""
    return tuple(sorted((action for action in actions(*places) if action.footer), key=lambda action: action.footer))


def key_word(key: str, *, plain: bool = False) -> str:
    """A key as a person reads it: `^a`, `F5`, `↑` (`Up` when plain)."""
    if key in _ARROWS:
        return _ARROWS[key][plain]
    if key in _KEY_WORDS:
        return _KEY_WORDS[key]
    if key.startswith("ctrl+"):
        return f"^{key.removeprefix('ctrl+')}"
    if character := character_of(key):
        return character
    return key.upper() if len(key) > 1 and key[0] == "f" else key


def keys_of(action: Action, keymap: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The keys of an action after a person's own settings (`[keys]`: action id to keys with commas)."""
    own = (keymap or {}).get(action.id)
    return tuple(textual_keymap({action.id: own})[action.id].split(",")) if own else action.keys


def keys_text(action: Action, keymap: Mapping[str, str] | None = None, *, plain: bool = False) -> str:
    """All keys of an action for the help: `F5 c`."""
    return " ".join(key_word(key, plain=plain) for key in keys_of(action, keymap))


def textual_keymap(keymap: Mapping[str, str]) -> dict[str, str]:
    """A person's `[keys]` in Textual's names: `?` or `question_mark`, blanks or not, are the same key."""
    return {
        action_id: ",".join(
            made.key for key in own.split(",") if key.strip() for made in Binding.make_bindings([(key.strip(), "", "")])
        )
        for action_id, own in keymap.items()
    }


def character_of(name: str) -> str:
    """The character that Textual spells so, `.` for `full_stop`; empty for any other name."""
    try:
        character = unicodedata.lookup(_UNICODE_NAMES.get(name, name).replace("_", " "))
    except KeyError:
        return ""
    return character if len(name) > 1 and character.isprintable() else ""


_UNICODE_NAMES = {ours: unicode for unicode, ours in KEY_NAME_REPLACEMENTS.items()}


def markdown_table() -> str:
    """The README's table of keys."""
    lines = ["| key | action | where |", "|---|---|---|"]
    for action in ACTIONS:
        words = " ".join(f"`{key_word(key)}`" for key in action.keys)
        lines.append(f"| {words} | {action.tooltip} | {action.where} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown_table())
