"""When the bytes of both sides of a version were compared, by what the history tells."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from modelsync.comparison import RowState
from modelsync.history import Ending, HistoryEntry
from modelsync_tui.versions import Version

CLOCKS_DIFFER_MAX = timedelta(minutes=10)
"""Between this machine and the registry; an upload that ended later than this is another one."""
_MOVED = (Ending.PUSHED, Ending.PULLED)


def verified_at(version: Version, history: Iterable[HistoryEntry], host: str) -> datetime | None:
    """When the last transfer of a version compared its bytes with the other side's; None where nothing says so.

    `history` has the last transfer first; those with other registries than `host` say nothing. A version that was
    moved again without a comparison, or that someone pushed since, was not compared.
    """
    if version.state is not RowState.SAME or version.remote is None:
        return None
    for entry in history:
        if entry.tag == version.tag and entry.outcome in _MOVED:
            if not entry.verified or entry.host != host:
                return None
            pushed = version.remote.upload_finished_at
            return None if pushed is not None and pushed > entry.ended + CLOCKS_DIFFER_MAX else entry.ended
    return None
