"""The command as a pipeline's container runs it: no home, a home that cannot be written, half an account."""

from pathlib import Path

import pytest

from support.command import Command
from support.local_store import write_model
from support.registry_server import TOKEN, RegistryServer

OWN_PLACES = {f"MODELSYNC_{kind}_DIR": "" for kind in ("CONFIG", "STATE", "CACHE")}


@pytest.fixture
def nobody(signed_in: Command) -> Command:
    """A user whom the system does not know, as with `docker run --user 12345`; without HOME."""
    unknown = signed_in.folder / "unknown"
    unknown.mkdir()
    (unknown / "sitecustomize.py").write_text(
        "import pwd\ndef getpwuid(number):\n    raise KeyError(number)\npwd.getpwuid = getpwuid\n"
    )
    return signed_in.with_(HOME="", PYTHONPATH=str(unknown), **OWN_PLACES)


@pytest.mark.parametrize("args", [("ls", "local"), ("push", "m:v1", "--json"), ("locate",), ("history",)])
def test_a_user_without_a_home_is_told_in_one_sentence_what_to_set(nobody: Command, args: tuple[str, ...]) -> None:
    done = nobody.run(*args)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: There is no place for modelsync's own files: HOME is not set")
    assert "MODELSYNC_STATE_DIR" in done.err
    assert done.err.count("\n") == 1


def test_a_user_without_a_home_works_with_places_that_are_named(nobody: Command, tmp_path: Path) -> None:
    placed = nobody.with_(**dict.fromkeys(OWN_PLACES, str(tmp_path / "own")))
    write_model(placed.store, "m:v1")
    assert placed.run("push", "m:v1").code == 0
    assert placed.run("pull", "m:v1", "--force").code == 0


@pytest.mark.parametrize("verb", ["push", "pull"])
def test_where_no_journal_can_be_written_another_folder_is_proposed(signed_in: Command, verb: str) -> None:
    write_model(signed_in.store, "m:v1")
    assert signed_in.run("push", "m:v1").code == 0
    closed = signed_in.folder / "closed"
    closed.write_text("a file, below which nothing can be made, whoever tries")
    done = signed_in.with_(MODELSYNC_STATE_DIR=str(closed / "state")).run(verb, "m:v1", "--force")
    assert done.code == 1
    assert "or name another folder with MODELSYNC_STATE_DIR." in done.err


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc here, where nobody may make a folder")
def test_where_no_token_can_be_kept_the_variable_is_proposed(command: Command, registry_server: RegistryServer) -> None:
    login = ("login", "--endpoint", registry_server.url, "--keep", "file", "--token-stdin")
    done = command.with_(MODELSYNC_CONFIG_DIR="/proc/modelsync").run(*login, stdin=TOKEN)
    assert done.code == 3
    assert "the command takes that of BENTO_CLOUD_API_KEY." in done.err


def test_a_refused_token_of_the_environment_is_named_by_its_variable(signed_in: Command) -> None:
    for args in ("whoami",), ("ls", "remote"), ("pull", "m:v1"):
        done = signed_in.with_(BENTO_CLOUD_API_KEY="stale").run(*args)
        assert done.code == 3
        assert "It is that of BENTO_CLOUD_API_KEY" in done.err


def test_an_endpoint_whose_token_is_missing_does_not_silently_become_another_registry(
    command: Command, registry_server: RegistryServer
) -> None:
    login = ("login", "--endpoint", registry_server.url, "--keep", "file", "--token-stdin")
    assert command.run(*login, stdin=TOKEN).code == 0
    meant_another = command.with_(BENTO_CLOUD_API_ENDPOINT="https://models.example.com")
    done = meant_another.run("ls", "remote")
    assert done.code == 0
    assert "warning: BENTO_CLOUD_API_ENDPOINT is set, but BENTO_CLOUD_API_KEY is not" in done.err
    assert registry_server.url in done.err
    assert "warning" not in meant_another.run("ls", "remote", "--context", "default").err
    assert "warning" not in command.with_(BENTO_CLOUD_API_ENDPOINT=f"{registry_server.url}/").run("ls", "remote").err


def test_a_locale_without_letters_beyond_ascii_pulls_all_the_same(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1", labels={"name": "caf\u00e9"})
    plain = signed_in.with_(LC_ALL="C", PYTHONUTF8="0")
    assert plain.run("push", "m:v1").code == 0
    assert plain.run("pull", "m:v1", "--force").code == 0
    assert "name=caf\\xe9" in plain.run("ls", "remote").out


def test_a_limit_of_processes_that_leaves_no_thread_is_named(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1")
    limited = signed_in.folder / "limited"
    limited.mkdir()
    (limited / "sitecustomize.py").write_text(
        "import threading\nstart = threading.Thread.start\ndef limited(self):\n    if self.name == 'modelsync-part':\n"
        '        raise RuntimeError("can\'t start new thread")\n    start(self)\nthreading.Thread.start = limited\n'
    )
    done = signed_in.with_(PYTHONPATH=str(limited)).run("push", "m:v1", "--json")
    assert done.code == 1
    assert done.records[0]["error"] == (
        "The system lets no more threads be started. "
        "Allow the container or user more processes, or move fewer parts at once: --threads 1."
    )
