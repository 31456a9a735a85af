"""What is measured: every case with its bed, its contenders and the goals that it is held to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from benchmarks.contenders import BENTOML, CURL, HTTPX, LIMIT, S5CMD

CURL_TAR = f"{CURL} | tar x"


class Direction(StrEnum):
    PUSH = "push"
    PULL = "pull"
    FETCH = "fetch"
    """Received and thrown away."""


class Bed(StrEnum):
    """What stands behind the registry."""

    SINK = "a sink"
    SINK_MD5 = "a sink that answers real MD5s, hashed in a run before"
    SINK_TLS = "a sink over TLS"
    NGINX = "nginx on tmpfs"
    NGINX_TLS = "nginx on tmpfs over TLS"
    SLOW_SINK = "a sink through a link that holds each connection to 16 MB/s"
    SLOW_NGINX = "nginx through a link that holds each connection to 16 MB/s"
    SEAWEED = "SeaweedFS behind modelsync-registry"
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
MEMORY_MANY = MemoryAtMost(96)
"""At 100,000 files."""


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
        (BENTOML, CURL, S5CMD, LIMIT),
        (Faster(BENTOML, 15), Faster(CURL, 1.5), Faster(S5CMD, 5), CpuAtMost(0.4), MEMORY, PUSH_DISK),
        verify=False,
    ),
    Case(
        "push-onefile-verified",
        Direction.PUSH,
        "onefile",
        Bed.SINK_MD5,
        (BENTOML, S5CMD, LIMIT),
        (Faster(BENTOML, 4), Faster(S5CMD, 1.3), CpuAtMost(2.0), MEMORY, PUSH_DISK),
    ),
    Case(
        "push-manyfiles",
        Direction.PUSH,
        "manyfiles",
        Bed.SINK,
        (BENTOML, S5CMD, LIMIT),
        (Faster(BENTOML, 10), Faster(S5CMD, 4), MEMORY, PUSH_DISK),
        verify=False,
    ),
    Case(
        "push-onefile-tls",
        Direction.PUSH,
        "onefile",
        Bed.SINK_TLS,
        (BENTOML, CURL, S5CMD),
        (MEMORY, PUSH_DISK),
        verify=False,
    ),
    Case("push-mixed", Direction.PUSH, "mixed", Bed.SINK, (BENTOML,), (MEMORY, PUSH_DISK), verify=False),
    Case("push-hugelist", Direction.PUSH, "hugelist", Bed.SINK, (), (MEMORY_MANY, PUSH_DISK), verify=False),
    Case("push-slow", Direction.PUSH, "slowfile", Bed.SLOW_SINK, (CURL,), (Faster(CURL, 6), MEMORY), verify=False),
    Case(
        "push-onefile-seaweed",
        Direction.PUSH,
        "onefile",
        Bed.SEAWEED,
        (BENTOML, S5CMD),
        (Faster(BENTOML, 1.2), Faster(S5CMD, 1.0), CpuShareAtMost(S5CMD, 0.7), MEMORY, PUSH_DISK),
        verify=False,
    ),
    Case("push-onefile-own", Direction.PUSH, "onefile", Bed.OWN, (BENTOML,), (MEMORY, PUSH_DISK)),
    Case(
        "pull-onefile",
        Direction.PULL,
        "onefile",
        Bed.NGINX,
        (BENTOML, CURL, S5CMD, LIMIT),
        (
            Faster(BENTOML, 12),
            Faster(CURL, 1.7),
            Faster(S5CMD, 1.4),
            CpuAtMost(1.2),
            CpuShareAtMost(BENTOML, 0.1),
            MEMORY,
            PULL_DISK,
        ),
        sync=False,
    ),
    Case(
        "pull-onefile-foreign",
        Direction.PULL,
        "onefile",
        Bed.NGINX,
        (BENTOML, CURL, LIMIT),
        (Faster(BENTOML, 10), Faster(CURL, 1.3), MEMORY, PULL_DISK),
        archive=Archive.BENTOML,
        sync=False,
    ),
    Case(
        "pull-onefile-synced",
        Direction.PULL,
        "onefile",
        Bed.NGINX,
        (BENTOML, CURL, LIMIT),
        (Faster(BENTOML, 10), Faster(CURL, 1.0), MEMORY, PULL_DISK),
    ),
    Case(
        "pull-manyfiles",
        Direction.PULL,
        "manyfiles",
        Bed.NGINX,
        (BENTOML, CURL_TAR, LIMIT),
        (Faster(BENTOML, 12), Faster(CURL_TAR, 3), MEMORY, PULL_DISK),
        sync=False,
    ),
    Case(
        "pull-manyfiles-foreign",
        Direction.PULL,
        "manyfiles",
        Bed.NGINX,
        (CURL_TAR, LIMIT),
        (MEMORY, PULL_DISK),
        archive=Archive.BENTOML,
        sync=False,
    ),
    Case("pull-hugelist", Direction.PULL, "hugelist", Bed.NGINX, (), (MEMORY_MANY,), sync=False),
    Case(
        "pull-hugelist-foreign",
        Direction.PULL,
        "hugelist",
        Bed.NGINX,
        (),
        (MEMORY_MANY,),
        archive=Archive.BENTOML,
        sync=False,
    ),
    Case("pull-slow", Direction.PULL, "slowfile", Bed.SLOW_NGINX, (CURL,), (Faster(CURL, 6), MEMORY), sync=False),
    Case(
        "pull-onefile-seaweed",
        Direction.PULL,
        "onefile",
        Bed.SEAWEED,
        (BENTOML, S5CMD),
        (Faster(BENTOML, 7), Faster(S5CMD, 1.0), MEMORY, PULL_DISK),
        sync=False,
    ),
    Case(
        "fetch-onefile-tls",
        Direction.FETCH,
        "onefile",
        Bed.NGINX_TLS,
        (CURL, HTTPX),
        (Faster(CURL, 1.0), Faster(HTTPX, 2.5), MEMORY),
    ),
    Case("pull-mixed", Direction.PULL, "mixed", Bed.NGINX, (BENTOML,), (MEMORY, PULL_DISK), sync=False),
    Case("pull-onefile-own", Direction.PULL, "onefile", Bed.OWN, (BENTOML,), (MEMORY, PULL_DISK)),
)


def without(case: Case, peer: str) -> Case:
    """The case where a peer cannot be had, with the goals that need no other."""
    goals = tuple(
        goal
        for goal in case.goals
        if not (isinstance(goal, Faster) and goal.than == peer)
        and not (isinstance(goal, CpuShareAtMost) and goal.of == peer)
    )
    return replace(case, peers=tuple(one for one in case.peers if one != peer), goals=goals)
