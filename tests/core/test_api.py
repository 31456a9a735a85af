"""The public functions, as a notebook or a pipeline calls them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import modelsync
from modelsync.errors import InvalidTagError, NotSignedInError, UsageError
from modelsync.history import Ending, History
from modelsync.paths import Paths
from modelsync.settings import Settings
from modelsync.store import ModelStore
from modelsync.transfer.progress import Phase, ProgressSnapshot
from support.local_store import read_tree, write_model
from support.registry_server import TOKEN, RegistryServer
from support.two_sides import account_of


@pytest.fixture
def signed_in(registry_server: RegistryServer, monkeypatch: pytest.MonkeyPatch) -> RegistryServer:
    """The account and the store come from the environment, as in CI."""
    monkeypatch.setenv("BENTO_CLOUD_API_KEY", TOKEN)
    monkeypatch.setenv("BENTO_CLOUD_API_ENDPOINT", registry_server.url)
    return registry_server


def use_store(monkeypatch: pytest.MonkeyPatch, home: Path) -> Path:
    monkeypatch.setenv("BENTOML_HOME", str(home))
    return home


def test_latest_is_pushed_here_and_pulled_there(
    signed_in: RegistryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = use_store(monkeypatch, tmp_path / "here")
    model = write_model(here, "sentiment_model:v1_approved", files={"weights.bin": os.urandom(100_000)})
    pushed = modelsync.push("sentiment_model:latest")
    assert (pushed.outcome, str(pushed.tag)) == (modelsync.Outcome.PUSHED, "sentiment_model:v1_approved")
    use_store(monkeypatch, tmp_path / "there")
    pulled = modelsync.pull("sentiment_model", threads=3)
    assert pulled.outcome is modelsync.Outcome.PULLED
    assert read_tree(pulled.path) == read_tree(model)
    assert modelsync.pull("sentiment_model:v1_approved").outcome is modelsync.Outcome.SKIPPED
    assert modelsync.pull("sentiment_model:v1_approved", force=True).outcome is modelsync.Outcome.PULLED


def test_progress_is_told_and_ends_with_done(
    signed_in: RegistryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(use_store(monkeypatch, tmp_path), "iris:v1", files={"weights.bin": os.urandom(100_000)})
    seen: list[ProgressSnapshot] = []
    result = modelsync.push("iris:v1", on_progress=seen.append)
    assert seen[-1].phase is Phase.DONE
    assert seen[-1].bytes_done == result.bytes_total


def test_a_progress_callback_that_raises_does_no_harm(
    signed_in: RegistryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(use_store(monkeypatch, tmp_path), "iris:v1")

    def raises(_snapshot: ProgressSnapshot) -> None:
        raise RuntimeError("a notebook's mistake")

    assert modelsync.push("iris:v1", on_progress=raises).outcome is modelsync.Outcome.PUSHED


def test_a_push_of_a_version_that_is_not_there_is_in_the_history(
    signed_in: RegistryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_store(monkeypatch, tmp_path)
    with pytest.raises(modelsync.ModelsyncError):
        modelsync.push("iris:v1")
    (entry,) = History(Paths.of_platform().history_file).entries()
    assert (str(entry.tag), entry.outcome) == ("iris:v1", Ending.FAILED)


def test_without_an_account_it_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(use_store(monkeypatch, tmp_path), "iris:v1")
    with pytest.raises(NotSignedInError) as caught:
        modelsync.push("iris:v1")
    assert "modelsync login" in caught.value.sentence


@pytest.mark.parametrize("threads", [0, 65])
def test_a_number_of_threads_that_cannot_be_is_refused(threads: int) -> None:
    with pytest.raises(UsageError, match="threads"):
        modelsync.push("iris:v1", threads=threads)


def test_what_is_no_tag_is_refused_before_anything_else() -> None:
    with pytest.raises(InvalidTagError):
        modelsync.pull("Not A Tag!")


def test_opening_both_sides_removes_what_a_killed_pull_has_left(signed_in: RegistryServer, tmp_path: Path) -> None:
    home = tmp_path / "home"
    stage = ModelStore(home).new_stage(modelsync.Tag("iris", "v1"))
    (stage.path / "half.bin").write_bytes(b"half")
    stage.keep()
    stage.__exit__(None, None, None)
    assert list(home.rglob("half.bin"))
    paths = Paths.of_platform()
    modelsync.open_sides(Settings.load({"store": str(home)}, paths=paths), account_of(signed_in), paths).close()
    assert not list(home.rglob("half.bin"))


def test_importing_the_package_loads_neither_http_nor_keyring_nor_a_screen() -> None:
    heavy = "'httpx', 'keyring', 'textual', 'rich', 'humanize', 'yaml', 'bentoml'"
    code = f"import sys, modelsync; print([name for name in ({heavy}) if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_engine_loads_no_screen_even_when_it_works() -> None:
    screens = "'textual', 'humanize', 'bentoml'"  # rich is loaded by httpx itself, where click is installed too
    code = (
        "import sys, modelsync, modelsync.api, modelsync.transfers;"
        f"print([name for name in ({screens}) if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_every_public_name_can_be_had() -> None:
    for name in modelsync.__all__:
        assert getattr(modelsync, name) is not None
    with pytest.raises(AttributeError):
        modelsync.nothing_of_this_name  # noqa: B018
