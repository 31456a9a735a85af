"""What an unfinished transfer has left behind, cleared away when a person gives it up."""

from modelsync.errors import Cancelled
from modelsync.model import Direction, UploadStatus
from modelsync.sync.sides import Sides
from modelsync.tag import Tag


def give_up(direction: Direction, tag: Tag, sides: Sides) -> None:
    """Does for a paused transfer what a cancel does for a running one.

    Push: the registry is told that the upload failed; its journal stays, so that a later push can go on. Pull: journal
    and stage are removed. Call it only for a transfer of one's own. Raises StoreLockedError when another process works
    on it, StoreError, and the errors of the registry.
    """
    if direction is Direction.PUSH:
        remote = sides.registry.model(tag)
        if remote is not None and remote.status is UploadStatus.UPLOADING:
            sides.registry.finish_upload(tag, ok=False, reason=Cancelled().message)
        return
    with sides.journals.open(sides.journal_key(direction, tag)) as journal:
        record = journal.read_pull()
        stage = None if record is None else sides.store.reopen_stage(tag, record.stage)
        if stage is not None:
            with stage:
                pass  # left without an installation, it removes itself
        journal.remove()
