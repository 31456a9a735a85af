"""The one list of actions."""

from collections import Counter

import pytest
from textual.app import App
from textual.dom import DOMNode

from modelsync_tui import keys, own_keys
from modelsync_tui.app import ModelsyncApp
from modelsync_tui.screens.details import DetailsScreen
from modelsync_tui.screens.main import MainScreen
from modelsync_tui.widgets.browser import Browser
from modelsync_tui.widgets.log import LogPane
from modelsync_tui.widgets.transfers import TransfersPane

OWNERS: dict[keys.Where, type[DOMNode]] = {
    keys.Where.APP: ModelsyncApp,
    keys.Where.MAIN: MainScreen,
    keys.Where.BROWSER: Browser,
    keys.Where.TRANSFERS: TransfersPane,
    keys.Where.LOG: LogPane,
    keys.Where.DETAILS: DetailsScreen,
}


@pytest.mark.parametrize("action", keys.ACTIONS, ids=lambda action: action.id)
def test_every_action_of_the_list_is_built_where_it_says(action: keys.Action) -> None:
    owner: type[DOMNode] = OWNERS[action.where]
    name = action.run.partition("(")[0]
    if name.startswith("screen."):
        owner, name = MainScreen, name.removeprefix("screen.")
    assert callable(getattr(owner, f"action_{name}", None)) or callable(getattr(App, f"action_{name}", None))


def test_no_key_means_two_things_in_one_place() -> None:
    for place in keys.Where:
        counted = Counter(key for action in keys.actions(place) for key in action.keys)
        assert [key for key, count in counted.items() if count > 1] == []


def test_browser_keys_do_not_hide_those_of_the_screen_and_the_application() -> None:
    below = {key for action in keys.actions(keys.Where.MAIN, keys.Where.APP) for key in action.keys}
    assert [action.id for action in keys.actions(keys.Where.BROWSER) if below & set(action.keys)] == []


def test_ids_are_unique_and_every_action_has_words() -> None:
    assert len({action.id for action in keys.ACTIONS}) == len(keys.ACTIONS)
    assert all(action.label and action.tooltip for action in keys.ACTIONS)


def test_no_key_changes_the_remote_without_a_capital_letter_or_a_question() -> None:
    asks_first = {"act.copy_over", "act.push", "act.pull", "act.force", "act.delete", "act.clean_up"}
    changes_nothing = {"act.clipboard", "act.verify"}
    assert {action.id for action in keys.ACTIONS if action.id.startswith("act.")} - changes_nothing == asks_first


def test_keys_that_terminals_take_are_never_bound() -> None:
    taken = {"ctrl+i", "ctrl+m", "ctrl+h", "ctrl+j"}
    assert not taken & {key for action in keys.ACTIONS for key in action.keys}


def test_a_persons_own_keys_win_in_words() -> None:
    push = keys.action("act.push")
    assert keys.keys_text(push) == "P"
    assert keys.keys_text(push, {"act.push": "f6,U"}) == "F6 U"


def test_the_readme_table_names_every_action() -> None:
    table = keys.markdown_table()
    assert all(action.tooltip in table for action in keys.ACTIONS)


def test_unknown_ids_are_found() -> None:
    assert own_keys.unknown_ids(["act.push", "act.fly"]) == ("act.fly",)
