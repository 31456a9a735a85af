"""What has arrived of a pull, noted in its journal while it arrives, so that a later run goes on from it.

How it works: a few times a second a line says what is in the files. That survives the end of the process but not of
the machine, so it counts until the next boot. Beside it the files are brought to the disk whenever enough has arrived,
and what that has covered counts for ever. A disk takes its time: whoever cancels or pauses does not wait for it, and
what it ends too late is not noted any more.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from modelsync.archive.unpack import Checkpoint, Unpacker
from modelsync.errors import ModelsyncError
from modelsync.registry.schemas import ETag
from modelsync.transfer.journal import Journal, PullRecord
from modelsync.transfer.parts import MiB

log = logging.getLogger("modelsync.sync")

NOTE_EVERY_S = 0.25
"""At most what arrives in so long is fetched again after kill -9; with very many members it may be seconds."""
SYNC_EVERY_S = 1.0
SYNC_EVERY_BYTES = 64 * MiB
"""At most so much is fetched again after a loss of power, plus what arrived while the last sync ran."""


@contextmanager
def checkpoints(
    unpacker: Unpacker, journal: Journal, etag: ETag | None, total_bytes: int, stage: Path, *, sync: bool
) -> Iterator[None]:
    """Notes what arrives within the block, and once more at its end; nothing without an ETag.

    Without `sync` nothing is brought to the disk, and all that is noted counts until the next boot.
    """
    if etag is None:
        yield
        return
    run = _Run(unpacker, journal, PullRecord(etag, total_bytes, stage, Checkpoint((), b"")))
    quietly(run.begin)
    for work in (run.note_now_and_then, run.sync_now_and_then) if sync else (run.note_now_and_then,):
        threading.Thread(target=work, name="modelsync-checkpoint", daemon=True).start()
    try:
        yield
    finally:
        run.ended.set()
        quietly(lambda: run.note(exact=True))


@dataclass(slots=True)
class _Run:
    unpacker: Unpacker
    journal: Journal
    record: PullRecord
    ended: threading.Event = field(default_factory=threading.Event)

    def begin(self) -> None:
        """Nothing is done yet by what is written, so that it need not be synced to be true."""
        nothing = Checkpoint((), self._now().members)
        self.journal.write_pull(self._record(nothing), self._now, sync=False)

    def note(self, *, exact: bool = False) -> None:
        self.journal.note_pull(self.unpacker.checkpoint(sync=False, exact=exact))

    def note_now_and_then(self) -> None:
        noted = -1
        while not self.ended.wait(NOTE_EVERY_S):
            done = self.unpacker.done_bytes
            if done != noted:
                quietly(self.note)
                noted = done

    def sync_now_and_then(self) -> None:
        synced, waited = 0, 0.0
        while not self.ended.wait(SYNC_EVERY_S / 8):
            waited += SYNC_EVERY_S / 8
            done = self.unpacker.done_bytes
            if done - synced >= SYNC_EVERY_BYTES or (waited >= SYNC_EVERY_S and done != synced):
                quietly(self._sync)
                synced, waited = done, 0.0

    def _sync(self) -> None:
        checkpoint = self.unpacker.checkpoint(sync=True)
        self.journal.write_pull(self._record(checkpoint), self._now, sync=True)

    def _now(self) -> Checkpoint:
        return self.unpacker.checkpoint(sync=False, exact=False)

    def _record(self, checkpoint: Checkpoint) -> PullRecord:
        return PullRecord(self.record.etag, self.record.total_bytes, self.record.stage, checkpoint)


def quietly(save: Callable[[], None]) -> None:
    """A checkpoint that fails costs a resume, not the pull: what is wrong with the disk the pull itself will say."""
    try:
        save()
    except ModelsyncError as exc:
        log.warning("no checkpoint: %s", exc.message)
