"""Deleting local versions: what is chosen, what is refused, what is freed."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from modelsync.errors import LocalModelNotFoundError, StoreLockedError
from modelsync.model import Direction
from modelsync.pruning import delete, keep_last, plan_delete
from modelsync.store import ModelStore
from modelsync.store.bentos import bentos_using
from modelsync.tag import Tag
from modelsync.transfer.journal import JournalKey, Journals
from support.local_store import CREATED, latest, write_model


def store_of(home: Path, *tags: str, size: int = 100) -> ModelStore:
    for number, tag in enumerate(tags):
        write_model(home, tag, files={"w.bin": b"x" * size}, created=CREATED + timedelta(hours=number))
    return ModelStore(home)


def write_bento(home: Path, bento: str, *models: str) -> None:
    name, _, version = bento.partition(":")
    folder = home / "bentos" / name / version
    folder.mkdir(parents=True)
    listed = "".join(f"- tag: {model}\n" for model in models)
    (folder / "bento.yaml").write_text(f"name: {name}\nversion: {version}\nmodels:\n{listed}")


def nobody(_tags: Collection[Tag]) -> Mapping[Tag, tuple[str, ...]]:
    return {}


def test_a_plan_says_what_is_freed_and_each_version_goes_once(tmp_path: Path) -> None:
    store = store_of(tmp_path, "m:v1", "m:v2", "n:v1")
    models = store.scan().models
    plan = plan_delete([*models[:2], models[0]], nobody)
    assert [str(item.tag) for item in plan.going] == ["m:v1", "m:v2"]
    assert plan.bytes_freed == sum(model.size_bytes for model in models[:2])
    done = list(delete(plan, store, Journals(tmp_path / "state")))
    assert [(deletion.bytes_freed, deletion.error) for deletion in done] == [
        (models[0].size_bytes, None),
        (models[1].size_bytes, None),
    ]
    assert [str(model.tag) for model in store.scan().models] == ["n:v1"]


def test_what_a_local_bento_uses_stays_unless_told_twice(tmp_path: Path) -> None:
    store = store_of(tmp_path, "m:v1", "m:v2")
    write_bento(tmp_path, "chat:b1", "m:v1")
    used_by = partial(bentos_using, tmp_path)
    plan = plan_delete(store.scan().models, used_by)
    assert [(str(item.tag), item.used_by) for item in plan.refused] == [("m:v1", ("chat:b1",))]
    assert [str(item.tag) for item in plan.going] == ["m:v2"]
    list(delete(plan, store, Journals(tmp_path / "state")))
    assert [str(model.tag) for model in store.scan().models] == ["m:v1"]
    forced = plan_delete(store.scan().models, used_by, force_used=True)
    assert forced.refused == ()
    list(delete(forced, store, Journals(tmp_path / "state")))
    assert store.scan().models == ()


def test_the_newest_builds_of_each_name_are_kept(tmp_path: Path) -> None:
    store = store_of(tmp_path, "m:v9", "m:v1", "n:a", "m:v5", "n:b")
    going = keep_last(store.scan().models, 2)
    assert [str(model.tag) for model in going] == ["m:v9"]
    assert [str(model.tag) for model in keep_last(store.scan().models, 1)] == ["m:v1", "m:v9", "n:a"]
    assert keep_last(store.scan().models, 3) == ()
    with pytest.raises(ValueError, match="at least one"):
        keep_last(store.scan().models, 0)


def test_deleting_the_latest_leaves_the_newest_of_the_rest_as_latest(tmp_path: Path) -> None:
    store = store_of(tmp_path, "m:v1", "m:v2", "m:v3")
    plan = plan_delete([store.get(Tag("m", "v3"))], nobody)
    assert plan.items[0].is_latest
    list(delete(plan, store, Journals(tmp_path / "state")))
    assert latest(store, "m") == "v2"


def test_a_version_that_is_being_pushed_or_pulled_stays(tmp_path: Path) -> None:
    store = store_of(tmp_path, "m:v1", "m:v2", "m:v3")
    journals = Journals(tmp_path / "state")
    key = JournalKey(Direction.PUSH, Tag("m", "v1"), "https://acme.io", None, store.home)
    plan = plan_delete(store.scan().models, nobody)
    with journals.open(key), store.lock(Tag("m", "v2")):
        done = list(delete(plan, store, journals))
    assert [type(deletion.error) for deletion in done] == [StoreLockedError, StoreLockedError, type(None)]
    assert [str(model.tag) for model in store.scan().models] == ["m:v1", "m:v2"]
    assert [deletion.error for deletion in delete(plan_delete(store.scan().models, nobody), store, journals)] == [
        None,
        None,
    ]


def test_the_lock_of_a_push_that_was_killed_stops_nothing(tmp_path: Path) -> None:
    store = store_of(tmp_path, "m:v1")
    journals = Journals(tmp_path / "state")
    key = JournalKey(Direction.PUSH, Tag("m", "v1"), "https://acme.io", None, store.home)
    with journals.open(key):
        pass
    (tmp_path / "state" / key.file_name).with_suffix(".lock").write_text('{"pid": 1}')
    assert [deletion.error for deletion in delete(plan_delete(store.scan().models, nobody), store, journals)] == [None]


def test_entries_that_are_no_whole_models_can_be_deleted_but_foreign_ones_are_left_alone(tmp_path: Path) -> None:
    store = store_of(tmp_path, "m:v1")
    (tmp_path / "models/m/half").mkdir()
    (tmp_path / "models/Foreign Name").mkdir()
    plan = plan_delete(store.scan().broken, nobody)
    assert [str(item.tag) for item in plan.going] == ["m:half"]
    list(delete(plan, store, Journals(tmp_path / "state")))
    assert sorted(path.name for path in (tmp_path / "models").glob("*/*")) == ["latest", "v1"]
    assert (tmp_path / "models/Foreign Name").is_dir()


def test_one_that_is_gone_meanwhile_does_not_stop_the_next(tmp_path: Path) -> None:
    store = store_of(tmp_path, "m:v1", "m:v2")
    plan = plan_delete(store.scan().models, nobody)
    store.delete(Tag("m", "v1"))
    first, second = delete(plan, store, Journals(tmp_path / "state"))
    assert isinstance(first.error, LocalModelNotFoundError)
    assert second.error is None
