"""What the screen's benchmark found: goals met and missed, as text and as a file of raw rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks.screen_run import IDLE, Row
from benchmarks.startup import FRAME_GOAL_S, FRAME_RATIO_MAX

BLOCK_GOAL_MS = 50.0
FIRST_ROWS_GOAL_MS = 100.0
IDLE_GOAL = 0.01
DRAW_GOAL = 0.05
"""Of a core, while a pane that moves is drawn."""


@dataclass(slots=True)
class Found:
    """Everything that was measured."""

    rows: list[Row] = field(default_factory=list)
    frames: tuple[tuple[float, float], ...] = ()
    """Seconds until the first frame, ours and a bare Textual application's."""
    idle_shares: tuple[float, ...] = ()
    """Of one core, in a terminal."""


def text_of(found: Found, facts: Mapping[str, Mapping[str, str]], rows: int) -> str:
    lines = [
        f"{name}: {', '.join(f'{key} {value}'.strip() for key, value in values.items())}"
        for name, values in facts.items()
    ]
    lines += _still(found)
    for shape in dict.fromkeys(row.shape for row in found.rows):
        lines += _shape(shape, [row for row in found.rows if row.shape == shape], rows)
    return "\n".join(lines)


def write(target: Path, text: str, found: Found, facts: Mapping[str, Mapping[str, str]]) -> None:
    """Keeps the table as printed beside the raw rows: TARGET.txt and TARGET.json."""
    target.with_suffix(".txt").write_text(text + "\n")
    record = {
        **facts,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "first_frames_s": [[round(value, 4) for value in pair] for pair in found.frames],
        "idle_shares": [round(value, 4) for value in found.idle_shares],
        "rows": [_raw(row) for row in found.rows],
    }
    target.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")


def _still(found: Found) -> Iterator[str]:
    if found.frames:
        ours, bare = (median(values) for values in zip(*found.frames, strict=True))
        ratio = median(mine / theirs for mine, theirs in found.frames)
        yield f"the program in a terminal of 120x40, {len(found.frames)} starts in turn with a bare Textual application"
        yield _verdict(
            ours <= FRAME_GOAL_S, f"first frame {ours * 1000:.0f} ms, at most {FRAME_GOAL_S * 1000:g} wanted"
        )
        yield _verdict(
            ratio <= FRAME_RATIO_MAX,
            f"{ratio:.2f}x the bare one's {bare * 1000:.0f} ms, at most {FRAME_RATIO_MAX}x wanted",
        )
    if found.idle_shares:
        share = median(found.idle_shares)
        yield _verdict(share < IDLE_GOAL, f"idle: {share:.2%} of a core over 10 s, less than {IDLE_GOAL:.0%} wanted")


def _shape(shape: str, found: Sequence[Row], rows: int) -> Iterator[str]:
    runs = len({row.run for row in found})
    yield (
        f"{rows:,} versions a side, {shape}; worst moment of the event loop in ms, median of {runs} runs (worst); "
        "CPU: time of the loop's thread and of all threads in that moment, what is missing other programs had; "
        "machine: the worst moment of an idle process"
    )
    yield f"  {'':<6}  {'':<24}{'block':>14}{'CPU: loop, all':>16}{'machine':>14}{'done after':>12}"
    for action in dict.fromkeys(row.action for row in found):
        yield from _action(action, [row for row in found if row.action == action])


def _action(action: str, rows: Sequence[Row]) -> Iterator[str]:
    shares = [row.cpu_share for row in rows if row.cpu_share is not None]
    if action == IDLE:
        share = median(shares)
        yield _verdict(
            share < IDLE_GOAL, f"{'idle over 10 s':<24}{share:>13.2%} of a core, less than {IDLE_GOAL:.0%} wanted"
        )
        return
    block = median(row.block_ms for row in rows)
    beside = median(row.machine_ms for row in rows)
    never = sum(not row.done for row in rows)
    yield _verdict(
        block <= BLOCK_GOAL_MS and not never,
        f"{action:<24}"
        f"{f'{block:.0f} ({max(row.block_ms for row in rows):.0f})':>14}"
        f"{f'{median(row.own_ms for row in rows):.0f}, {median(row.process_ms for row in rows):.0f}':>16}"
        f"{f'{beside:.0f} ({max(row.machine_ms for row in rows):.0f})':>14}"
        f"{median(row.until_done_ms for row in rows):>12.0f}"
        f"  at most {BLOCK_GOAL_MS:g} wanted" + (f"; {never} of {len(rows)} never came to an end" if never else ""),
    )
    if shares:
        share = median(shares)
        yield _verdict(
            share < DRAW_GOAL,
            f"{action + ', CPU':<32}{share:>6.1%} of a core for the loop's thread, less than {DRAW_GOAL:.0%} wanted",
        )
    first = [row.first_rows_ms for row in rows if row.first_rows_ms is not None]
    if first:
        yield _verdict(
            median(first) <= FIRST_ROWS_GOAL_MS,
            f"{action + ', first rows':<24}{f'{median(first):.0f} ({max(first):.0f})':>14}"
            f"  after the data's arrival, at most {FIRST_ROWS_GOAL_MS:g} wanted",
        )


def _verdict(met: bool, text: str) -> str:
    return f"  {'ok    ' if met else 'FAILED'}  {text}"


def _raw(row: Row) -> dict[str, object]:
    return {key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(row).items()}
