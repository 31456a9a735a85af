"""Many people in one process, a few stores, one registry, few versions: everything meets everything, many times.

What a team of processes does in minutes (test_soak_team), without the kills and without the cost of starting programs.
"""

import random
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import pytest

from modelsync.errors import ModelsyncError
from modelsync.model import Direction, UploadStatus
from modelsync.registry.retry import Backoff
from modelsync.sync import Sides, pull, push, verify
from modelsync.sync.giving_up import give_up
from modelsync.tag import Tag
from modelsync.transfer.control import Control
from modelsync.transfer.retry import RetryPolicy
from support.fault_bench import Bench
from support.local_store import left_in_tmp
from support.registry_server import model_path, presign_get
from support.soaking import check_words, rounds
from support.team_bed import CALLS, DOWN, UP, Harm
from support.team_contents import Contents, MiB

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]

HOMES = ("ann", "bob", "cem")
PEOPLE_EACH = 3
ACTS = 60
TAGS = [Tag(name, f"v{number}") for name in ("a", "b.c") for number in range(3)]
PATIENT = RetryPolicy(tries=6, base_s=0.001, max_s=0.01)
BACKOFF = Backoff(tries=6, unheard_tries=6, first_s=0.001, longest_s=0.01)

OF_A_CROWD = frozenset(
    {
        "Cancelled",
        "Paused",
        "LocalModelNotFoundError",
        "RemoteModelNotFoundError",
        "StoreLockedError",
        "UploadInProgressError",
        "SourceChangedError",
        "RemoteChangedError",
        "TransferError",
    }
)
"""What happens to people who work on the same versions at the same time."""
MEANWHILE = ("meanwhile", "cannot be read: No such file or directory")
"""Words of a StoreError when somebody else has put a version into the store, or has deleted it."""


@dataclass(slots=True)
class Crowd:
    """The stores, the registry, and what was written and seen."""

    bench: Bench
    contents: Contents = field(default_factory=Contents)
    seen: Counter[str] = field(default_factory=Counter)
    wrong: list[BaseException] = field(default_factory=list)
    calm: bool = False
    """Whether there is no harm: then only the others can be in the way."""

    def path(self, home: str, tag: Tag) -> Path:
        return self.bench.folder / home / "models" / tag.name / tag.version

    def check(self, home: str, tag: Tag) -> None:
        self.contents.in_directory(self.path(home, tag), str(tag))

    def archive(self, tag: Tag) -> bytes | None:
        url = presign_get(self.bench.server.api, model_path(tag.name, tag.version))
        answer = httpx.get(url.replace(self.bench.proxy.url, self.bench.server.url), trust_env=False)
        return answer.content if answer.status_code == 200 else None

    def look(self, sides: Sides, tag: Tag) -> None:
        """What the registry calls uploaded is whole."""
        record = sides.registry.model(tag)
        if record is not None and record.status is UploadStatus.SUCCESS:
            data = self.archive(tag)
            assert data is not None, f"{tag} is called uploaded, and there is no object"
            self.contents.in_archive(data, str(tag))

    def write(self, home: str, tag: Tag, luck: random.Random) -> None:
        """A new content where the store has none; another may be faster."""
        fresh = self.bench.folder / f"made-{luck.getrandbits(64):x}"
        self.contents.write(fresh, str(tag), luck, largest=luck.choice((1, 100_000, 20 * MiB)))
        target = self.path(home, tag)
        with suppress(OSError):
            target.parent.mkdir(parents=True, exist_ok=True)
            fresh.rename(target)


def act(crowd: Crowd, home: str, sides: Sides, luck: random.Random) -> None:
    """One thing that somebody does."""
    tag = luck.choice(TAGS)
    control = Control()
    if luck.random() < 0.25:
        timer = threading.Timer(luck.random() * 0.3, luck.choice((control.cancel, control.pause)))
        timer.daemon = True
        timer.start()
    force = luck.random() < 0.6
    match luck.randrange(14):
        case 0 | 1 | 2 | 3:
            push(tag, sides, force=force, control=control)
        case 4 | 5 | 6 | 7:
            pull(tag, sides, force=force, verify=luck.random() < 0.3, control=control)
        case 8:
            verify(tag, sides, control=control)
        case 9:
            sides.store.delete(tag)
        case 10:
            sides.tidy()
        case 11:
            give_up(luck.choice(list(Direction)), tag, sides)
        case 12:
            crowd.look(sides, tag)
        case _:
            crowd.write(home, tag, luck)
    crowd.check(home, tag)


def live(crowd: Crowd, home: str, sides: Sides, seed: int) -> None:
    """One person's thread."""
    luck = random.Random(seed)
    for _ in range(ACTS):
        try:
            act(crowd, home, sides, luck)
        except ModelsyncError as exc:
            check_words(exc)
            crowd.seen[type(exc).__name__] += 1
            if crowd.calm and type(exc).__name__ not in OF_A_CROWD and not any(map(exc.message.count, MEANWHILE)):
                crowd.wrong.append(exc)
        except httpx.TransportError:
            continue  # the registry was away while we looked
        except BaseException as exc:
            crowd.wrong.append(exc)
            raise


def do_harm(bench: Bench, luck: random.Random) -> None:
    bench.proxy.behave()
    bench.proxy.requests.clear()
    harms: tuple[tuple[str, tuple[Harm, ...]], ...] = (("PUT", UP[:-1]), ("GET", DOWN[:-1]), ("PATCH", CALLS))
    for _ in range(luck.randrange(4)):
        method, choices = luck.choice(harms)
        bench.proxy.misbehave(
            luck.choice(choices)(luck),
            method=method,
            where=lambda request: request.method != "GET" or request.range is not None,
            times=luck.choice((1, 3, 10)),
        )


def settle(crowd: Crowd, sides: dict[str, Sides], luck: random.Random) -> None:
    """Without harm everything can be ended; then nothing is left of it."""
    crowd.bench.proxy.behave()
    for tag in TAGS:
        home = luck.choice(HOMES)
        if sides[home].store.find(tag) is None:
            crowd.write(home, tag, luck)
        push(tag, sides[home], force=True)
        assert verify(tag, sides[home]).verified
        crowd.look(sides[home], tag)
        for other in HOMES:
            pull(tag, sides[other], force=True)
            assert verify(tag, sides[other]).verified
    for home, each in sides.items():
        for journal in each.journals.directory.glob("push-*.journal"):
            journal.unlink()  # of pushes whose content has gone
        each.tidy()
        assert left_in_tmp(crowd.bench.folder / home) == []
        assert each.journals.files() == []
        for tag in TAGS:
            crowd.check(home, tag)
            latest = crowd.path(home, tag).with_name("latest").read_text()
            assert crowd.path(home, Tag(tag.name, latest)).is_dir()


def test_a_crowd_finds_everything_whole(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(patience_s=30.0)
    crowd = Crowd(bench)
    people = {
        home: [
            bench.sides(home, all_through_proxy=True, threads=number + 1, retry=PATIENT, backoff=BACKOFF)
            for number in range(PEOPLE_EACH)
        ]
        for home in HOMES
    }
    for luck in rounds(0.5):
        work = [
            threading.Thread(target=partial(live, crowd, home, sides, luck.getrandbits(32)))
            for home, every in people.items()
            for sides in every
        ]
        crowd.calm = luck.random() < 0.5
        for thread in work:
            thread.start()
        while any(map(threading.Thread.is_alive, work)):
            if not crowd.calm:
                do_harm(bench, luck)
            if not crowd.calm and luck.random() < 0.05:
                bench.server.stop()
                bench.server.start()
            for thread in [thread for thread in work if thread.is_alive()][:1]:
                thread.join(0.5)
        assert crowd.wrong == [], ["".join(traceback.format_exception(exc)) for exc in crowd.wrong]
        settle(crowd, {home: every[0] for home, every in people.items()}, luck)
        print(dict(sorted(crowd.seen.items())))  # noqa: T201 - for whoever looks at it
