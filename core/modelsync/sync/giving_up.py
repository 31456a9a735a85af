"""What an unfinished transfer has left behind, cleared away when a person gives it up."""

from modelsync.errors import Cancelled, ModelsyncError, StillUploadingError
from modelsync.model import Direction, UploadStatus
from modelsync.sync.sides import Sides
from modelsync.sync.telling import last_words
from modelsync.tag import Tag
from modelsync.transfer.control import Control
from modelsync.transfer.unfinished import began_upload


def give_up(direction: Direction, tag: Tag, sides: Sides) -> None:
    """Does for a paused transfer what a cancel does for a running one.

    Push: the registry is told that the upload failed, unless somebody else has begun one since; the journal stays, so
    that a later push can go on. Pull: journal and stage are removed. Call it only for a transfer of one's own. Raises
    StillUploadingError when the registry could not be told within TOLD_WITHIN_S, StoreLockedError when another process
    works on the pull, and StoreError.
    """
    key = sides.journal_key(direction, tag)
    if direction is Direction.PUSH:
        given_up = Control()
        given_up.cancel()
        try:
            with last_words(given_up) as words:
                remote = sides.registry.model(tag, control=words)
                if (
                    remote is not None
                    and remote.status is UploadStatus.UPLOADING
                    and began_upload(sides.journals, key, remote, begun=True)
                ):
                    sides.registry.finish_upload(tag, ok=False, reason=Cancelled().message, control=words)
        except ModelsyncError as exc:
            raise StillUploadingError.of(str(tag), exc) from exc
        return
    with sides.journals.open(key) as journal:
        record = journal.read_pull()
        stage = None if record is None else sides.store.reopen_stage(tag, record.stage)
        if stage is not None:
            with stage:
                pass  # left without an installation, it removes itself
        journal.remove()
