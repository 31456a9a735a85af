"""A service of the real bentoml on models that we pulled: it starts, answers with their files, and is built on them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from modelsync.results import Outcome
from modelsync.store import ModelStore
from modelsync.store.bentos import bentos_using
from modelsync.sync import pull, push
from modelsync.tag import Tag
from support.command import Command
from support.local_store import read_tree, write_model
from support.real_bentoml import RealBentoml
from support.registry_server import RegistryServer
from support.strange_registry import free_port
from support.two_sides import SidesFactory
from support.waiting import wait_for

SERVES_WITHIN_S = 90.0
FIRST, SECOND = Tag("greeting", "v1"), Tag("greeting", "v2")

SERVICE = """
from pathlib import Path
import bentoml
from bentoml.models import BentoModel

@bentoml.service
class Greeter:
    newest = BentoModel("greeting:latest")
    first = BentoModel("greeting:v1")

    @bentoml.api
    def read(self) -> list[str]:
        return [Path(model.path_of("words/hello.txt")).read_text() for model in (self.newest, self.first)]
"""
BENTOFILE = "service: 'service:Greeter'\npython:\n  lock_packages: false\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder as `bentoml serve` and `bentoml build` want it."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "service.py").write_text(SERVICE)
    (folder / "bentofile.yaml").write_text(BENTOFILE)
    return folder


@pytest.fixture
def home(registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path) -> Path:
    """A BentoML home whose two models we pulled: the first from a push of the real bentoml, the second from ours."""
    author = RealBentoml(tmp_path / "author", registry_server.url)
    for tag in (FIRST, SECOND):
        source = tmp_path / f"source-{tag.version}"
        (source / "words").mkdir(parents=True)
        (source / "words/hello.txt").write_text(f"hello from {tag} äß 模型")
        author.create(str(tag), source)
    author.push(str(FIRST))
    assert push(SECOND, make_sides(registry_server, "author")).outcome is Outcome.PUSHED
    ours = make_sides(registry_server, "ours")
    for tag in (SECOND, FIRST):
        assert pull(tag, ours).outcome is Outcome.PULLED
    return tmp_path / "ours"


@contextmanager
def served(home: Path, project: Path) -> Iterator[str]:
    """`bentoml serve` of the project in a process group of its own, ready; its address."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    log = project.parent / "serve.log"
    environ = {key: value for key, value in os.environ.items() if not key.startswith("BENTO")}
    with log.open("wb") as output:
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "bentoml",
                "serve",
                "service.py:Greeter",
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
            ],
            cwd=project,
            env={**environ, "BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def ready() -> bool:
        assert server.poll() is None, log.read_text()
        try:
            return httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    try:
        wait_for(ready, within_s=SERVES_WITHIN_S, what="the service's readiness")
        yield url
    finally:
        os.killpg(server.pid, signal.SIGKILL)  # its workers too; no answer is under way any more
        server.wait()


def test_a_service_answers_with_the_files_of_the_models_that_we_pulled(home: Path, project: Path) -> None:
    with served(home, project) as url:
        answer = httpx.post(f"{url}/read", json={}, timeout=30, trust_env=False)
    assert answer.status_code == 200, answer.text
    assert answer.json() == ["hello from greeting:v2 äß 模型", "hello from greeting:v1 äß 模型"]


def test_a_bento_built_on_what_we_pulled_names_it_and_keeps_it_from_being_deleted(
    home: Path, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = RealBentoml(home)
    monkeypatch.chdir(project)  # it builds nothing outside of where it runs
    said = real.run("build", "--output", "tag")
    bento = said.strip().removeprefix("__tag__:")
    assert bento.startswith("greeter:")

    shown = json.loads(real.run("get", bento, "--output", "json"))
    (service,) = shown["services"]
    assert {model["tag"] for model in service["models"]} == {str(FIRST), str(SECOND)}
    assert bentos_using(home, [FIRST, SECOND]) == {FIRST: (bento,), SECOND: (bento,)}

    write_model(home, "greeting:unused", latest=False)
    done = Command.in_folder(tmp_path, BENTOML_HOME=str(home)).run("delete", str(FIRST), "greeting:unused", "--yes")
    assert f"the local bento {bento} uses it" in done.err
    assert {str(model.tag) for model in ModelStore(home).scan().models} == {str(FIRST), str(SECOND)}


@pytest.mark.parametrize("suffix", ["bentomodel", "zip"])
def test_what_bentoml_exports_of_ours_and_imports_again_is_the_version_that_we_moved(
    suffix: str, home: Path, registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    file = tmp_path / f"greeting.{suffix}"
    RealBentoml(home).run("models", "export", str(FIRST), str(file))
    imported = RealBentoml(tmp_path / "imported")
    imported.run("models", "import", str(file))
    assert read_tree(tmp_path / "imported/models/greeting/v1") == read_tree(home / "models/greeting/v1")

    sides = make_sides(registry_server, "imported")
    assert push(FIRST, sides).reason == "already there (same size and build time)"
    assert push(FIRST, sides, force=True).warnings == ()
    assert read_tree(pull(FIRST, make_sides(registry_server, "other")).path) == read_tree(home / "models/greeting/v1")
