"""The demo: a registry and a local store of their own, filled by really pushing, gone when it ends.

Nothing of the person's is read or written: settings, state, cache, store and account live in one temporary directory
or in this process's memory.
"""

import secrets
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from modelsync import logs
from modelsync.account import Account, Context, Token, TokenSource
from modelsync.api import open_sides
from modelsync.credentials.keeping import ENVIRONMENT_CONTEXT
from modelsync.errors import ModelsyncError, NoSpaceError
from modelsync.history import Ending, History, HistoryEntry
from modelsync.model import Direction
from modelsync.paths import Paths
from modelsync.program import program_name
from modelsync.results import PushResult
from modelsync.settings import Settings
from modelsync.sync import Sides as JoinedSides
from modelsync.sync import push
from modelsync_tui.demo_models import SAMPLES, MiB, Sample, Sides, write_model
from modelsync_tui.text import size_text

if TYPE_CHECKING:  # an extra: without it there is no demo, but still a clear sentence
    from modelsync_registry.server import RunningRegistry

ROOM_BYTES = 640 * MiB
"""The big version here, the same once pushed, and what is pulled."""
BANDWIDTH = "24 MiB/s"
"""So slow that a person can watch the parts."""
_ME = "mia"
_PEOPLE = ("mia", "raj", "lin")
_DOMAIN = "acme.io"
_ORGANIZATION = "acme"
_LATER = timedelta(hours=9)
"""How much later than the one here the differing version was built."""
_PUSHED_AFTER = timedelta(minutes=4)
_RESET = "The connection was reset at part 31 of 65."


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that runs."""

    home: Path
    """The directory that holds all of it."""
    url: str
    """Address of its registry."""
    environ: Mapping[str, str] = field(repr=False)
    """What to put over the environment so that settings, store and account are the demo's; it holds a token."""


class _Clock:
    """The registry's time: in the past while the demo is filled, the real one after that."""

    def __init__(self) -> None:
        self.at: datetime | None = None

    def __call__(self) -> datetime:
        return self.at or datetime.now(UTC)


@contextmanager
def start_demo(*, home: Path | None = None, port: int = 0) -> Iterator[Demo]:
    """Starts the demo; its files are removed and its registry is stopped at the end of the `with` block.

    `home` is made for it (a new one of its own by default), `port` is its registry's (a free one by default). Raises
    ModelsyncError when the registry is not installed or cannot run here, NoSpaceError when there is no room.
    """
    with ExitStack() as stack:
        if home is None:
            home = Path(tempfile.mkdtemp(prefix="modelsync-demo-"))
        else:
            home.mkdir(mode=0o700)
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        free = shutil.disk_usage(home).free
        if free < ROOM_BYTES:
            raise NoSpaceError(
                f"The demo needs {size_text(ROOM_BYTES)} in {home.parent}, where {size_text(free)} are free.",
                hint="Make room, or set TMPDIR to a directory that has it.",
            )
        clock = _Clock()
        tokens = {person: Token(secrets.token_urlsafe(24)) for person in _PEOPLE}
        for token in tokens.values():
            logs.hide(token.reveal())
        registry = stack.enter_context(_registry(home / "registry", port, clock, tokens))
        _Filling(home, registry.url, clock, tokens, datetime.now(UTC)).run()
        yield Demo(home=home, url=registry.url, environ=_environ(home, registry.url, tokens[_ME]))


def _registry(data: Path, port: int, clock: _Clock, tokens: Mapping[str, Token]) -> "RunningRegistry":
    if sys.platform == "win32":
        raise ModelsyncError("The demo's registry does not run on Windows.", hint="Try it on Linux, macOS or in WSL.")
    try:
        from modelsync_registry.config import RegistryConfig
        from modelsync_registry.server import RunningRegistry
        from modelsync_registry.tokens import TokenGrant
    except ImportError as error:
        raise ModelsyncError(
            "The demo needs the registry, which is not installed.", hint="pip install 'modelsync-tui[registry]'"
        ) from error
    grants = tuple(
        TokenGrant(token=token.reveal(), user=person, email=f"{person}@{_DOMAIN}") for person, token in tokens.items()
    )
    return RunningRegistry(
        RegistryConfig(data=data, port=port, tokens=grants, organizations=(_ORGANIZATION,), sync=False, clock=clock)
    )


def _environ(home: Path, url: str, token: Token) -> dict[str, str]:
    config = home / "config"
    return {
        "MODELSYNC_CONFIG_DIR": str(config),
        "MODELSYNC_CONFIG": str(config / "config.toml"),
        "MODELSYNC_STATE_DIR": str(home / "state"),
        "MODELSYNC_CACHE_DIR": str(home / "cache"),
        "MODELSYNC_STORE": str(home / "bentoml"),
        "MODELSYNC_BANDWIDTH": BANDWIDTH,
        "MODELSYNC_READ_ONLY": "false",
        "BENTOML_HOME": str(home / "bentoml"),
        "BENTO_CLOUD_API_ENDPOINT": url,
        "BENTO_CLOUD_API_KEY": token.reveal(),
    }


class _Filling:
    """Fills both sides: writes versions and pushes them as their people, at their time."""

    def __init__(self, home: Path, url: str, clock: _Clock, tokens: Mapping[str, Token], now: datetime) -> None:
        self._mine = home / "bentoml"
        self._others = home / "others"
        self._url = url
        self._clock = clock
        self._tokens = tokens
        self._now = now.replace(microsecond=0)
        self._paths = Paths.of_platform(_environ(home, url, tokens[_ME]))
        self._failures: list[BaseException] = []
        self._moved: list[HistoryEntry] = []
        """What the history of the demo's person tells."""

    def run(self) -> None:
        """Returns when both sides are as the samples say; the largest files are written meanwhile."""
        here = [sample for sample in SAMPLES if sample.sides is Sides.LOCAL_ONLY]
        writer = threading.Thread(target=self._write, args=(here,), name="demo-files", daemon=True)
        writer.start()
        for person in _PEOPLE:
            samples = [sample for sample in SAMPLES if sample.by == person and sample.sides is not Sides.LOCAL_ONLY]
            for home in (self._mine, self._others):
                self._as(person, home, [sample for sample in samples if self._home_of(sample) == home])
        writer.join()
        if self._failures:
            raise self._failures[0]
        self._clock.at = None
        history = History(self._paths.history_file)
        for entry in sorted(self._moved, key=lambda entry: entry.ended):
            history.add(entry)
        shutil.rmtree(self._others, ignore_errors=True)

    def _write(self, samples: list[Sample]) -> None:
        try:
            for sample in samples:
                write_model(self._mine, sample, self._built(sample))
        except BaseException as error:  # noqa: BLE001 - raised again where the demo is started
            self._failures.append(error)

    def _home_of(self, sample: Sample) -> Path:
        """The store that a version is pushed from: mine when the very same version stays here."""
        return self._mine if sample.sides in (Sides.SAME, Sides.FAILED) else self._others

    def _built(self, sample: Sample) -> datetime:
        return self._now - sample.age

    def _as(self, person: str, home: Path, samples: list[Sample]) -> None:
        """Brings a person's versions to the registry, the oldest first."""
        account = Account(Context("demo", self._url), self._tokens[person], TokenSource.SESSION)
        joined = open_sides(Settings(store=home, sync=False), account, self._paths)
        silent = replace(joined, history=None)  # it would say that all of it was moved just now, by me
        try:
            for sample in sorted(samples, key=lambda sample: sample.age, reverse=True):
                self._bring(sample, home)
                when = self._clock.at = min(self._built(sample) + _PUSHED_AFTER, self._now)
                if sample.sides in (Sides.SAME, Sides.REMOTE_ONLY, Sides.DIFFERS):
                    result = push(sample.tag, silent)
                    entry = _remembered(sample, joined, when, result)
                else:
                    _record(sample, joined)
                    entry = _remembered(sample, joined, when, None)
                if person == _ME:
                    self._moved.append(entry)
        finally:
            joined.close()

    def _bring(self, sample: Sample, home: Path) -> None:
        write_model(home, sample, self._built(sample))
        if sample.sides is Sides.DIFFERS:
            write_model(self._mine, sample, self._built(sample) + _LATER, larger_by=31 * MiB // 100)


def _remembered(sample: Sample, joined: JoinedSides, when: datetime, result: PushResult | None) -> HistoryEntry:
    """A push as its person's history has it; None: it failed."""
    return HistoryEntry(
        began=when,
        ended=when + timedelta(seconds=result.seconds if result else 0),
        direction=Direction.PUSH,
        tag=sample.tag,
        context=ENVIRONMENT_CONTEXT,
        host=joined.registry.host,
        organization=_ORGANIZATION,
        outcome=Ending.PUSHED if result else Ending.FAILED,
        reason=result.reason if result else _RESET,
        verified=result is not None and result.verified,
        bytes_total=result.bytes_total if result else 0,
        bytes_moved=result.bytes_moved if result else 0,
        seconds=result.seconds if result else 0.0,
        program=program_name(),
    )


def _record(sample: Sample, joined: JoinedSides) -> None:
    """Registers a version without its content, as far as its upload came."""
    registry, model = joined.registry, joined.store.get(sample.tag)
    if not registry.repository_exists(sample.tag.name):
        registry.create_repository(sample.tag.name)
    registry.create_model(sample.tag, model.info, model.size_bytes)
    if sample.sides is Sides.REFERENCE:
        return
    registry.start_upload(sample.tag)
    if sample.sides is Sides.FAILED:
        registry.finish_upload(sample.tag, False, _RESET)
