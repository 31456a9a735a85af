"""The command palette: every action of the list that works where a person is."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

from textual import events, on
from textual.app import App
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.dom import DOMNode
from textual.fuzzy import Matcher
from textual.message import Message
from textual.widgets import Input, OptionList

from modelsync_tui import glyphs, keys
from modelsync_tui.closing import ClosesOnce
from modelsync_tui.widgets.scrollbars import suit_scrollbar


@runtime_checkable
class HasOwnKeys(Protocol):
    """An application whose keys a person can set."""

    @property
    def own_keys(self) -> Mapping[str, str]:
        """`[keys]` of the settings file: action id to keys."""
        ...


class ActionCommands(Provider):
    """Finds actions by their words, and says their keys."""

    async def discover(self) -> Hits:
        for action, node in self._reachable():
            yield DiscoveryHit(Content(self._words(action)), partial(run, self.app, action, node), action.label)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for action, node in self._reachable():
            words = self._words(action)
            score = matcher.match(words)
            if score > 0:
                yield Hit(score, _highlighted(words, matcher), partial(run, self.app, action, node), action.label)

    def _words(self, action: keys.Action) -> str:
        """What it does, with the word that the footer has for it, and the keys that do it."""
        plain = glyphs.of(self.app) is glyphs.ASCII
        own = self.app.own_keys if isinstance(self.app, HasOwnKeys) else {}
        named = action.tooltip if action.label in action.tooltip.lower() else f"{action.label} - {action.tooltip}"
        return f"{named}  [{keys.keys_text(action, own, plain=plain)}]"

    def _reachable(self) -> Iterator[tuple[keys.Action, DOMNode]]:
        """Actions whose keys would work now, with the node that has them; not the palette's own."""
        if self.focused is None:
            return
        for node in self.focused.ancestors_with_self:
            for _, binding in node._bindings:
                known = binding.id and keys.find(binding.id)
                if known and known.id != "app.palette" and binding.key == known.keys[0]:
                    yield known, node


def _highlighted(words: str, matcher: Matcher) -> Content:
    """The words, literal, with what was typed in them: Textual's own would read the keys as markup."""
    content = Content(words)
    for at in matcher.fuzzy_search.match(matcher.query, words)[1]:
        if not words[at].isspace():
            content = content.stylize(matcher.match_style, at, at + 1)
    return content


class Palette(CommandPalette, ClosesOnce[None]):
    """Textual's, with the words and the characters of this application."""

    DEFAULT_CSS = Path(__file__).with_name("palette.tcss").read_text(encoding="utf-8")

    def __init__(self) -> None:
        super().__init__(placeholder="words of a command")

    def on_mount(self) -> None:
        self.set_class(glyphs.of(self.app) is glyphs.ASCII, "-ascii")
        suit_scrollbar(self.query_one(CommandList))

    @on(OptionList.OptionSelected)
    @on(Input.Submitted)
    def _when_open(self, event: Message) -> None:
        """A second Enter, or an Esc before it, has closed the palette: it runs no command then, and closes nothing."""
        if not self.is_active:
            event.prevent_default()
            event.stop()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A list for which the terminal has no room has no lines that a key could lead to."""
        if action == "command_list" and not self.query_one(CommandList).scrollable_content_region:
            return False
        return super().check_action(action, parameters)

    def on_click(self, event: events.Click) -> None:
        """A click of a moment ago, at a place that the terminal no longer has, meets nothing."""
        if not self.region.contains(event.screen_x, event.screen_y):
            event.prevent_default()


async def run(app: App[object], action: keys.Action, node: DOMNode) -> None:
    """Does what the action's key would do."""
    await app.run_action(action.run, default_namespace=node)
