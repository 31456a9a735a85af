"""Reads what the details show of the version under the cursor, and drops what was asked for a version that was left.

How it works: a version is asked for when the cursor has rested on it for a moment, each question on a thread of its
own; answers are put together as they come. Moving on cancels what is still asked. The last few versions are kept, for
as long as both sides say the same of them.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from textual.app import App
from textual.timer import Timer

from modelsync.comparison import decide_pull
from modelsync.errors import ModelsyncError
from modelsync.transfer.control import Control
from modelsync_tui import work
from modelsync_tui.answers import Answer, Failed, Reading, Told
from modelsync_tui.files import FileReading, FileTable
from modelsync_tui.inspecting import Inspector, Uses
from modelsync_tui.versions import Version

RESTS_S = 0.12
"""So long the cursor stays before the registry is asked: someone who holds a key asks for one version, not for all."""
KEPT_VERSIONS = 16
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one version beyond the two lists."""

    version: Version
    files: FileTable = field(default_factory=FileTable)
    uses: Answer[Uses] = field(default_factory=Reading)

    @property
    def whole(self) -> bool:
        """Whether every question was answered."""
        failed = isinstance(self.files.local, Failed) or isinstance(self.files.remote, Failed)
        told = isinstance(self.uses, Told) and self.uses.value.trouble is None
        return told and not failed and not self.files.reading


class Looker:
    """Belongs to the details screen; tells it by one function what it sees."""

    def __init__(self, app: App[object], inspector: Inspector, show: Callable[[Seen], object]) -> None:
        self._app = app
        self._inspector = inspector
        self._show = show
        self._control = Control()
        self._timer: Timer | None = None
        self._kept: OrderedDict[str, Seen] = OrderedDict()
        self.seen: Seen | None = None

    def look_at(self, version: Version, *, again: bool = False) -> None:
        """Shows what is known of a version and reads the rest; `again` reads even what is known."""
        if self.seen is not None and _same(self.seen.version, version) and not again:
            return
        self.stop()
        self._control = Control()
        kept = self._kept.get(version.tag_text)
        if kept is not None and _same(kept.version, version) and not again:
            self._take(kept)
            return
        reading = FileReading(
            local=version.path is not None,
            remote=has_files(version),
        )
        self._take(Seen(version, reading.table))
        ask = partial(self._ask, version, reading, self._control)
        if again:
            ask()
        else:
            self._timer = self._app.set_timer(RESTS_S, ask)

    def stop(self) -> None:
        """Cancels what is asked."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._control.cancel()

    def _take(self, seen: Seen) -> None:
        self.seen = seen
        if seen.whole:
            self._kept[seen.version.tag_text] = seen
            self._kept.move_to_end(seen.version.tag_text)
            while len(self._kept) > KEPT_VERSIONS:
                self._kept.popitem(last=False)
        self._show(seen)

    def _ask(self, version: Version, reading: FileReading, control: Control) -> None:
        inspector = self._inspector

        def files(table: FileTable) -> None:
            if self.seen is not None and not control.cancelled and table.step > self.seen.files.step:
                self._take(replace(self.seen, files=table))

        def uses(uses: Answer[Uses]) -> None:
            if self.seen is not None and not control.cancelled:
                self._take(replace(self.seen, uses=uses))

        path, remote = version.path, version.remote if has_files(version) else None
        if path is not None:
            here = partial(inspector.local_files, path, control)
            self._run(lambda: reading.take_local(_answer(here)), files, f"list the files of {version.tag_text}")
        if remote is not None:
            there = partial(inspector.remote_files, remote, control)
            what = f"list the files of {version.tag_text} in the registry"
            self._run(lambda: reading.take_remote(_answer(there)), files, what)
        used = partial(inspector.uses, version, control)
        self._run(lambda: _answer(used), uses, f"look for what uses {version.tag_text}")

    def _run(self, blocking: Callable[[], T], done: Callable[[T], object], description: str) -> None:
        def failed(error: ModelsyncError) -> None:
            """Only a defect comes here: it is in the log, and said where it does no harm."""
            self._app.notify(error.sentence, severity="error", markup=False)

        work.run(self._app, blocking, done, failed, group="details", description=description)


def _answer(ask: Callable[[], T]) -> Answer[T]:
    try:
        return Told(ask())
    except ModelsyncError as error:
        return Failed(error)


def _same(one: Version, other: Version) -> bool:
    """Whether two looks at a tag found the same on both sides; how its state is called meanwhile counts no more."""
    return (one.key, one.local, one.remote, one.broken) == (other.key, other.local, other.remote, other.broken)


def has_files(version: Version) -> bool:
    """Whether the registry holds an archive of it."""
    return version.remote is not None and decide_pull(None, version.remote).goes
