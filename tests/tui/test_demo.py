"""The demo: it really starts, shows every state, touches nothing of the person's, and is gone afterwards."""

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from modelsync.api import open_sides
from modelsync.comparison import RowState, row_state
from modelsync.credentials import Credentials
from modelsync.errors import ModelsyncError, NoSpaceError
from modelsync.history import Ending, History
from modelsync.model import RemoteModel
from modelsync.paths import Paths
from modelsync.results import Outcome
from modelsync.settings import Settings
from modelsync.sync import Sides, pull, push
from modelsync.tag import Tag
from modelsync_tui.demo import Demo, start_demo

MiB = 1024 * 1024


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for all tests that do not end it, on a machine whose person has other settings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(tmp_path_factory.mktemp("demo")))
        with start_demo() as started:
            yield started


@pytest.fixture
def sides(running: Demo) -> Iterator[Sides]:
    """Both sides as the application opens them, without the demo's limit."""
    paths = Paths.of_platform(running.environ)
    settings = Settings.load({"bandwidth": "off"}, environ=running.environ, paths=paths)
    joined = open_sides(settings, Credentials(paths, running.environ).account(), paths)
    yield joined
    joined.close()


def states(sides: Sides) -> dict[str, RowState]:
    here = {str(model.tag): model for model in sides.store.scan().models}
    there: dict[str, RemoteModel] = {model.tag_text: model for model in sides.registry.models(count=100).items}
    return {tag: row_state(here.get(tag), there.get(tag)) for tag in {*here, *there}}


def test_every_state_of_a_row_is_there(sides: Sides) -> None:
    assert set(states(sides).values()) == set(RowState)


def test_the_history_has_what_its_person_pushed_when_that_was(running: Demo, sides: Sides) -> None:
    entries = History(Paths.of_platform(running.environ).history_file).entries()
    mine = {model.tag_text for model in sides.registry.models(count=100).items if model.creator_name == "mia"}
    assert {str(entry.tag) for entry in entries} <= mine
    assert [entry.ended for entry in entries] == sorted((entry.ended for entry in entries), reverse=True)
    assert entries[-1].ended < datetime.now(UTC) - timedelta(days=20)
    assert {entry.outcome for entry in entries} == {Ending.PUSHED, Ending.FAILED}
    assert all(entry.verified for entry in entries if entry.outcome is Ending.PUSHED)


def test_several_people_pushed_and_a_failed_upload_says_why(sides: Sides) -> None:
    models = sides.registry.models(count=100).items
    assert {model.creator_name for model in models} >= {"mia", "raj", "lin"}
    assert "connection was reset" in next(model.status_reason for model in models if model.status == "failed")


def test_the_first_name_holds_a_large_version_that_is_only_here(sides: Sides) -> None:
    first = sides.store.scan().models[0].tag.name
    large = [model for model in sides.store.versions(first) if model.size_bytes >= 200 * MiB]
    assert [states(sides)[str(model.tag)] for model in large] == [RowState.LOCAL_ONLY]


def test_its_bytes_cannot_be_made_smaller(sides: Sides) -> None:
    large = max(sides.store.scan().models, key=lambda model: model.size_bytes)
    with (large.path / "model.safetensors").open("rb") as file:
        blocks = {file.read(4096) for _ in range(2048)}
    assert len(blocks) == 2048
    assert all(len(set(block)) > 200 for block in blocks)


def test_pushing_and_pulling_really_work_in_it(sides: Sides) -> None:
    assert push(Tag.parse("iris_clf:v12"), sides).outcome is Outcome.PUSHED
    assert push(Tag.parse("iris_clf:v12"), sides).outcome is Outcome.SKIPPED
    assert pull(Tag.parse("fraud-detector:v11-02"), sides).outcome is Outcome.PULLED


def test_the_application_is_limited_and_the_person_untouched(running: Demo) -> None:
    paths = Paths.of_platform(running.environ)
    settings = Settings.load(environ=running.environ, paths=paths)
    assert settings.bandwidth == 24 * MiB
    assert all(running.home in place.parents for place in (settings.store, paths.config_dir, paths.state_dir))
    assert list(Path(os.environ["HOME"]).iterdir()) == []


def test_its_token_shows_in_no_repr(running: Demo) -> None:
    assert running.environ["BENTO_CLOUD_API_KEY"] not in repr(running)


def test_nothing_is_left_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with start_demo() as started:
        assert started.home.is_relative_to(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_before_anything_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=5 * MiB))
    with pytest.raises(NoSpaceError, match=r"where 5\.0 MiB are free"), start_demo():
        pass
    assert list(tmp_path.iterdir()) == []


def test_without_the_registry_installed_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "modelsync_registry.server", None)
    with pytest.raises(ModelsyncError) as raised, start_demo():
        pass
    assert "pip install 'modelsync-tui[registry]'" in raised.value.sentence
