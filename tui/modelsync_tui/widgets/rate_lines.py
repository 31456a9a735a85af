"""The speed of the last minute, and the numbers of one transfer."""

import time
from collections import deque
from collections.abc import Mapping, Sequence

from modelsync.comparison import Direction
from modelsync.queue import QueueSnapshot, TransferRow
from modelsync_tui import glyphs, text
from modelsync_tui.widgets.lines import Lines, Piece, Tone
from modelsync_tui.widgets.transfer_rows import WIDE_CELLS
from modelsync_tui.widgets.words import clock_text, speed_text

RATE_WINDOW_S = 60
DRAWN_EVERY_S = 0.5
"""Nobody reads these numbers faster, and bars of a minute hardly move."""
_SPEED_CELLS = 10
"""`99.9 MiB/s`, the longest: none of the words moves when another speed has a digit more."""


class RateLines(Lines, can_focus=False):
    """The speed of the last minute as a line of bars, and the numbers of one transfer."""

    def __init__(self) -> None:
        super().__init__(id="rate")
        self._samples: deque[float] = deque(maxlen=RATE_WINDOW_S)
        self._sampled_at = 0.0
        self._drawn_at = 0.0
        self._now = 0.0
        self._row: TransferRow | None = None

    def show(self, queue: QueueSnapshot, row: TransferRow | None) -> None:
        """Takes one sample a second while something moves."""
        now = time.monotonic()
        self._now = queue.upload_speed + queue.download_speed
        if queue.busy and now - self._sampled_at >= 1.0:
            self._samples.append(self._now)
            self._sampled_at = now
        is_same = row is not None and self._row is not None and row.id == self._row.id
        self._row = row
        if not (is_same and queue.busy and now - self._drawn_at < DRAWN_EVERY_S):
            self._drawn_at = now
            self.lines_changed()

    def line_count(self) -> int:
        return 2

    def line(self, index: int, width: int) -> Sequence[Piece]:
        return self._speeds(width) if index == 0 else ((self._numbers(width), Tone.PLAIN),)

    def _speeds(self, width: int) -> Sequence[Piece]:
        ramp = "_.-=+*#" if glyphs.of(self.app) is glyphs.ASCII else "▁▂▃▄▅▆▇█"
        peak = max(self._samples, default=0.0) or self._now
        room = max(0, min(RATE_WINDOW_S, width - 68 if width >= WIDE_CELLS else width - 44))
        recent = list(self._samples)[-room:] if room else []
        bars = "".join(
            ramp[min(len(ramp) - 1, int(speed / peak * (len(ramp) - 1) + 0.5))] if peak else ramp[0] for speed in recent
        )
        mean = sum(self._samples) / len(self._samples) if any(self._samples) else self._now
        shown = {"now": self._now, "mean": mean, "peak": peak}
        if width < WIDE_CELLS:
            del shown["mean"]
        words = "  ".join(f"{name} {speed_text(speed):>{_SPEED_CELLS}}" for name, speed in shown.items())
        # the bars last: they become more, and words behind them would walk
        return ((" speed  ", Tone.MUTED), (f"{words}  ", Tone.PLAIN), (bars, Tone.ACCENT))

    def _numbers(self, width: int) -> str:
        if self._row is None:
            return ""
        progress = self._row.progress
        moved = "sent" if self._row.request.direction is Direction.PUSH else "received"
        total = f" of {text.size_text(progress.bytes_total)}" if progress.bytes_total else ""
        counted = progress.files if width >= WIDE_CELLS else None
        facts = {
            "moved": f"{moved} {text.size_text(progress.bytes_done)}{total}",
            "files": f"files {counted.done:,} of {len(counted):,}" if counted else "",
            "retries": f"retries {progress.retries}",
            "elapsed": f"elapsed {clock_text(progress.elapsed_s)}",
            "eta": f"eta {clock_text(progress.eta_s)}" if progress.eta_s is not None else "",
        }
        for name in ("elapsed", "retries") if progress.retries else ("retries", "elapsed"):
            if len(_joined(facts)) <= width:
                break
            facts[name] = ""
        return _joined(facts)


def _joined(facts: Mapping[str, str]) -> str:
    return " " + "   ".join(words for words in facts.values() if words)
