"""model.yaml is read as BentoML reads it, and what is wrong with one is said in a sentence."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from modelsync.errors import BrokenModelError
from modelsync.model import ModelInfo
from modelsync.store.model_yaml import read_model_yaml
from modelsync.tag import Tag

WHOLE = """\
name: my-model
version: lgj443xgi6vheax4
module: bentoml.sklearn
labels:
  stage: dev
  n: 3
options: {}
metadata:
  acc: 0.9
  tags: [a, b]
context:
  framework_name: sklearn
  framework_versions: {scikit-learn: 1.4.0}
  bentoml_version: 1.4.39
  python_version: 3.11.7
signatures:
  predict: {batchable: true, batch_dim: [0, 0]}
api_version: v1
creation_time: '2026-11-22T07:35:54.512873+00:00'
"""


def read(directory: Path, text: str) -> ModelInfo:
    path = directory / "model.yaml"
    path.write_text(text, encoding="utf-8")
    return read_model_yaml(path)


def without(key: str) -> str:
    lines = WHOLE.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"{key}:"))
    end = next((n for n in range(start + 1, len(lines)) if not lines[n].startswith(" ")), len(lines))
    return "\n".join(lines[:start] + lines[end:]) + "\n"


def with_line(key: str, line: str) -> str:
    return without(key) + line + "\n"


def test_every_field_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, WHOLE) == ModelInfo(
        tag=Tag("my-model", "lgj443xgi6vheax4"),
        module="bentoml.sklearn",
        labels={"stage": "dev", "n": "3"},
        options={},
        metadata={"acc": 0.9, "tags": ["a", "b"]},
        context={
            "framework_name": "sklearn",
            "framework_versions": {"scikit-learn": "1.4.0"},
            "bentoml_version": "1.4.39",
            "python_version": "3.11.7",
        },
        signatures={"predict": {"batchable": True, "batch_dim": [0, 0]}},
        api_version="v1",
        creation_time=datetime(2026, 11, 22, 7, 35, 54, 512873, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("'2026-11-22T07:35:54+08:00'", datetime(2026, 11, 21, 23, 35, 54, tzinfo=UTC)),
        ("2026-11-22T07:35:54+08:00", datetime(2026, 11, 21, 23, 35, 54, tzinfo=UTC)),
        ("2026-11-22 07:35:54.5", datetime(2026, 11, 22, 7, 35, 54, 500000, tzinfo=UTC)),
        ("'2026-11-22T07:35:54'", datetime(2026, 11, 22, 7, 35, 54, tzinfo=UTC)),
        ("2026-11-22T07:35:54Z", datetime(2026, 11, 22, 7, 35, 54, tzinfo=UTC)),
    ],
)
def test_a_creation_time_is_text_or_a_timestamp_and_utc_without_a_zone(
    tmp_path: Path, written: str, moment: datetime
) -> None:
    created = read(tmp_path, with_line("creation_time", f"creation_time: {written}")).creation_time
    assert created == moment
    assert created.tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+00:00", "0001-01-01", "9999-12-31T23:59:59.999999", "9999-12-31"]
)
def test_a_creation_time_at_the_end_of_time_can_be_told_in_every_zone(tmp_path: Path, text: str) -> None:
    info = read(tmp_path, with_line("creation_time", f"creation_time: '{text}'"))

    assert abs(info.creation_time - datetime.fromisoformat(text).replace(tzinfo=UTC)) <= timedelta(days=2)
    for hours in (-14, 14):
        assert info.creation_time.astimezone(timezone(timedelta(hours=hours)))


def test_the_forms_of_old_bentoml_versions_are_read(tmp_path: Path) -> None:
    text = without("signatures").replace(
        "  framework_versions: {scikit-learn: 1.4.0}\n", "  pip_dependencies: [a==1]\n"
    )
    info = read(tmp_path, text + "bentoml_version: 1.0.0rc0\nsomething_new: 1\n")
    assert info.signatures == {}
    assert info.context["framework_versions"] == {}
    assert "pip_dependencies" not in info.context


def test_values_that_json_lacks_become_text(tmp_path: Path) -> None:
    text = with_line(
        "metadata",
        "metadata:\n  day: 2026-01-02\n  at: 2026-01-02T03:04:05Z\n  raw: !!binary aGVsbG8=\n  inf: .inf\n"
        "  set: !!set {b, a}\n  2: two\n  true: yes\n  deep: {days: [2026-01-02]}\n",
    )
    assert read(tmp_path, text).metadata == {
        "day": "2026-01-02",
        "at": "2026-01-02T03:04:05+00:00",
        "raw": "aGVsbG8=",
        "inf": "inf",
        "set": ["a", "b"],
        "2": "two",
        "true": True,
        "deep": {"days": ["2026-01-02"]},
    }


@pytest.mark.parametrize(
    "key", ["name", "version", "module", "labels", "options", "metadata", "context", "api_version", "creation_time"]
)
def test_a_missing_field_is_named(tmp_path: Path, key: str) -> None:
    with pytest.raises(BrokenModelError, match=f"lacks {key}"):
        read(tmp_path, without(key))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a mapping"),
        ("- a\n", "not a mapping"),
        ("{[", "not YAML"),
        ("name: \x00", "not YAML"),
        ("a: !!python/object/apply:os.system [ls]\n", "not YAML"),
        ("a: !!int ''\n", "not what it says"),
        ("a: !!timestamp never\n", "not what it says"),
        ("[" * 5000, "more values, or more within one another"),
        (with_line("version", "version: 20260101"), "version that is not text: put it in quotes"),
        (with_line("name", "name: 'no name'"), "no valid tag"),
        (with_line("labels", "labels: null"), "labels that are not a mapping"),
        (with_line("metadata", "metadata: []"), "metadata that are not a mapping"),
        (with_line("metadata", "metadata:\n  note:\n"), "metadata without a value in 'note', at which bentoml stops"),
        (with_line("metadata", "metadata: {deep: [1, {a: null}]}"), "metadata without a value in 'deep'"),
        (with_line("module", "module: {}"), "module that is not text"),
        (with_line("context", "context: {}"), "lacks context.framework_name"),
        (with_line("context", "context: {framework_name: x}"), "lacks context.framework_versions"),
        (
            with_line("context", "context: {framework_name: x, framework_versions: }"),
            "lacks context.framework_versions",
        ),
        (with_line("creation_time", "creation_time: yesterday"), "creation_time that is not a moment"),
        (with_line("creation_time", "creation_time: 2026-01-01"), "creation_time that is not a moment"),
        (with_line("creation_time", "creation_time: '0001-01-01T00:00:00+05:00'"), "not a moment"),
        (with_line("metadata", "metadata: {a: &a [*a]}"), "unfolds into more values"),
        (
            with_line("metadata", "metadata:\n  a0: &a0 [x]\n")
            + "".join(f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)),
            "unfolds into more values",
        ),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BrokenModelError, match=words) as caught:
        read(tmp_path, text)
    assert caught.value.message.endswith(".")
    assert caught.value.hint


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "[&a ", "a: [", "\t["])
def test_a_document_that_is_nested_to_the_depths_ends_no_process(tmp_path: Path, opening: str) -> None:
    (tmp_path / "model.yaml").write_text(opening * 60_000)
    code = (
        "import sys; from pathlib import Path; from modelsync.errors import BrokenModelError\n"
        "from modelsync.store.model_yaml import read_model_yaml\n"
        "try: read_model_yaml(Path(sys.argv[1]))\n"
        "except BrokenModelError as error: print(error.message)"
    )
    ran = subprocess.run([sys.executable, "-c", code, tmp_path / "model.yaml"], capture_output=True, text=True)
    assert ran.returncode == 0
    assert "YAML" in ran.stdout or "more within one another" in ran.stdout


MERGES = "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 50)}]}}\n" for n in range(1, 5))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a0: &a0 {k: v}\n" + MERGES, "merges mappings into more values"),
        ("a: &a {k: v, l: v, m: v}\nb: {!!merge x: [" + "*a, " * 150_000 + "]}\n", "merges mappings into more values"),
        ("[" + "a," * 400_001 + "]", "more values"),
        ("a: 1" + ":1" * 100_000, "a number of 200001 digits"),
    ],
    ids=["merges of merges", "a long merge", "a long list", "a long number to the base of 60"],
)
def test_what_would_unfold_without_end_is_stopped_before(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BrokenModelError, match=words):
        read(tmp_path, text)


def test_what_a_person_writes_by_hand_is_read(tmp_path: Path) -> None:
    deep = "[" * 90 + "]" * 90
    info = read(tmp_path, with_line("metadata", f"metadata: {{a: &a {{k: 1:30}}, b: {{<<: *a, l: 2}}, deep: {deep}}}"))
    assert info.metadata["a"] == {"k": 90}
    assert info.metadata["b"] == {"k": 90, "l": 2}


def test_a_number_too_large_for_json_does_not_break_the_list(tmp_path: Path) -> None:
    info = read(tmp_path, with_line("metadata", f"metadata: {{n: 0x{'f' * 2000}}}"))
    assert isinstance(info.metadata["n"], str)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_bytes(b"name: \xff\xfe\x80")
    with pytest.raises(BrokenModelError, match="not YAML"):
        read_model_yaml(path)


def test_a_pipe_in_its_place_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.yaml")
    with pytest.raises(BrokenModelError, match="is not a file"):
        read_model_yaml(tmp_path / "model.yaml")


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "model.yaml").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(BrokenModelError, match="larger than 16 MiB"):
        read_model_yaml(tmp_path / "model.yaml")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(BrokenModelError, match=r"has no model\.yaml"):
        read_model_yaml(tmp_path / "model.yaml")


def test_zones_are_brought_to_utc(tmp_path: Path) -> None:
    east = datetime(2026, 1, 1, 2, 0, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    info = read(tmp_path, with_line("creation_time", f"creation_time: '{east.isoformat()}'"))
    assert info.creation_time == east
    assert info.creation_time.utcoffset() == timedelta(0)
