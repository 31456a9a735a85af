"""`modelsync ls --search --label`: the same narrowing on both sides."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from support.command import Command
from support.local_store import CREATED, write_model
from support.registry_server import RegistryServer


@pytest.fixture
def labelled(signed_in: Command) -> Command:
    """Three models in store and registry."""
    labels = {"iris_clf:v1": {"stage": "prod"}, "iris_clf:v2": {"stage": "dev"}, "llama:v1": {"stage": "prod", "x": ""}}
    for number, (tag, each) in enumerate(labels.items()):
        write_model(signed_in.store, tag, labels=each, created=CREATED + timedelta(days=number))
    assert signed_in.run("push", *labels).code == 0
    return signed_in


def listed(command: Command, *args: str) -> set[object]:
    return {record["tag"] for record in command.run("ls", *args, "--json").records}


@pytest.mark.parametrize("side", ["local", "remote"])
@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["--search", "iris"], {"iris_clf:v1", "iris_clf:v2"}),
        (["--label", "stage=prod"], {"iris_clf:v1", "llama:v1"}),
        (["--label", "x"], {"llama:v1"}),
        (["--label", "stage=prod", "--label", "x"], {"llama:v1"}),
        (["--search", "clf", "--label", "stage=prod"], {"iris_clf:v1"}),
        (["iris_clf", "--label", "stage=dev"], {"iris_clf:v2"}),
        (["--search", "nothing"], set()),
    ],
)
def test_words_and_labels_narrow_the_list(
    labelled: Command, side: str, args: Sequence[str], expected: set[str]
) -> None:
    assert listed(labelled, side, *args) == expected


def test_a_registry_that_drops_the_search_in_one_names_list_is_looked_after(
    labelled: Command, registry_server: RegistryServer
) -> None:
    registry_server.faults.ignore_repository_query = True
    assert listed(labelled, "remote", "iris_clf", "--label", "stage=dev") == {"iris_clf:v2"}


def test_a_name_of_which_nothing_is_left_is_not_found(labelled: Command) -> None:
    for side in "local", "remote":
        done = labelled.run("ls", side, "llama", "--label", "stage=dev")
        assert done.code == 4
        assert "with these words and labels" in done.err


def test_the_latest_one_of_a_name_is_listed_alone_on_either_side(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v2")
    write_model(signed_in.store, "m:v1", created=CREATED + timedelta(hours=1))
    assert signed_in.run("push", "m:v1", "m:v2").code == 0
    for side in "local", "remote":
        assert [one["tag"] for one in signed_in.run("ls", side, "m:latest", "--json").records] == ["m:v1"]
        assert signed_in.run("ls", side, "n:latest").code == 4
