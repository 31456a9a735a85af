"""Where `latest` cannot be written it is removed, for then the newest version is the latest, for bentoml too."""

import errno
import os
from datetime import timedelta
from pathlib import Path

import pytest

from modelsync.store import ModelStore
from modelsync.store.latest import write_latest
from modelsync.tag import TagReference
from support.local_store import CREATED, write_model


def test_a_latest_that_cannot_be_written_is_removed_and_the_newest_is_meant(tmp_path: Path) -> None:
    write_model(tmp_path, "iris:v1")
    write_model(tmp_path, "iris:v2", created=CREATED + timedelta(days=1), latest=False)
    names = tmp_path / "models/iris"
    for _ in range(2):  # the second time there is none to remove
        write_latest(names, "v2", draft=tmp_path / "no/folder", sync=False)
        assert not (names / "latest").exists()
    assert ModelStore(tmp_path).resolve(TagReference("iris", None)).tag.version == "v2"


def test_a_latest_that_can_neither_be_written_nor_removed_is_told_by_what_hindered_the_writing(tmp_path: Path) -> None:
    names = tmp_path / "models/iris"
    (names / "latest").mkdir(parents=True)
    with pytest.raises(OSError, match=os.strerror(errno.ENOENT)):
        write_latest(names, "v2", draft=tmp_path / "no/folder", sync=False)
