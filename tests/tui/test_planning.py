"""From marked rows to a plan, to few words, to requests; and what the clipboard gets."""

import shlex

from modelsync.comparison import Direction
from modelsync.model import UploadStatus
from modelsync.tag import Tag
from modelsync_tui import clipboard
from modelsync_tui.listing import Side
from modelsync_tui.planning import agreed, plan_for, plan_words
from support.tui import catalog_of, local_model, remote_model

CATALOG = catalog_of(
    [local_model("bert:v1"), local_model("bert:v2"), local_model("llama:w", size=5)],
    [remote_model("bert:v1"), remote_model("llama:w", size=6), remote_model("fraud:x", status=UploadStatus.FAILED)],
)
KEYS = [("bert", "v1"), ("bert", "v2"), ("llama", "w"), ("fraud", "x")]


def test_a_push_is_planned_for_what_the_store_has() -> None:
    plan = plan_for(CATALOG, KEYS, Direction.PUSH)
    assert [item.tag_text for item in plan.items] == ["bert:v1", "bert:v2", "llama:w"]
    assert [item.tag_text for item in plan.going] == ["bert:v2"]


def test_a_plan_in_few_words_says_what_is_skipped_and_why() -> None:
    words = plan_words(plan_for(CATALOG, KEYS, Direction.PUSH))
    assert words == "pushes 1, skips 1 (already on remote), skips 1 that differs (F overwrites)"


def test_a_pull_counts_what_cannot_be_moved() -> None:
    words = plan_words(plan_for(CATALOG, KEYS, Direction.PULL))
    assert words == "pulls 0, skips 1 (already here), skips 1 that differs (F overwrites), cannot move 1"


def test_what_is_already_there_is_no_transfer_and_what_differs_is_one_so_that_its_result_is_seen() -> None:
    for_queue = agreed(plan_for(CATALOG, KEYS, Direction.PUSH))
    assert [str(request.tag) for request in for_queue.requests] == ["bert:v2", "llama:w"]
    assert for_queue.already_there == {(Direction.PUSH, Tag("bert", "v1"))}


def test_only_what_a_person_kept_is_forced() -> None:
    plan = plan_for(CATALOG, KEYS, Direction.PUSH, force=True)
    (request,) = agreed(plan, only=(Tag("llama", "w"),)).requests
    assert (str(request.tag), request.force) == ("llama:w", True)


def test_a_name_that_no_store_can_keep_is_never_requested() -> None:
    catalog = catalog_of([], [remote_model("Bad Name:v1")])
    plan = plan_for(catalog, [("Bad Name", "v1")], Direction.PULL)
    assert len(plan.items) == 1
    assert agreed(plan).requests == []


def test_the_command_for_the_clipboard_can_be_pasted_into_a_shell() -> None:
    keys = [("bert", "v1"), ("$(reboot)", "a b")]
    command = clipboard.text_of(clipboard.COMMAND, keys, Side.REMOTE, CATALOG, "prod")
    assert shlex.split(command) == ["modelsync", "pull", "bert:v1", "$(reboot):a b", "--context", "prod"]


def test_paths_are_copied_of_what_is_in_the_store() -> None:
    assert clipboard.text_of(clipboard.PATH, KEYS[:1], Side.LOCAL, CATALOG, None) == "/store/models/bert/v1"
    assert clipboard.text_of(clipboard.PATH, [("fraud", "x")], Side.REMOTE, CATALOG, None) == ""
