"""What a person reads when a command cannot do what was asked: one sentence each, with a next step."""

from importlib import metadata
from pathlib import Path

import pytest

from support.command import Command
from support.local_store import write_model
from support.registry_server import RegistryServer, put_object, register_model
from support.strange_registry import free_port


def test_a_defect_ends_its_own_tag_with_a_line_and_a_sentence_and_the_others_go_on(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1")
    write_model(signed_in.store, "odd:v1")
    broken = signed_in.folder / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import httpx\n"
        "whole = httpx.Client.send\n"
        "def send(self, request, **options):\n"
        "    if 'odd' in str(request.url):\n"
        "        raise ZeroDivisionError('boom')\n"
        "    return whole(self, request, **options)\n"
        "httpx.Client.send = send\n"
    )
    done = signed_in.with_(PYTHONPATH=str(broken)).run("push", "odd:v1", "m:v1", "--json")
    assert [record["outcome"] for record in done.records] == ["failed", "pushed"]
    assert "did not expect" in str(done.records[0]["error"])
    assert done.code == 1
    assert "error: odd:v1: Something happened that modelsync did not expect. The details are in" in done.err
    assert "Traceback" not in done.err
    assert "ZeroDivisionError" in signed_in.log


@pytest.mark.parametrize("verb", ["push", "pull", "verify"])
def test_a_sentence_that_names_the_tag_is_not_headed_by_it(signed_in: Command, verb: str) -> None:
    done = signed_in.run(verb, "iris:zzz")
    side = "registry" if verb == "pull" else "local store"
    assert done.code == 4
    assert done.err.startswith(f"error: The {side} has no iris:zzz.")


def test_a_sentence_that_names_the_tag_before_a_colon_is_not_headed_by_it(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1")
    signed_in.run("push", "m:v1")
    area = signed_in.store / "tmp/.modelsync-locks"
    area.parent.mkdir(exist_ok=True)
    area.write_text("a file where the locks should be")
    done = signed_in.run("pull", "m:v1", "--force")
    assert done.code == 1
    assert done.err.startswith("error: Cannot lock m:v1: ")


def test_a_sentence_that_does_not_name_the_tag_is_headed_by_it(signed_in: Command) -> None:
    write_model(signed_in.store, "a:v1")
    done = signed_in.run("push", "a:v1", "--read-only")
    assert done.err.startswith("error: a:v1: The context")


def test_a_name_of_which_no_version_can_be_read_is_told_apart_from_one_that_is_not_there(signed_in: Command) -> None:
    (signed_in.store / "models/iris/v1").mkdir(parents=True)
    for tag in "iris", "iris:v2":
        done = signed_in.run("push", tag)
        assert done.code == 1
        assert "No version of iris in the local store can be read. See why: modelsync ls local iris" in done.err
    assert signed_in.run("ls", "local", "iris").code == 0


@pytest.mark.parametrize("args", [("ls", "local"), ("push", "m:v1"), ("push", "m"), ("pull", "m:v1"), ("verify", "m")])
def test_a_store_that_is_a_file_is_said_with_the_ways_to_choose_another(
    signed_in: Command, registry_server: RegistryServer, args: tuple[str, ...]
) -> None:
    put_object(registry_server.api, register_model(registry_server.api, "m", "v1"), [b"x"])
    file = signed_in.folder / "file"
    file.write_text("not a store")
    done = signed_in.with_(BENTOML_HOME=str(file)).run(*args)
    assert done.code == 1
    assert f"{file} is a file where a directory should be." in done.err
    assert "--store or BENTOML_HOME" in done.err
    assert "--force" not in done.err


def test_deleting_nothing_in_particular_is_a_usage_error_that_says_how(command: Command) -> None:
    done = command.run("delete")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: No version was named. Name tags like iris:v1, or say --name NAME --keep-last N.\n"


def test_a_version_that_was_named_and_is_not_there_is_in_the_history_both_ways(signed_in: Command) -> None:
    signed_in.run("push", "x:v1")
    signed_in.run("pull", "x:v1")
    records = signed_in.run("history", "--json").records
    assert [(record["direction"], record["tag"], record["outcome"]) for record in records] == [
        ("pull", "x:v1", "failed"),
        ("push", "x:v1", "failed"),
    ]
    assert "The local store has no x:v1" in str(records[1]["reason"])


def test_a_store_below_a_file_is_said_to_be_that(command: Command, tmp_path: Path) -> None:
    home = tmp_path / "a-file/bentoml"
    (tmp_path / "a-file").write_text("")
    done = command.run("ls", "local", "--store", str(home))
    assert done.code == 1
    assert f"{tmp_path / 'a-file'} is a file where a directory should be." in done.err


def test_an_endpoint_with_the_path_of_the_api_behind_it_is_the_registry(
    signed_in: Command, registry_server: RegistryServer
) -> None:
    write_model(signed_in.store, "m:v1")
    pasted = signed_in.with_(BENTO_CLOUD_API_ENDPOINT=f"{registry_server.url}/api/v1/")
    assert pasted.run("push", "m:v1").code == 0
    assert pasted.run("whoami", "--json").records[0]["endpoint"] == registry_server.url


def test_a_registry_that_does_not_answer_is_tried_again_and_a_person_is_told_once(signed_in: Command) -> None:
    dead = signed_in.with_(BENTO_CLOUD_API_ENDPOINT=f"http://127.0.0.1:{free_port()}")
    for args in ("ls", "remote"), ("pull", "m:v1"), ("whoami",):
        shown = dead.run_on_terminal(*args)
        assert shown.code == 5
        assert shown.err.count("Trying again ...") == 1
        assert shown.err.count("Nothing answers at 127.0.0.1") == 2
    for flag in "--json", "--quiet":
        assert "Trying again" not in dead.run_on_terminal("pull", "m:v1", flag).err
    assert "Trying again" not in dead.run("pull", "m:v1").err


def test_verifying_what_is_sent_is_a_matter_of_a_push(signed_in: Command) -> None:
    assert signed_in.run("pull", "m:v1", "--no-verify").code == 2
    assert "--no-verify" not in signed_in.run("pull", "--help").out
    assert "--no-verify" in signed_in.run("push", "--help").out


def test_a_context_of_bentoml_is_missed_by_its_file(command: Command) -> None:
    done = command.run("login", "--import", "--keep", "file")
    assert done.code == 4
    assert f"BentoML has kept no context: there is no {command.store / '.yatai.yaml'}." in done.err
    assert "--store" in done.err
    command.store.mkdir()
    (command.store / ".yatai.yaml").write_text("contexts: []\n")
    assert ".yatai.yaml holds no context." in command.run("login", "--import", "--keep", "file").err


def test_the_version_is_that_of_the_package(command: Command) -> None:
    assert command.run("--version").out == f"modelsync {metadata.version('modelsync-tui')}\n"


def test_a_name_that_is_not_there_is_told_as_it_was_typed(signed_in: Command) -> None:
    write_model(signed_in.store, "iris:v1")
    assert signed_in.run("push", "irs").err == "error: The local store has no irs. Did you mean iris?\n"


def test_a_query_that_finds_nothing_is_told_apart_from_a_model_that_is_not_there(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1", labels={"stage": "dev"})
    assert signed_in.run("push", "m:v1").code == 0
    done = signed_in.run("pull", "m", "--query", "label:stage=prod")
    assert done.code == 4
    assert "no finished version of m that 'label:stage=prod' means." in done.err
    done = signed_in.run("pull", "m:v1", "--query", "label:stage=prod")
    assert done.code == 0
    assert "warning: m:v1 is one version already: --query says nothing about it." in done.err


@pytest.mark.parametrize("label", ["", "=prod", " =prod"])
@pytest.mark.parametrize("side", ["local", "remote"])
def test_a_label_without_a_key_is_a_usage_error(signed_in: Command, side: str, label: str) -> None:
    done = signed_in.run("ls", side, "--label", label)
    assert done.code == 2
    assert "--label KEY=VALUE" in done.err


def test_the_history_of_one_name_says_that_it_is_empty_and_has_one_form(signed_in: Command) -> None:
    signed_in.run("push", "x:v1")
    assert signed_in.run("history", "nope").err == "Nothing of nope was transferred yet.\n"
    assert signed_in.run("history", "--csv", "--json").code == 2


def test_a_local_name_is_read_without_its_case_like_every_tag(signed_in: Command) -> None:
    write_model(signed_in.store, "iris:v1")
    assert [one["tag"] for one in signed_in.run("ls", "local", "Iris:V1", "--json").records] == ["iris:v1"]


@pytest.mark.parametrize(("verb", "also"), [("push", []), ("pull", ["verified"])])
def test_every_key_of_a_transfers_line_is_in_its_help(signed_in: Command, verb: str, also: list[str]) -> None:
    (record,) = signed_in.run(verb, "x:v1", "--json").records
    shown = signed_in.run(verb, "--help").out
    assert set(also) <= set(record)
    assert all(key in shown for key in record)


def test_every_key_of_a_lists_line_is_in_its_help(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1")
    signed_in.run("push", "m:v1")
    shown = signed_in.run("ls", "--help").out
    for side in "local", "remote":
        (record,) = signed_in.run("ls", side, "--json").records
        assert all(key in shown for key in record)


@pytest.mark.parametrize(
    "args",
    [
        ("history", "--limit", "0"),
        ("history", "--limit", "9" * 30),
        ("history", "--limit", "9" * 5000),
        ("history", "--limit", "\u0663"),
        ("delete", "--name", "m", "--keep-last", "9" * 5000),
    ],
)
def test_a_number_that_counts_nothing_is_a_usage_error(command: Command, args: tuple[str, ...]) -> None:
    done = command.run(*args)
    assert done.code == 2
    assert "is not possible." in done.err


@pytest.mark.parametrize("name", ["BENTO_CLOUD_API_KEY", "BENTO_CLOUD_API_ENDPOINT"])
def test_a_variable_that_holds_what_cannot_be_is_named(signed_in: Command, name: str) -> None:
    done = signed_in.with_(**{name: "http://a b"}).run("ls", "remote")
    assert done.code == 2
    assert done.err.startswith(f"error: {name}: This is not a")
