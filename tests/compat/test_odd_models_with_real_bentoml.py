"""Models as odd as the real bentoml lets them be: both clients register them alike, and read what the other sent."""

import json
import stat
from pathlib import Path

import pytest

from modelsync.errors import TransferError
from modelsync.model import Json
from modelsync.results import Outcome
from modelsync.sync import pull, push
from modelsync.tag import Tag
from modelsync_registry.jsontypes import JsonObject
from support.local_store import read_tree
from support.real_bentoml import RealBentoml
from support.registry_server import RegistryFactory, RegistryServer, items_of
from support.two_sides import SidesFactory

LONGEST = "n" + "0" * 62
"""As long as a name or a version may be."""

CREATE = """
import datetime, os, pathlib, sys
import bentoml, numpy

def create(tag, fill=None, **facts):
    with bentoml.models.create(tag, **facts) as model:
        folder = pathlib.Path(model.path)
        (folder / "weights.bin").write_bytes(os.urandom(3000))
        if fill:
            fill(folder)
"""

SENDABLE = r"""
def files(folder):
    (folder / "empty.txt").write_bytes(b"")
    (folder / "hollow" / "deeper").mkdir(parents=True)
    for name, mode in ("run.sh", 0o755), ("kept.txt", 0o444), ("private.txt", 0o600):
        (folder / name).write_text(name)
        (folder / name).chmod(mode)
    (folder / "link.bin").symlink_to("weights.bin")
    (folder / "linked").symlink_to("hollow")
    os.link(folder / "weights.bin", folder / "hard.bin")
    (folder / ".hidden").write_text("h")
    (folder / "latest").write_text("not a version")
    (folder / "models").mkdir()
    (folder / "models" / "model.yaml").write_text("name: another")
    (folder / "new\nline 模型 '\"\\.txt").write_text("n")
    (folder / "old.txt").write_text("o")
    os.utime(folder / "old.txt", (-1e8, -1e8))

create("labels:odd", labels={
    "a/b.c-d_e": "x y=z,ü:q\"'", "k é": "v\n2", "UPPER": "MiXed", "模型": "🌍", "yes": "no", "null": "null",
    "number": "1", "day": "2026-01-01", "space ": " lead", "empty": "", "long": "v" * 256})
create("labels:many", labels={f"key{number}": str(number) for number in range(200)})
create("metadata:nested", metadata={
    "list": [[1, [2]], {"a": {"b": [True, 1.5, ""]}}], "large": 2**70, "small": 1e-300, 1: "one"})
create("metadata:text", metadata={
    "ключ": "🌍", "control": "a\tb\x07c\u2028d", "html": "<b>&amp;</b>", "lines": "a\n\n  b\n", "trailing": "x  "})
create("metadata:numpy", metadata={
    "f": numpy.float32(0.1), "i": numpy.int64(3), "b": numpy.bool_(True), "l": numpy.arange(3)})
create("metadata:large", metadata={"text": "ü" * 50_000, "list": list(range(5000))})
for version in "1", "0123", "1e5", "null", "2026-01-01", "1.0.0-rc.1", "V1.Upper":
    create(f"version:{version}")
create(f"{sys.argv[1]}:{sys.argv[1]}")
create("files:all", files)
create("facts:all", custom_objects={"tokenizer": {"a": 1}}, signatures={"predict": {"batchable": True}},
       context=bentoml.models.ModelContext(framework_name="torch", framework_versions={"torch": "2.1.0+cu121"}))
"""
SENDABLE_COUNT = 16

UNSENDABLE = """
create("metadata:dates", metadata={"day": datetime.date(2026, 1, 2), "at": datetime.datetime(2026, 1, 2, 3, 4),
                                   "there": datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)})
create("metadata:limits", metadata={"i": float("inf"), "n": float("nan")})
"""
"""What the real client cannot send, as its JSON has no such values; we can, and it reads them."""

FACTS = """
import json
import bentoml
print("\\n" + json.dumps({
    str(model.tag): [dict(model.info.labels), str(model.info.metadata), str(model.info.options),
                     str(model.info.context), str(model.info.signatures), model.creation_time.isoformat()]
    for model in bentoml.models.list()
}))
"""
REFERENCE = """
import bentoml
from bentoml._internal.configuration.containers import BentoMLContainer

class WithoutHub(bentoml.models.HuggingFaceModel):  # what it would ask the hub for
    commit_hash = "0123456789abcdef0123456789abcdef01234567"

    def _get_model_size(self, revision):
        return 123456

model = WithoutHub("Acme-Org/Tiny_Model", include=["*.safetensors"])
BentoMLContainer.bentocloud_client.get().model.push(model)
print("\\n" + str(model.to_info().tag))
"""
MOVE = """
import sys
import bentoml
for tag in sys.argv[2:]:
    getattr(bentoml.models, sys.argv[1])(tag)
"""


def tags_of(home: Path) -> list[Tag]:
    return sorted(Tag(path.parent.parent.name, path.parent.name) for path in home.glob("models/*/*/model.yaml"))


def directory_of(home: Path, tag: Tag) -> Path:
    return home / "models" / tag.name / tag.version


def entries(directory: Path) -> dict[str, bool]:
    """Everything below a directory, empty directories too: whether it is a file that its owner may execute."""
    return {
        path.relative_to(directory).as_posix(): path.is_file() and bool(path.stat().st_mode & stat.S_IXUSR)
        for path in directory.rglob("*")
    }


def facts_of(real: RealBentoml) -> dict[str, list[Json]]:
    """Each local version as the real client reads it: labels, metadata, options, context, signatures, moment."""
    found: dict[str, list[Json]] = json.loads(real.python(FACTS).splitlines()[-1])
    return found


def records_of(registry: RegistryServer) -> dict[str, JsonObject]:
    """What the registry was told of each version."""
    told = ("description", "manifest", "build_at", "upload_status")
    found: dict[str, JsonObject] = {}
    for model in items_of(registry.api.get("/api/v1/models")):
        repository, labels = model["repository"], model["labels"]
        assert isinstance(repository, dict)
        assert isinstance(labels, list)
        record: JsonObject = {key: model[key] for key in told}
        found[f"{repository['name']}:{model['version']}"] = record | {"labels": sorted(labels, key=str)}
    return found


def test_odd_models_are_registered_alike_and_read_the_same_by_either_client(
    make_registry: RegistryFactory, make_sides: SidesFactory, tmp_path: Path
) -> None:
    """One test, as each process of the real client takes seconds to start."""
    told_by_them, told_by_us = make_registry(), make_registry()
    author = RealBentoml(tmp_path / "author", told_by_them.url)
    author.python(CREATE + SENDABLE, LONGEST)
    tags = tags_of(author.home)
    assert len(tags) == SENDABLE_COUNT
    facts = facts_of(author)

    author.python(MOVE, "push", *map(str, tags))
    ours = make_sides(told_by_them, "ours")
    for tag in tags:
        assert pull(tag, ours).warnings == ()
        assert read_tree(directory_of(tmp_path / "ours", tag)) == read_tree(directory_of(author.home, tag))
        assert entries(directory_of(tmp_path / "ours", tag)) == entries(directory_of(author.home, tag))
    assert facts_of(RealBentoml(tmp_path / "ours")) == facts

    sides = make_sides(told_by_us, "author", state="other-state")
    for tag in tags:
        assert push(tag, sides).outcome is Outcome.PUSHED
    assert records_of(told_by_us) == records_of(told_by_them)
    reader = RealBentoml(tmp_path / "reader", told_by_us.url)
    # That one first: it takes another version that begins so for it.
    reader.python(MOVE, "pull", "version:1", *(str(tag) for tag in tags if tag != Tag("version", "1")))
    assert facts_of(reader) == facts


def test_metadata_that_the_real_client_cannot_send_is_sent_by_us_and_read_by_it(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    author = RealBentoml(tmp_path / "author")
    author.python(CREATE + UNSENDABLE)
    tags = tags_of(author.home)
    sides = make_sides(registry_server, "author")
    for tag in tags:
        assert push(tag, sides).outcome is Outcome.PUSHED
    reader = RealBentoml(tmp_path / "reader", registry_server.url)
    reader.python(MOVE, "pull", *map(str, tags))
    assert facts_of(reader) == facts_of(author)
    for tag in tags:
        assert read_tree(directory_of(reader.home, tag)) == read_tree(directory_of(author.home, tag))


def test_a_huggingface_model_that_the_real_client_registered_is_shown_as_a_reference_and_not_pulled(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    tag = RealBentoml(tmp_path / "author", registry_server.url).python(REFERENCE).splitlines()[-1]
    sides = make_sides(registry_server, "ours")
    (model,) = sides.registry.all_models()
    assert (str(model.tag), model.is_reference) == (tag, True)
    with pytest.raises(TransferError, match="HuggingFace reference"):
        pull(Tag.parse(tag), sides)
    assert RealBentoml(tmp_path / "reader", registry_server.url).pull(tag).count("No content") == 1
