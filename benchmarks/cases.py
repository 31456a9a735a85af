"""What is measured: every case with its bed, its contenders and the goals that it is held to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from benchmarks.contenders import BENTOML, CURL

CURL_TAR = f"{CURL} | tar x"


class Direction(StrEnum):
    PUSH = "push"
    PULL = "pull"


class Bed(StrEnum):
    """What stands behind the registry."""

    SINK = "a sink"
    SINK_MD5 = "a sink that answers real MD5s"
    NGINX = "nginx on tmpfs"
    OWN = "modelsync-registry, its own directory"


class Archive(StrEnum):
    """Who made the archive that is pulled."""

    OURS = "ours"
    BENTOML = "bentoml's"


@dataclass(frozen=True, slots=True)
class Faster:
    """Wall time of a peer over ours, pair by pair."""

    than: str
    times: float


@dataclass(frozen=True, slots=True)
class CpuAtMost:
    """Our user and system seconds for each GiB of the model."""

    seconds_per_gib: float


@dataclass(frozen=True, slots=True)
class CpuShareAtMost:
    """Our CPU over a peer's, pair by pair."""

    of: str
    share: float


@dataclass(frozen=True, slots=True)
class MemoryAtMost:
    """Our whole process at its peak, in any run."""

    mib: float


@dataclass(frozen=True, slots=True)
class WritesAtMost:
    """Bytes we wrote to disk, in sizes of the model, in any run; records of a few KiB do not count."""

    copies: float


Goal = Faster | CpuAtMost | CpuShareAtMost | MemoryAtMost | WritesAtMost

PUSH_DISK = WritesAtMost(0)
PULL_DISK = WritesAtMost(1)
MEMORY = MemoryAtMost(64)


@dataclass(frozen=True, slots=True)
class Case:
    """One table of the report."""

    name: str
    direction: Direction
    model: str
    """A key of `models.MAKERS`."""
    bed: Bed
    peers: tuple[str, ...]
    goals: tuple[Goal, ...]
    archive: Archive = Archive.OURS
    verify: bool = True
    """Push: whether ours compares each part's MD5 with its ETag."""
    sync: bool = True
    """Pull: whether ours syncs what it installs, and peers are followed by `sync -f`."""


CASES = (
    Case(
        "push-onefile",
        Direction.PUSH,
        "onefile",
        Bed.SINK,
        (BENTOML, CURL),
        (Faster(BENTOML, 15), Faster(CURL, 1.5), CpuAtMost(0.4), MEMORY, PUSH_DISK),
        verify=False,
    ),
    Case(
        "push-onefile-verified",
        Direction.PUSH,
        "onefile",
        Bed.SINK_MD5,
        (BENTOML,),
        (Faster(BENTOML, 4), CpuAtMost(2.0), MEMORY, PUSH_DISK),
    ),
    Case(
        "push-manyfiles",
        Direction.PUSH,
        "manyfiles",
        Bed.SINK,
        (BENTOML,),
        (Faster(BENTOML, 10), MEMORY, PUSH_DISK),
        verify=False,
    ),
    Case("push-mixed", Direction.PUSH, "mixed", Bed.SINK, (BENTOML,), (MEMORY, PUSH_DISK), verify=False),
    Case("push-onefile-own", Direction.PUSH, "onefile", Bed.OWN, (BENTOML,), (MEMORY, PUSH_DISK)),
    Case(
        "pull-onefile",
        Direction.PULL,
        "onefile",
        Bed.NGINX,
        (BENTOML, CURL),
        (Faster(BENTOML, 12), Faster(CURL, 1.7), CpuAtMost(1.2), CpuShareAtMost(BENTOML, 0.1), MEMORY, PULL_DISK),
        sync=False,
    ),
    Case(
        "pull-onefile-foreign",
        Direction.PULL,
        "onefile",
        Bed.NGINX,
        (BENTOML, CURL),
        (Faster(BENTOML, 10), Faster(CURL, 1.3), MEMORY, PULL_DISK),
        archive=Archive.BENTOML,
        sync=False,
    ),
    Case(
        "pull-onefile-synced",
        Direction.PULL,
        "onefile",
        Bed.NGINX,
        (BENTOML, CURL),
        (Faster(BENTOML, 10), Faster(CURL, 1.0), MEMORY, PULL_DISK),
    ),
    Case(
        "pull-manyfiles",
        Direction.PULL,
        "manyfiles",
        Bed.NGINX,
        (BENTOML, CURL_TAR),
        (Faster(BENTOML, 12), Faster(CURL_TAR, 3), MEMORY, PULL_DISK),
        sync=False,
    ),
    Case("pull-mixed", Direction.PULL, "mixed", Bed.NGINX, (BENTOML,), (MEMORY, PULL_DISK), sync=False),
    Case("pull-onefile-own", Direction.PULL, "onefile", Bed.OWN, (BENTOML,), (MEMORY, PULL_DISK)),
)
