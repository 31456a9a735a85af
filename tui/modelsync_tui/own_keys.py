"""A person's own keys, from their settings: which of them cannot be, and why."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from textual.keys import KEY_NAME_REPLACEMENTS, Keys

from modelsync_tui.keys import Where, actions, character_of, find, keys_of, reachable, textual_keymap

_KEY_NAMES = frozenset(str(key.value) for key in Keys) | frozenset(KEY_NAME_REPLACEMENTS.values())


def unknown_ids(keymap: Iterable[str]) -> tuple[str, ...]:
    """Ids in a person's settings that name no action."""
    return tuple(action_id for action_id in keymap if find(action_id) is None)


def unknown_keys(keymap: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Action ids in a person's settings whose key no terminal can send, with that key."""
    return tuple(
        (action_id, key)
        for action_id, own in textual_keymap(keymap).items()
        for key in own.split(",")
        if not _is_key(key)
    )


@dataclass(frozen=True, slots=True)
class Clash:
    """A person's own key that works as well where another action has it."""

    action_id: str
    key: str
    """In Textual's names."""
    other_id: str


def clashes(keymap: Mapping[str, str]) -> Iterator[Clash]:
    """Where a person's settings give an action the key of another one that can be meant at the same moment."""
    for place in Where:
        meant: dict[str, str] = {}
        for action in sorted(actions(*reachable(place)), key=lambda action: action.id in keymap):  # their own come last
            for key in keys_of(action, keymap):
                other = meant.setdefault(key, action.id)
                if other != action.id and action.id in keymap:
                    yield Clash(action.id, key, other)


def _is_key(key: str) -> bool:
    *modifiers, name = key.split("+")
    if not set(modifiers) <= {"ctrl", "shift", "alt", "super", "hyper", "meta"}:
        return False
    return len(name) == 1 or name in _KEY_NAMES or bool(character_of(name))
