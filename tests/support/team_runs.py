"""The runs of a team: what each does, and what must be true when it has ended."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from modelsync.model import Json
from modelsync.transfer.journal import Journals
from support.command import Command
from support.leaks import SIGNATURES, says
from support.local_store import left_in_tmp
from support.registry_server import TOKEN
from support.team_bed import Bed
from support.team_contents import Contents

ENDS_WITHIN_S = 600.0
"""A run that takes longer hangs: the longest way through patience and repeats takes half of it."""
SETTLED_S = 5.0
"""So long after a kill a request of the killed may still reach the registry."""
_CODES = (0, 1, 3, 4, 5, 130)
_OF_PYTHON_STARTING = "KeyboardInterrupt"
_OF_BENTOML = ("bentoml push", "bentoml pull")


@dataclass(slots=True)
class Machine:
    """One person's machine: its store and what modelsync keeps."""

    command: Command
    made: int = 0

    @property
    def store(self) -> Path:
        return self.command.store

    def version(self, tag: str) -> Path:
        name, _, version = tag.partition(":")
        return self.store / "models" / name / version

    def tags(self) -> list[str]:
        """What is in models/; fails for anything that does not belong there."""
        found = []
        models = self.store / "models"
        for name in _names(models):
            for entry in _names(models / name):
                if entry.endswith(".yaml") or entry == "latest":
                    assert entry == "latest"
                else:
                    found.append(f"{name}:{entry}")
        return sorted(found)

    def write(self, contents: Contents, tag: str, luck: random.Random) -> None:
        """Saves a new content, as bentoml does; only while nobody else works with this store and it has none."""
        self.made += 1
        fresh = self.command.folder / f"made-{self.made}"
        contents.write(fresh, tag, luck)
        version = self.version(tag)
        version.parent.mkdir(parents=True, exist_ok=True)
        fresh.rename(version)
        (version.parent / "latest").write_text(version.name)

    def check_tidy(self, contents: Contents) -> None:
        """Nothing half anywhere; every version whole; `latest` names one that is there."""
        assert left_in_tmp(self.store) == []
        for tag in self.tags():
            assert contents.in_directory(self.version(tag), tag) is not None
            latest = self.version(tag).with_name("latest").read_text()
            assert self.version(tag).with_name(latest).is_dir(), f"latest of {tag} names {latest}"
        journals = Journals(self.command.folder / "state/journals")
        drafts = [path.name for path in journals.directory.glob("*.new")] if journals.directory.exists() else []
        assert drafts == []


def _names(directory: Path) -> list[str]:
    try:
        return sorted(path.name for path in directory.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


@dataclass(slots=True)
class Run:
    """One process of someone of the team."""

    machine: Machine
    kind: str
    words: Sequence[str]
    tags: frozenset[str]
    """That it may change on one side or the other."""
    process: "subprocess.Popen[bytes]"
    out: Path
    err: Path
    stop_at: float
    stop_by: signal.Signals | None
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None

    @property
    def pushes(self) -> bool:
        return self.kind in ("push", "api", "bentoml push")

    @property
    def changes_store(self) -> bool:
        return self.kind in ("pull", "delete", "api", "bentoml pull")

    def __str__(self) -> str:
        return f"{self.machine.command.folder.name}: {' '.join(self.words)}"

    def poll(self) -> bool:
        """Whether it has ended; stops it when its time has come, and fails when it hangs."""
        if self.process.poll() is None:
            now = time.monotonic()
            assert now - self.began < ENDS_WITHIN_S, f"{self} hangs: {self.err.read_text()[-1000:]}"
            if self.stop_by is not None and now > self.stop_at:
                self.process.send_signal(self.stop_by)
                self.stop_by = None if self.stop_by is not signal.SIGKILL else self.stop_by
            return False
        killed = self.process.returncode < 0
        self.ended = time.monotonic() + (SETTLED_S if killed else 0)
        return True


@dataclass(slots=True)
class Log:
    """What ran when, to know what a run that ended can be held to; and how much it was."""

    contents: Contents
    bed: Bed
    runs: list[Run] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def start(self, machine: Machine, kind: str, words: Sequence[str], tags: Sequence[str], luck: random.Random) -> Run:
        stop_by: signal.Signals | None = None
        stop_at = time.monotonic()
        if luck.random() < 0.3:
            stop_by, stop_at = signal.SIGKILL, stop_at + luck.random() * luck.choice((1, 4, 12))
        elif luck.random() < 0.15:
            stop_by = luck.choice((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
            stop_at += 2 + luck.random() * 8
        return self.launch(machine, kind, words, tags, stop_by, stop_at)

    def launch(
        self,
        machine: Machine,
        kind: str,
        words: Sequence[str],
        tags: Sequence[str],
        stop_by: signal.Signals | None = None,
        stop_at: float = 0.0,
    ) -> Run:
        folder = machine.command.folder
        number = len(self.runs)
        out, err = folder / f"run-{number}.out", folder / f"run-{number}.err"
        module = {"api": "support.team_program"}.get(kind, "bentoml" if kind in _OF_BENTOML else "modelsync_cli")
        places = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
        environ = {**machine.command.environ, "PYTHONPATH": os.pathsep.join(places), "BENTOML_DO_NOT_TRACK": "1"}
        with out.open("wb") as out_file, err.open("wb") as err_file:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *words],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=out_file,
                stderr=err_file,
            )
        run = Run(machine, kind, words, frozenset(tags), process, out, err, stop_at, stop_by)
        self.runs.append(run)
        return run

    def check_end(self, run: Run) -> None:
        """What must be true of a run that has ended."""
        code, out, err = run.process.returncode, run.out.read_text(), run.err.read_text()
        self._count(f"{run.kind} {code}")
        about = f"{run} ended with {code}: {out[-1500:]}\n{err[-3000:]}"
        if run.kind in _OF_BENTOML:
            self._check_bentoml(run, about)
            return
        for text in (out, err):
            assert not says(TOKEN, text), about
            assert not any(signature in text for signature in SIGNATURES), about
        assert "Traceback" not in err or (code in (-2, 130, 1) and _OF_PYTHON_STARTING in err), about
        assert "did not expect" not in err, about
        assert "unexpected" not in out, about
        for tag in run.tags:
            self.contents.in_directory(run.machine.version(tag), tag)
        if code < 0:
            return
        assert code in _CODES, about
        records = _records(run)
        if run.kind in ("push", "pull", "verify", "delete"):
            good = all(record["error"] is None for record in records) and len(records) == len(run.tags)
            assert (code == 0) == (good and not any(record.get("equal") is False for record in records)), about
        for record in records:
            self._check_record(run, record, about)
        run.out.unlink()
        run.err.unlink()

    def _check_bentoml(self, run: Run, about: str) -> None:
        """The real client forced one version over to the other side."""
        (tag,) = run.tags
        here = self.contents.in_directory(run.machine.version(tag), tag)
        if run.process.returncode == 0 and self.quiet_remote(run, tag):
            assert self.bed.status_of(tag) == "success", about
            there = self.contents.in_archive(self.bed.archive(tag), tag)
            assert here == there, about
            self._count(f"compared after {run.kind}")

    def quiet_remote(self, run: Run, tag: str) -> bool:
        """Whether nobody else may have changed this version in the registry since shortly before it began."""
        return not any(
            other is not run and other.pushes and tag in other.tags and not _over(other, run.began - SETTLED_S)
            for other in self.runs
        )

    def quiet_local(self, run: Run, tag: str) -> bool:
        """The same of the store of its machine."""
        return not any(
            other is not run
            and other.machine is run.machine
            and other.changes_store
            and tag in other.tags
            and not _over(other, run.began)
            for other in self.runs
        )

    def forget_old(self) -> None:
        """What ended long before anything that runs began matters no more."""
        running = [run.began for run in self.runs if run.ended is None]
        first = min(running, default=time.monotonic())
        for run in self.runs:
            if _over(run, first - SETTLED_S):
                run.tags = frozenset()

    def _check_record(self, run: Run, record: Mapping[str, Json], about: str) -> None:
        tag, outcome = str(record["tag"]), str(record.get("outcome", ""))
        direction = str(record.get("direction", run.kind))
        self._count(f"{direction} {outcome or record.get('equal')}")
        if record["error"] is not None or ":" not in tag or run.kind == "api":
            return
        local_quiet, remote_quiet = self.quiet_local(run, tag), self.quiet_remote(run, tag)
        here = self.contents.in_directory(run.machine.version(tag), tag)
        if run.kind == "delete" and local_quiet:
            assert here is None, about
        if run.kind == "pull" and local_quiet:
            assert here is not None, about
        if run.kind == "push" and remote_quiet:
            assert self.bed.status_of(tag) == "success", about
        if not (local_quiet and remote_quiet) or outcome not in ("pushed", "pulled", ""):
            return
        there = self.contents.in_archive(self.bed.archive(tag), tag)
        self._count(f"compared after {run.kind}")
        if run.kind == "verify":
            assert bool(record["equal"]) == (here == there), about
        else:
            assert here == there, about

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1


def _over(run: Run, moment: float) -> bool:
    return run.ended is not None and run.ended < moment


def _records(run: Run) -> list[dict[str, Json]]:
    if run.kind not in ("push", "pull", "verify", "delete", "api"):
        return []
    return [json.loads(line) for line in run.out.read_text().splitlines()]
