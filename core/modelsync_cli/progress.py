"""How a running transfer is shown on stderr: a live bar on a terminal, plain lines elsewhere, nothing when quiet."""

import os
import sys
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

from modelsync.transfer.progress import Phase, Progress, ProgressSnapshot
from modelsync_cli.output import Output, size_text
from modelsync_cli.session import Session

LINE_EVERY_S = 10.0
BAR_MIN_COLUMNS, BAR_MAX_COLUMNS = 8, 24
TITLE_MIN_COLUMNS = 16
WORDS_COLUMNS = len("100% of 999.99 MiB, 999.99 MiB/s, 59:59 left")
"""What stands beside a bar gets so much from the start: else the bar would change its width with each word."""
_UNMOVING = ("dumb", "unknown")
"""Terminals whose cursor cannot go back; rich would draw nothing on them until the end."""
_TOLD = (Phase.SEND, Phase.RECEIVE, Phase.COMPLETE, Phase.INSTALL)
"""Phases that a log is told of; the others pass quickly."""
_GAP = ".."
_STOPPING = "stopping; a second interrupt leaves at once"


class Display(AbstractContextManager["Display"], Protocol):
    """Shows one transfer while it is entered."""

    def update(self, progress: Progress, stopping: bool, /) -> None:
        """Shows what is true now; called several times a second."""


def open_display(session: Session, title: str) -> Display:
    """The display that fits this run."""
    if session.output.quiet:
        return _Silent()
    if sys.stderr.isatty() and os.environ.get("TERM", "") not in _UNMOVING:
        return _Bar(title, color=session.settings.color)
    return _Lines(title, session.output)


class _Silent:
    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def update(self, _progress: Progress, _stopping: bool, /) -> None:
        return


class _Lines(_Silent):
    """A line per phase that takes time, and one every ten seconds."""

    def __init__(self, title: str, output: Output) -> None:
        self._title = title
        self._output = output
        self._phase = Phase.WAITING
        self._told_at = time.monotonic()
        self._stopping = False

    def update(self, progress: Progress, stopping: bool, /) -> None:
        if stopping and not self._stopping:
            self._stopping = True
            self._output.note(f"{self._title}: {_STOPPING}")
        snapshot, now = progress.snapshot(), time.monotonic()
        if snapshot.phase is self._phase and now - self._told_at < LINE_EVERY_S:
            return
        if snapshot.phase in _TOLD:
            self._output.note(f"{self._title}: {_words(snapshot)}")
            self._told_at = now
        self._phase = snapshot.phase


class _Bar(_Silent):
    """One line that is drawn over and gone at the end."""

    def __init__(self, title: str, *, color: bool) -> None:
        from rich.console import Console  # only where a bar is drawn: it costs more than listing a small store
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress

        self._bar = BarColumn(bar_width=BAR_MAX_COLUMNS)
        self._rich = RichProgress(
            TextColumn("{task.description}", markup=False),
            self._bar,
            TextColumn("{task.fields[words]}", markup=False),
            console=Console(stderr=True, no_color=not color, highlight=False),
            auto_refresh=False,
            transient=True,
        )
        self._title = title
        self._task = self._rich.add_task(title, total=None, words="")

    def __enter__(self) -> Self:
        self._rich.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rich.stop()

    def update(self, progress: Progress, stopping: bool, /) -> None:
        snapshot = progress.snapshot()
        words = _STOPPING if stopping else _words(snapshot, with_phase=False)
        title, self._bar.bar_width = laid_out(self._title, words, self._rich.console.width)
        self._rich.update(
            self._task,
            description=title,
            total=snapshot.bytes_total,
            completed=snapshot.bytes_done,
            words=words,
            refresh=True,
        )


def laid_out(title: str, words: str, columns: int) -> tuple[str, int]:
    """The title and the width of the bar that leave the words whole; a title that is too long loses its middle."""
    columns -= 2  # a blank behind the title and one behind the bar
    room = columns - max(len(words), min(WORDS_COLUMNS, columns - BAR_MIN_COLUMNS - TITLE_MIN_COLUMNS))
    bar = min(BAR_MAX_COLUMNS, max(BAR_MIN_COLUMNS, room - len(title)))
    room = max(room - bar, TITLE_MIN_COLUMNS)
    if len(title) <= room:
        return title, bar
    end = (room - len(_GAP)) // 2
    return title[: room - len(_GAP) - end] + _GAP + title[-end:], bar


def _words(snapshot: ProgressSnapshot, *, with_phase: bool = True) -> str:
    """How far it is; beside a bar, whose title says push or pull, without the phase in which bytes move."""
    if snapshot.phase not in (Phase.SEND, Phase.RECEIVE):
        return str(snapshot.phase)
    phase = f"{snapshot.phase} " if with_phase else ""
    if snapshot.bytes_total is not None:
        parts = [f"{phase}{snapshot.fraction:.0%} of {size_text(snapshot.bytes_total)}"]
    else:
        parts = [str(snapshot.phase)]
    if snapshot.speed > 0:
        parts.append(f"{size_text(int(snapshot.speed))}/s")
    if snapshot.eta_s is not None:
        parts.append(f"{_clock(snapshot.eta_s)} left")
    if snapshot.retries:
        parts.append(f"{snapshot.retries} retries")
    stalled = max((part.idle_s for part in snapshot.stalled), default=0.0)
    if stalled:
        parts.append(f"no bytes for {stalled:.0f} s")
    return ", ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
