"""A local version that cannot be read stays as it is until a pull is told to replace it."""

import os
from pathlib import Path

import pytest

from modelsync.errors import BrokenModelError
from modelsync.results import Outcome
from modelsync.sync import pull, push
from modelsync.tag import Tag
from modelsync.transfer.progress import Progress
from support.local_store import read_tree, write_model
from support.registry_server import RegistryServer
from support.two_sides import SidesFactory

TAG = Tag("iris", "v1")


def test_a_broken_version_is_replaced_with_force_only(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    model = write_model(tmp_path / "author", str(TAG), files={"weights.bin": os.urandom(100)})
    push(TAG, make_sides(registry_server, "author"))
    broken = write_model(tmp_path / "home", str(TAG), files={"mine.bin": b"mine"})
    (broken / "model.yaml").write_text("{")
    before, progress = read_tree(broken), Progress()
    with pytest.raises(BrokenModelError, match="iris:v1 in the local store"):
        pull(TAG, make_sides(registry_server), progress=progress)
    assert (read_tree(broken), progress.bytes_moved) == (before, 0)
    assert pull(TAG, make_sides(registry_server), force=True).outcome is Outcome.PULLED
    assert read_tree(broken) == read_tree(model)
