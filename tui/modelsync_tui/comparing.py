"""Byte-for-byte comparisons that were made in this run: for as long as both sides are what was compared."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from modelsync.model import LocalModel, RemoteModel
from modelsync.tag import Tag
from modelsync.transfer.control import Control
from modelsync.transfer.progress import Progress
from modelsync_tui.session import Session
from modelsync_tui.versions import Version

if TYPE_CHECKING:
    from modelsync.results import Verification


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one comparison found, and of what."""

    when: datetime
    found: "Verification"
    local: LocalModel | None
    remote: RemoteModel | None


class Comparisons:
    """One run's; usable from any thread."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._made: dict[Tag, Comparison] = {}

    def make(self, version: Version, tag: Tag, control: Control, progress: Progress) -> "Verification":
        """Compares every byte; blocks for as long as the download takes. Raises what `sync.verify` does."""
        from modelsync.sync import verify  # loads HTTP

        progress.begin()
        found = verify(tag, self._session.connected, control=control, progress=progress)
        self._made[tag] = Comparison(datetime.now(UTC), found, version.local, version.remote)
        return found

    def of(self, version: Version) -> Comparison | None:
        """The last comparison of a version, if both sides still say the same of it."""
        made = None if version.tag is None else self._made.get(version.tag)
        if made is None or (made.local, made.remote) != (version.local, version.remote):
            return None
        return made
