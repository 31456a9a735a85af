"""The two small menus of a browser: how to sort, what to copy to the clipboard."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual.app import App

from modelsync_tui import clipboard
from modelsync_tui.catalog import Catalog
from modelsync_tui.listing import Key, Side, SortKey
from modelsync_tui.text import count_text, literal
from modelsync_tui.widgets.messageline import Kind

if TYPE_CHECKING:
    from modelsync_tui.widgets.browser import Browser

_SORTS = {
    "n": (SortKey.NAME, "name"),
    "z": (SortKey.SIZE, "size, largest first"),
    "d": (SortKey.DATE, "date, newest first"),
    "t": (SortKey.STATE, "state, what differs first"),
}


def sort(browser: "Browser") -> None:
    """Asks for the order of a list."""
    from modelsync_tui.dialogs.menu import Choice, Menu

    def chosen(key: str | None) -> None:
        if key is not None:
            browser.sort_by(_SORTS[key][0])

    choices = [Choice(key, words) for key, (_, words) in _SORTS.items()]
    at = next(key for key, (order, _) in _SORTS.items() if order is browser.ask.sort)
    browser.app.push_screen(Menu(f"Sort {browser.side}", choices, at=at), chosen)


def copy(
    app: App[object],
    versions: Sequence[Key],
    side: Side,
    catalog: Catalog,
    context: str | None,
    say: Callable[[str, Kind], object],
) -> None:
    """Asks what to copy and copies it; the text is shown too, because not every terminal lets a program copy."""
    from modelsync_tui.dialogs.menu import Choice, Menu

    def chosen(what: str | None) -> None:
        if what is None:
            return
        words = clipboard.text_of(what, versions, side, catalog, context)
        if not words:
            say("There is nothing to copy here.", Kind.BAD)
            return
        app.copy_to_clipboard(words)
        first, *others = words.splitlines()
        say(
            f"Copied: {literal(first)}" + (f"  and {count_text(len(others), 'line')} more" if others else ""), Kind.GOOD
        )

    choices = [Choice(key, words) for key, words in clipboard.CHOICES.items()]
    app.push_screen(Menu("Copy to the clipboard", choices), chosen)
