"""A program of a person who uses the Python API: several transfers at once in one process.

    python -m support.team_program {functions,queue} SEED [["push", "iris:v1", true], ...]

One line of JSON for each transfer; exit code 3 after an exception that is none of modelsync's.
"""

import json
import random
import sys
import threading
import traceback
from contextlib import suppress

import modelsync
from modelsync.credentials import Credentials
from modelsync.paths import Paths
from modelsync.settings import Settings

Wish = tuple[str, str, bool]


def functions(wishes: list[Wish]) -> bool:
    """Each in a thread, by the public functions; whether only our own errors came."""
    good = True

    def move(direction: str, tag: str, force: bool) -> None:
        nonlocal good
        try:
            move_it = modelsync.push if direction == "push" else modelsync.pull
            outcome, error = str(move_it(tag, force=force, threads=3).outcome), None
        except modelsync.ModelsyncError as exc:
            outcome, error = "failed", exc.sentence
        except Exception:  # noqa: BLE001 - what is looked for
            traceback.print_exc()
            good = False
            return
        say(direction, tag, outcome, error)

    threads = [threading.Thread(target=move, args=wish) for wish in wishes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return good


def queue(wishes: list[Wish], luck: random.Random) -> bool:
    """All on one queue, with pauses, resumes, cancels and other numbers of threads; whether all ended."""
    paths = Paths.of_platform()
    settings = Settings.load({}, paths=paths)
    account = Credentials(paths, keyring=settings.keyring).account(None, default=settings.context)
    sides = modelsync.open_sides(settings, account, paths)
    transfers = modelsync.Transfers(sides, running=luck.randrange(1, 5))
    ids = transfers.add(
        modelsync.TransferRequest(modelsync.Direction(direction), modelsync.Tag.parse(tag), force=force)
        for direction, tag, force in wishes
    )
    for _ in range(luck.randrange(20)):
        transfers.wait(luck.random())
        one = luck.choice(ids)
        with suppress(KeyError):
            luck.choice((transfers.pause, transfers.resume, transfers.resume, transfers.cancel, transfers.retry))(one)
        transfers.set_threads(luck.randrange(1, 12))
        transfers.set_limit(luck.choice((None, 1 << 20, 8 << 20)))
    transfers.set_limit(None)
    for one in ids:
        transfers.resume(one)
    if not transfers.wait(300):
        traceback.print_stack()
        return False
    for row in transfers.snapshot().rows:
        say(
            row.request.direction.value,
            str(row.request.tag),
            row.status.value,
            row.error.sentence if row.error else None,
        )
    sides.close()
    return not any(row.error and "unexpected" in row.error.message for row in transfers.snapshot().rows)


def say(direction: str, tag: str, outcome: str, error: str | None) -> None:
    print(json.dumps({"direction": direction, "tag": tag, "outcome": outcome, "error": error}), flush=True)  # noqa: T201


def main() -> int:
    way, seed, wishes = sys.argv[1], int(sys.argv[2]), [tuple(wish) for wish in json.loads(sys.argv[3])]
    good = functions(wishes) if way == "functions" else queue(wishes, random.Random(seed))
    return 0 if good else 3


if __name__ == "__main__":
    sys.exit(main())
