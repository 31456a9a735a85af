"""The real `bentoml` client, unchanged, against our registry: what it pushes comes back byte for byte."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from modelsync_registry.config import TransmissionStrategy
from support.registry_server import TOKEN, RegistryFactory, client, items_of, json_of, model_path, presign_get

TAG = "sentiment_model:v1"
WEIGHTS_SIZE = 1024 * 1024  # bytes

CREATE = """
import bentoml, pathlib, sys
with bentoml.models.create(sys.argv[1], labels={"stage": "dev"}, metadata={"acc": 0.9}) as model:
    pathlib.Path(model.path_of("weights.bin")).write_bytes(pathlib.Path(sys.argv[2]).read_bytes())
    nested = pathlib.Path(model.path_of("tokenizer"))
    nested.mkdir()
    (nested / "vocab \u00e4.txt").write_text("hello")
"""

LIST = """
import json
from bentoml._internal.cloud.config import CloudClientConfig
client = CloudClientConfig.get_config().get_context().get_rest_api_client()
models = client.v1.get_models_list()
rows = [[m.repository.name, m.version, m.upload_status, m.manifest.size_bytes] for m in models.items]
print("\\n" + json.dumps(rows))
"""


class RealClient:
    """The `bentoml` of this environment, with a home of its own, signed in to one registry by the environment."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        self._environment = os.environ | {
            "BENTOML_HOME": str(home),
            "BENTOML_DO_NOT_TRACK": "1",
            "BENTO_CLOUD_API_KEY": TOKEN,
            "BENTO_CLOUD_API_ENDPOINT": url,
        }

    def run(self, *arguments: str) -> str:
        return self._python("-m", "bentoml", *arguments)

    def python(self, code: str, *arguments: str) -> str:
        return self._python("-c", code, *arguments)

    def _python(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def files_of(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("strategy", "parts"),
    [(TransmissionStrategy.PRESIGNED_URL, "-1"), (TransmissionStrategy.PROXY, ""), (None, "")],
    ids=["presigned_url", "proxy", "null"],
)
def test_what_the_real_client_pushes_it_lists_and_pulls_back_byte_for_byte(
    make_registry: RegistryFactory, tmp_path: Path, strategy: TransmissionStrategy | None, parts: str
) -> None:
    registry = make_registry(strategy=strategy)
    real = RealClient(tmp_path / "home", registry.url)
    weights = tmp_path / "weights"
    weights.write_bytes(random.Random(1).randbytes(WEIGHTS_SIZE))
    real.python(CREATE, TAG, str(weights))
    stored = real.home / "models" / "sentiment_model" / "v1"
    before = files_of(stored)
    assert "tokenizer/vocab \u00e4.txt" in before

    real.run("models", "push", TAG)

    remote = json_of(registry.api.get(model_path("sentiment_model", "v1")))
    assert remote["upload_status"] == "success"
    assert remote["labels"] == [{"key": "stage", "value": "dev"}]
    listed = json.loads(real.python(LIST).splitlines()[-1])
    # An object made of parts says how many in its ETag: so it is seen that the client took the way it was told.
    etag = httpx.get(presign_get(registry.api, model_path("sentiment_model", "v1"))).headers["ETag"].strip('"')
    assert etag[32:] == parts
    assert listed == [["sentiment_model", "v1", "success", sum(map(len, before.values()))]]

    shutil.rmtree(real.home / "models")
    real.run("models", "pull", TAG)
    assert files_of(stored) == before


def test_the_real_client_pulls_the_newest_version_when_none_is_named(
    make_registry: RegistryFactory, tmp_path: Path
) -> None:
    registry = make_registry()
    real = RealClient(tmp_path / "home", registry.url)
    weights = tmp_path / "weights"
    weights.write_bytes(b"w")
    for version in ("v1", "v2"):
        real.python(CREATE, f"sentiment_model:{version}", str(weights))
        real.run("models", "push", f"sentiment_model:{version}")
    shutil.rmtree(real.home / "models")

    real.run("models", "pull", "sentiment_model")

    assert sorted(path.name for path in (real.home / "models" / "sentiment_model").iterdir()) == ["latest", "v2"]


def test_the_real_client_sees_who_it_is_signed_in_as(make_registry: RegistryFactory, tmp_path: Path) -> None:
    registry = make_registry()
    real = RealClient(tmp_path / "home", registry.url)
    said = real.run("cloud", "login", "--endpoint", registry.url, "--api-token", TOKEN)
    assert "mia@acme.io" in said
    assert "default" in said


def test_a_second_push_by_the_real_client_sends_nothing(make_registry: RegistryFactory, tmp_path: Path) -> None:
    registry = make_registry()
    real = RealClient(tmp_path / "home", registry.url)
    weights = tmp_path / "weights"
    weights.write_bytes(b"w")
    real.python(CREATE, TAG, str(weights))
    real.run("models", "push", TAG)
    real.run("models", "push", TAG)
    pushes = items_of(registry.api.get("/api/v1/current_org/events"))
    assert [push["status"] for push in pushes] == ["success"]


def test_the_real_client_makes_lists_and_deletes_tokens(make_registry: RegistryFactory, tmp_path: Path) -> None:
    registry = make_registry()
    real = RealClient(tmp_path / "home", registry.url)
    said = real.run("api-token", "create", "ci", "--scope", "read_organization", "--expires", "1d", "-o", "json")
    made = json.loads(said[said.index("{") :])  # words come before it
    with client(registry.url, made["token"]) as api:
        assert json_of(api.get("/api/v1/auth/current"))["name"] == "mia"
    (listed,) = items_of(registry.api.get("/api/v1/api_tokens"))
    assert (listed["name"], listed["scopes"]) == ("ci", ["read_organization"])
    assert str(listed["expired_at"]).endswith("Z")
    assert str(listed["uid"]) in real.run("api-token", "list", "-o", "json")
    real.run("api-token", "delete", str(listed["uid"]))
    assert items_of(registry.api.get("/api/v1/api_tokens")) == []
