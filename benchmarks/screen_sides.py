"""Two sides of any size for the screen: a store on disk, and a session whose registry is a list of values."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.models import model_yaml
from modelsync.account import Context
from modelsync.model import Organization, RemoteModel, UploadStatus, User
from modelsync.paths import Paths
from modelsync.settings import Settings
from modelsync.store import StoreListing
from modelsync_tui.session import PAGE_VERSIONS, Online, RemotePage, Session

if TYPE_CHECKING:
    from modelsync.transfers import Starter, TransferRow

MADE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER_PAGES = 60
"""How many pages of the registry are left to load by scrolling, at the start of a measurement."""


def name_and_version(number: int, names: int) -> tuple[str, str]:
    """Versions spread over the names."""
    return f"model-{number % names:06}", f"v{number:06}"


def made_at(number: int) -> datetime:
    return MADE - timedelta(seconds=number * 61)


def write_store(home: Path, count: int, names: int) -> None:
    """Versions of a model.yaml each, in `names` directories."""
    for number in range(count):
        name, version = name_and_version(number, names)
        path = home / "models" / name / version
        path.mkdir(parents=True)
        (path / "model.yaml").write_text(model_yaml(name, version, made_at(number)))
        if number + names >= count:
            (path.parent / "latest").write_text(version)


def remote_values(count: int, names: int, sizes: Mapping[str, int]) -> tuple[RemoteModel, ...]:
    """As many versions in a registry, every tenth of them one that the store does not have; `sizes` by tag."""
    found = []
    for number in range(count):
        name, version = name_and_version(number, names)
        made = made_at(number)
        found.append(
            RemoteModel(
                name,
                f"{version}r" if number % 10 == 0 else version,
                status=UploadStatus.SUCCESS,
                size_bytes=sizes.get(f"{name}:{version}", 0),
                build_at=made,
                created_at=made + timedelta(hours=1),
                creator_name=f"user-{number % 17}",
                labels={"stage": "prod" if number % 3 else "dev"},
            )
        )
    return tuple(found)


class ValueSession(Session):
    """The session of the application; where it would ask a registry, it answers from values."""

    def __init__(self, settings: Settings, paths: Paths, environ: dict[str, str], remotes: tuple[RemoteModel, ...]):
        super().__init__(settings, paths, environ)
        self._remotes = remotes
        self._by_name: dict[str, list[RemoteModel]] = {}
        for remote in remotes:
            self._by_name.setdefault(remote.name, []).append(remote)
        self.open = threading.Event()
        """Set when the registry may answer."""
        self.scanned_at = 0.0
        self.paged_at = 0.0
        """When the first page was handed over."""

    def scan(self) -> StoreListing:
        listing = super().scan()
        self.scanned_at = time.monotonic()
        return listing

    def connect(self, start: Starter, finished: Callable[[TransferRow], object]) -> Online:  # noqa: ARG002
        self.open.wait()
        who = User("Benchmark", "benchmark@example.org")
        self.online = Online(Context("values", "http://127.0.0.1:9"), "127.0.0.1:9", who, Organization("values"))
        return self.online

    def page(self, start: int) -> RemotePage:
        """Almost everything at once, then the pages of a registry."""
        first = max(PAGE_VERSIONS, len(self._remotes) - LATER_PAGES * PAGE_VERSIONS)
        end = start + PAGE_VERSIONS if start else first
        self.paged_at = time.monotonic()
        return RemotePage(start, len(self._remotes), self._remotes[start:end])

    def versions(self, names: Iterable[str]) -> tuple[RemoteModel, ...]:
        return tuple(remote for name in names for remote in self._by_name.get(name, ()))
