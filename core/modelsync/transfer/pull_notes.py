"""How a pull's journal says what is in the files: facts of a checkpoint, and lines that count until the next boot."""

import base64
import binascii
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from modelsync.archive.checkpoint import Checkpoint
from modelsync.archive.ranges import Ranges
from modelsync.model import Json

NOTED_MEMBERS_MAX_BYTES = 1 << 20
"""A longer table that grew since the last sync is not noted again and again: the next sync writes it."""


def checkpoint_facts(checkpoint: Checkpoint) -> dict[str, Json]:
    """What `read_checkpoint` reads."""
    return {
        "done": [list(item) for item in checkpoint.done],
        "members": base64.b64encode(checkpoint.members).decode("ascii"),
    }


def read_checkpoint(facts: dict[str, Json], lines: Sequence[bytes]) -> Checkpoint:
    """What was synced, and what the last note of this boot has beyond it; raises ValueError, KeyError or TypeError."""
    synced = Checkpoint(_ranges(facts["done"]), read_bytes(facts["members"]))
    for line in reversed(lines):
        with suppress(ValueError, KeyError, TypeError):
            note: Json = json.loads(line)
            if not isinstance(note, dict) or note["boot_id"] != boot_id():
                continue
            done = Ranges((*synced.done, *_ranges(note["done"])))
            return Checkpoint(tuple(done), read_bytes(note["members"]) if "members" in note else synced.members)
    return synced


def note_line(checkpoint: Checkpoint, known: bytes) -> bytes:
    """A line for what is in the files; empty where it would be too long. `known`: the members of the header."""
    facts = checkpoint_facts(checkpoint)
    if checkpoint.members == known:
        del facts["members"]
    elif len(checkpoint.members) > NOTED_MEMBERS_MAX_BYTES:
        return b""
    return json.dumps({"boot_id": boot_id(), **facts}).encode() + b"\n"


def boot_id() -> str:
    """Names this boot of the machine; a new one for each process where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"unknown-{os.getpid()}"


def read_number(value: Json) -> int:
    """Raises TypeError for what is no count."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError("number")
    return value


def read_bytes(value: Json) -> bytes:
    """Raises TypeError or ValueError for what is no base64."""
    if not isinstance(value, str):
        raise TypeError("base64")
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as exc:
        raise ValueError("base64") from exc


def _ranges(value: Json) -> tuple[tuple[int, int], ...]:
    if not isinstance(value, list):
        raise TypeError("ranges")
    return tuple(_range(item) for item in value)


def _range(value: Json) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2:
        raise TypeError("range")
    return read_number(value[0]), read_number(value[1])
