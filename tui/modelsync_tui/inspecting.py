"""What the details of a version ask both sides for; every call blocks, and ends early when its control is cancelled."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelsync.errors import (
    AuthenticationError,
    Cancelled,
    ModelsyncError,
    NotFoundError,
    NotSignedInError,
    RegistryRefusedError,
)
from modelsync.history import History, HistoryEntry
from modelsync.model import ModelFile, RemoteModel
from modelsync.results import NotListed, RemoteFiles
from modelsync.store.bentos import bentos_using
from modelsync.store.files import Beginning, files_of, read_beginning
from modelsync.transfer.control import Control
from modelsync_tui.session import Session
from modelsync_tui.versions import Version

if TYPE_CHECKING:
    from modelsync.tag import Tag

PREVIEW_BYTES = 64 * 1024
HISTORY_MAX = 200


@dataclass(frozen=True, slots=True)
class Uses:
    """What uses a version."""

    local_bentos: tuple[str, ...] = ()
    remote_bentos: tuple[str, ...] | None = None
    """None: the registry does not tell."""
    deployments: tuple[str, ...] | None = None
    trouble: ModelsyncError | None = None
    """Why the registry was not heard."""


class Inspector:
    """Asks the store, the registry and the history; usable from any thread."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def local_files(self, path: Path, control: Control) -> tuple[ModelFile, ...]:
        """The files below a version's directory."""
        return files_of(path, check=control.check)

    def remote_files(self, remote: RemoteModel, control: Control) -> RemoteFiles | NotListed:
        """The files in the registry's archive, or why they cannot be told."""
        from modelsync.sync.peek import remote_files  # loads HTTP

        return remote_files(remote, self._session.connected, control=control)

    def uses(self, version: Version, control: Control) -> Uses:
        """The bentos and deployments that need a version; what the registry does not tell is left out."""
        tag = version.tag
        if tag is None:
            return Uses()
        here = bentos_using(self._session.store.home, (tag,))[tag]
        if version.remote is None:
            return Uses(here)
        try:
            return Uses(here, self._bentos(tag, control), self._deployments(tag, control))
        except (Cancelled, NotSignedInError):
            return Uses(here)
        except ModelsyncError as error:
            return Uses(here, trouble=error)

    def _bentos(self, tag: "Tag", control: Control) -> tuple[str, ...] | None:
        try:
            return self._session.connected.registry.bentos_using(tag, control=control)
        except (NotFoundError, RegistryRefusedError, AuthenticationError):
            return None

    def _deployments(self, tag: "Tag", control: Control) -> tuple[str, ...] | None:
        try:
            return self._session.connected.registry.deployments_using(tag, control=control)
        except (NotFoundError, RegistryRefusedError, AuthenticationError):
            return None

    def beginning(self, path: Path, _control: Control) -> Beginning:
        """What a preview shows of a local file."""
        return read_beginning(path, PREVIEW_BYTES)

    def remote_beginning(self, remote: RemoteModel, files: RemoteFiles, name: str, control: Control) -> Beginning:
        """What a preview shows of a file in the registry: one small range of its archive."""
        from modelsync.sync.peek import read_remote  # loads HTTP

        return read_remote(remote, files, name, PREVIEW_BYTES, self._session.connected, control=control)

    def history(self, name: str) -> tuple[HistoryEntry, ...]:
        """The transfers of a model's versions that ended, the last one first."""
        return History(self._session.paths.history_file).entries(name=name, limit=HISTORY_MAX)
