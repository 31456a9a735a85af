"""A team at one registry, everything killed now and then: what is anywhere is whole, and exit codes tell the truth."""

import json
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from modelsync.transfer.journal import Journals
from support.command import Command
from support.leaks import SIGNATURES, files_with
from support.real_bentoml import RealBentoml
from support.registry_server import TOKEN
from support.seaweed import SeaweedFS
from support.soaking import rounds
from support.team_bed import team_bed
from support.team_contents import Contents
from support.team_runs import Log, Machine, Run
from support.waiting import POLL_S, wait_for

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]

MACHINES = 4
RUNS_EACH = 2
BENTOML_MACHINE = "machine-3"
"""Where the real client works as well, which nobody kills and which has its store for itself then."""
ROUND_S = 180.0
SETTLES_WITHIN_S = 900.0
NAMES = ("alpha", "beta.x", "c-1")
TAGS = [f"{name}:v{number}" for name in NAMES for number in range(1, 5)]


def next_run(log: Log, machine: Machine, luck: random.Random, *, alone: bool) -> Run | None:
    """What someone at this machine does next; None where it is done at once."""
    tags = luck.sample(TAGS, luck.choice((1, 1, 1, 2, 3)))
    here = machine.tags()
    missing = [tag for tag in TAGS if tag not in here]
    if alone and missing and luck.random() < 0.5:
        machine.write(log.contents, luck.choice(missing), luck)
        return None
    if machine.command.folder.name == BENTOML_MACHINE:
        if not alone:
            return None
        if luck.random() < 0.4:
            direction = luck.choice(("push", "pull"))
            tag = luck.choice(here or TAGS if direction == "push" else TAGS)
            return log.launch(machine, f"bentoml {direction}", ["models", direction, tag, "--force"], [tag])
    force = ["--force"] if luck.random() < 0.5 else []
    speed = luck.choice(([], [], ["--threads", str(luck.randrange(1, 20))], ["--bandwidth", "3MiB/s"]))
    match luck.choice(("push",) * 6 + ("pull",) * 6 + ("api",) * 3 + ("delete",) * 2 + ("verify", "ls", "status")):
        case "push":
            tags = luck.sample(here, min(len(here), len(tags))) or tags
            words = ["push", "--json", *force, *speed, *luck.choice(([], [], [], ["--no-verify"])), *tags]
            if "--no-verify" in words and log.bed.strategy != "proxy":
                words.remove("--no-verify")  # a part that was harmed on its way would stay so
            return log.start(machine, "push", words, tags, luck)
        case "pull":
            words = ["pull", "--json", *force, *speed, *luck.choice(([], ["--verify"])), *tags]
            return log.start(machine, "pull", words, tags, luck)
        case "api":
            tags = luck.sample(TAGS, luck.randrange(2, 6))
            wishes = [[luck.choice(("push", "pull")), tag, luck.random() < 0.5] for tag in tags]
            way = luck.choice(("functions", "queue"))
            return log.start(machine, "api", [way, str(luck.randrange(1 << 30)), json.dumps(wishes)], tags, luck)
        case "delete":
            return log.start(machine, "delete", ["delete", "--json", "--yes", *tags], tags, luck)
        case "verify":
            return log.start(machine, "verify", ["verify", "--json", *tags], tags, luck)
        case "ls":
            return log.start(machine, "ls", ["ls", luck.choice(("local", "remote")), "--json"], (), luck)
        case _:
            return log.start(machine, "status", [luck.choice(("status", "history")), "--json"], (), luck)


def look_at_one(log: Log, luck: random.Random) -> None:
    """A version that the registry calls uploaded can be had whole, whatever happens to others meanwhile."""
    found = [tag for tag, status in log.bed.listed().items() if status == "success"]
    if found:
        tag = luck.choice(found)
        log.contents.in_archive(log.bed.archive(tag), tag)


def work(log: Log, machines: list[Machine], luck: random.Random) -> None:
    """For the time of a round everybody works and everything has trouble."""
    running: list[Run] = []
    bed = log.bed
    ends_at = time.monotonic() + ROUND_S
    trouble_at, kill_at, look_at = ends_at - ROUND_S, time.monotonic() + 15, time.monotonic() + 3
    while (now := time.monotonic()) < ends_at or running:
        for run in [run for run in running if run.poll()]:
            running.remove(run)
            log.check_end(run)
            log.forget_old()
        if now < ends_at:
            machine = luck.choice(machines)
            busy = [run for run in running if run.machine is machine]
            if len(busy) < RUNS_EACH:
                begun = next_run(log, machine, luck, alone=not busy)
                running += [begun] if begun else []
        if now > trouble_at:
            trouble_at = now + luck.random() * 8
            bed.misbehave(luck)
        if now > kill_at and now < ends_at:
            kill_at = now + luck.choice((5, 20, 40))
            if bed.seaweed is not None and luck.random() < 0.3:
                bed.seaweed.kill()
                bed.seaweed.start()
            else:
                bed.kill()
                wait_until(now + luck.choice((0, 0.2, 3)))
                bed.start()
        if now > look_at:
            look_at = now + 3
            with suppress(httpx.TransportError):
                look_at_one(log, luck)
        wait_until(time.monotonic() + 2 * POLL_S)


def wait_until(moment: float) -> None:
    wait_for(lambda: time.monotonic() > moment, within_s=60)


def to_end(log: Log, machine: Machine, kind: str, *words: str, tags: tuple[str, ...] = ()) -> list[dict[str, object]]:
    """One run without trouble; what it said."""
    run = log.launch(machine, kind, [*words, "--json"], tags)
    wait_for(run.poll, within_s=SETTLES_WITHIN_S, what=str(run))
    said = run.out.read_text(), run.err.read_text()
    assert run.process.returncode == 0, f"{run}: {said}"
    records = [json.loads(line) for line in said[0].splitlines()]
    log.check_end(run)
    return records


def settle(log: Log, machines: list[Machine], luck: random.Random) -> None:
    """Everything that was cut short is ended; then nothing is left of it anywhere."""
    bed = log.bed
    bed.behave()
    if bed.seaweed is not None:
        bed.seaweed.heal()
    bed.start()
    for tag, status in bed.listed().items():
        holder = next((machine for machine in machines if tag in machine.tags()), None)
        if status != "success" and holder is not None:
            to_end(log, holder, "push", "push", "--force", tag, tags=(tag,))
    for machine in machines:
        for left in to_end(log, machine, "status", "status"):
            tag, direction = str(left["tag"]), str(left["direction"])
            assert not str(left["state"]).startswith("runs"), left
            if direction == "push" and tag in machine.tags():
                to_end(log, machine, "push", "push", "--force", tag, tags=(tag,))
            elif direction == "pull" and bed.status_of(tag) == "success":
                to_end(log, machine, "pull", "pull", "--force", tag, tags=(tag,))
            else:
                journals = Journals(machine.command.folder / "state/journals")
                for path in journals.directory.glob(f"{direction}-{tag.replace(':', '@')}-*.journal"):
                    path.unlink()  # nobody has it any more
        whole = [tag for tag, status in bed.listed().items() if status == "success"]
        if whole:
            tag = luck.choice(whole)
            to_end(log, machine, "pull", "pull", "--force", tag, tags=(tag,))
            (record,) = to_end(log, machine, "verify", "verify", tag, tags=(tag,))
            assert record["verified"]
        assert to_end(log, machine, "status", "status") == []
        machine.check_tidy(log.contents)
        shown = [str(record["tag"]) for record in to_end(log, machine, "ls", "ls", "local")]
        assert sorted(shown) == machine.tags()


def check_registry(log: Log) -> None:
    """What it lists as uploaded is whole, and after a restart there is no blob that nothing names."""
    bed = log.bed
    for tag, status in bed.listed().items():
        if status == "success":
            log.contents.in_archive(bed.archive(tag), tag)
    if bed.seaweed is None:
        bed.kill(signal.SIGTERM)
        bed.start()
        bed.kill(signal.SIGTERM)
        named = "\n".join(path.read_text() for path in (bed.folder / "data").rglob("*.json"))
        assert [path.name for path in (bed.folder / "data/blobs").iterdir() if path.name not in named] == []
        assert list((bed.folder / "data").rglob("*.new")) == []
    assert "Traceback" not in bed.errors, bed.errors[-5000:]
    assert TOKEN not in bed.errors


def check_secrets(machine: Machine) -> None:
    assert files_with(TOKEN, machine.command.folder) == []
    assert not any(signature in machine.command.log for signature in SIGNATURES)


def play(folder: Path, luck: random.Random, seaweed: SeaweedFS | None) -> None:
    """One round."""
    strategy = "presigned_url" if seaweed else luck.choice(("presigned_url", "presigned_url", "none", "proxy"))
    folder.mkdir()
    with team_bed(folder, strategy, seaweed) as bed:
        log = Log(Contents(), bed)
        environ = {"BENTO_CLOUD_API_KEY": TOKEN, "BENTO_CLOUD_API_ENDPOINT": bed.proxy.url}
        machines = []
        for number in range(MACHINES):
            home = folder / f"machine-{number}"
            home.mkdir()
            machines.append(Machine(Command.in_folder(home, **environ)))
        try:
            for machine in machines:
                for tag in luck.sample(TAGS, 3):
                    machine.write(log.contents, tag, luck)
            work(log, machines, luck)
            settle(log, machines, luck)
            for machine in machines:
                check_secrets(machine)
            one = luck.choice(machines)
            assert RealBentoml(one.store).listed() == one.tags()
            check_registry(log)
        finally:
            for run in log.runs:
                if run.process.poll() is None:
                    run.process.kill()
                    run.process.wait()
            print(strategy, dict(sorted(log.counts.items())))  # noqa: T201 - for whoever looks at a failure


def test_a_team_at_a_directory_finds_everything_whole(tmp_path: Path) -> None:
    for number, luck in enumerate(rounds(1)):
        play(tmp_path / f"round-{number}", luck, None)
        remove_round(tmp_path / f"round-{number}")


def test_a_team_at_an_s3_finds_everything_whole(tmp_path: Path, seaweed_of_the_team: Callable[[], SeaweedFS]) -> None:
    for number, luck in enumerate(rounds(0.5)):
        play(tmp_path / f"round-{number}", luck, seaweed_of_the_team())
        remove_round(tmp_path / f"round-{number}")


def remove_round(folder: Path) -> None:
    """A round that went well leaves a gigabyte."""
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


@pytest.fixture
def seaweed_of_the_team(tmp_path: Path) -> Iterator[Callable[[], SeaweedFS]]:
    """A new one for each round: the contents of the last are nobody's."""
    with ExitStack() as opened:
        count = iter(range(1000))

        def make() -> SeaweedFS:
            opened.close()
            folder = tmp_path / f"seaweed-{next(count)}"
            folder.mkdir()
            seaweed = SeaweedFS(folder)
            opened.callback(seaweed.kill)
            return seaweed

        yield make
