"""Which local bentos use a model (registry contract 5.7)."""

from pathlib import Path

import pytest

from modelsync.store import bentos_using
from modelsync.tag import Tag

IRIS = Tag("iris", "v1")


def write_bento(home: Path, tag: str, text: str) -> Path:
    name, _, version = tag.partition(":")
    directory = home / "bentos" / name / version
    directory.mkdir(parents=True)
    (directory / "bento.yaml").write_text(text)
    return directory


def users(home: Path) -> tuple[str, ...]:
    return bentos_using(home, (IRIS,))[IRIS]


def test_models_of_a_bento_and_of_its_services_count(tmp_path: Path) -> None:
    write_bento(tmp_path, "one:v1", "models:\n- tag: iris:v1\n  module: ''\n")
    write_bento(tmp_path, "two:v1", "models: []\nservices:\n- name: a\n- name: b\n  models:\n  - tag: iris:v1\n")
    write_bento(tmp_path, "three:v1", "models:\n- iris:v1\n")
    write_bento(tmp_path, "other:v1", "models:\n- tag: iris:v10\n- tag: iris:v2\nlabels: {iris: v1}\n")
    assert users(tmp_path) == ("one:v1", "three:v1", "two:v1")


def test_a_bento_with_models_of_its_own_uses_none_of_the_store(tmp_path: Path) -> None:
    directory = write_bento(tmp_path, "one:v1", "models:\n- tag: iris:v1\n")
    (directory / "models").mkdir()
    assert users(tmp_path) == ()


@pytest.mark.parametrize(
    "text",
    ["", "iris v1 {[", "- iris:v1", "models: {iris: v1}", "models: [1, [iris:v1], {tag: [iris, v1]}]\nservices: 3"],
)
def test_a_bento_that_cannot_be_read_counts_as_no_use(tmp_path: Path, text: str) -> None:
    write_bento(tmp_path, "one:v1", text)
    assert users(tmp_path) == ()


def test_no_bentos_use_nothing(tmp_path: Path) -> None:
    assert users(tmp_path / "none") == ()


def test_a_bento_is_read_once_for_all_versions_that_are_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bento(tmp_path, "one:v1", "models:\n- tag: iris:v1\n- tag: iris:v3\n")
    write_bento(tmp_path, "two:v1", "models:\n- tag: iris:v3\n- tag: IRIS:V4\n")
    read: list[Path] = []
    plain = Path.read_bytes

    def counted(path: Path) -> bytes:
        read.append(path)
        return plain(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    found = bentos_using(tmp_path, [Tag("iris", f"v{number}") for number in range(1, 5)])
    assert {tag.version: bentos for tag, bentos in found.items()} == {
        "v1": ("one:v1",),
        "v2": (),
        "v3": ("one:v1", "two:v1"),
        "v4": ("two:v1",),
    }
    assert len(read) == 2
