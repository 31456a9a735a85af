"""One process, and one thread of it, works on a version at a time; the second is told who does."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from modelsync.errors import StoreLockedError
from modelsync.store import ModelStore
from modelsync.store.lock import TIDIED_WITHIN_S, FileLock
from modelsync.store.place import StagePlace
from modelsync.tag import Tag
from support.local_store import install, latest, write_model

IRIS = Tag("iris", "v1")

HOLD = """
import sys
from pathlib import Path
from modelsync.store import ModelStore
from modelsync.tag import Tag
with ModelStore(Path(sys.argv[1])).new_stage(Tag.parse(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process_works_on(home: Path, tag: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(home), tag]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    try:
        yield process
    finally:
        process.communicate()


def test_a_second_process_is_told_who_works_on_the_version(tmp_path: Path) -> None:
    write_model(tmp_path, "iris:v1")
    store = ModelStore(tmp_path)
    with another_process_works_on(tmp_path, "iris:v1") as other:
        for act in (store.new_stage, store.delete, store.lock):
            with pytest.raises(StoreLockedError, match="iris:v1 is being worked on by") as caught:
                act(IRIS)
            assert f"process {other.pid} on {os.uname().nodename}, since 20" in caught.value.message
            assert caught.value.hint
        store.new_stage(Tag("iris", "v2")).__exit__(None, None, None)
        assert store.clean_stages() == 0
    store.delete(IRIS)


def test_a_second_thread_is_refused_too(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    refused: list[StoreLockedError] = []

    def try_it() -> None:
        try:
            store.lock(IRIS)
        except StoreLockedError as error:
            refused.append(error)

    with store.lock(IRIS):
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
    assert len(refused) == 1
    store.lock(IRIS).release()


def test_who_holds_a_lock_for_a_moment_turns_nobody_away(tmp_path: Path) -> None:
    """As the start of another program does, which looks what killed ones have left."""
    store = ModelStore(tmp_path)
    looks = store.lock(IRIS)
    threading.Timer(0.03, looks.release).start()
    store.lock(IRIS).release()


def test_tidying_does_not_wait_for_versions_that_are_worked_on(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    tags = [Tag("iris", f"v{number}") for number in range(20)]
    with ExitStack() as stages:
        for tag in tags:
            stages.enter_context(store.new_stage(tag))
        began = time.monotonic()
        assert store.clean_stages() == 0
        assert time.monotonic() - began < len(tags) * TIDIED_WITHIN_S / 2


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    with another_process_works_on(tmp_path, "iris:v1") as other:
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert list((tmp_path / "tmp" / ".modelsync-locks").iterdir())
    store = ModelStore(tmp_path)
    assert store.clean_stages() == 1
    assert list((tmp_path / "tmp" / ".modelsync-locks").iterdir()) == []
    store.lock(IRIS).release()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', "\x00"])
def test_a_lock_file_that_says_nothing_is_still_a_lock(tmp_path: Path, text: str) -> None:
    store = ModelStore(tmp_path)
    with store.lock(IRIS):
        (path,) = (tmp_path / "tmp" / ".modelsync-locks").iterdir()
        path.write_text(text)
        with pytest.raises(StoreLockedError, match="by another process"):
            store.lock(IRIS)


def test_a_freed_lock_leaves_no_file(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    lock = store.lock(IRIS)
    lock.release()
    lock.release()
    assert list((tmp_path / "tmp" / ".modelsync-locks").iterdir()) == []


def test_many_threads_never_hold_one_lock_together(tmp_path: Path) -> None:
    holders: list[int] = []
    most: list[int] = []

    def take_turns() -> None:
        for _ in range(200):
            lock = FileLock(tmp_path / "one.lock")
            if lock.try_acquire():
                holders.append(1)
                most.append(len(holders))
                holders.pop()
                lock.release()

    threads = [threading.Thread(target=take_turns) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}
    assert list(tmp_path.iterdir()) == []


def test_versions_of_one_name_may_arrive_side_by_side(tmp_path: Path) -> None:
    stores = [ModelStore(tmp_path) for _ in range(8)]

    def work(number: int) -> None:
        for _ in range(5):
            install(stores[number], f"iris:v{number}", days=number)
            stores[number].delete(Tag("iris", f"v{number}"))
        install(stores[number], f"iris:v{number}", days=number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [model.tag.version for model in stores[0].versions("iris")] == [f"v{number}" for number in range(8)]
    assert latest(stores[0]) == "v7"


def test_a_place_to_stage_in_is_found_while_others_delete_the_last_version_of_the_name(tmp_path: Path) -> None:
    place = StagePlace(tmp_path, tmp_path / "models")
    folder = tmp_path / "models" / "iris"
    folder.mkdir(parents=True)
    ended = threading.Event()

    def come_and_go() -> None:
        while not ended.is_set():
            folder.rmdir()
            folder.mkdir()

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        assert {place.root("iris") for _ in range(1000)} == {tmp_path / "tmp"}
    finally:
        ended.set()
        thread.join()


def test_a_store_whose_place_cannot_be_looked_at_is_left_alone(tmp_path: Path) -> None:
    assert ModelStore(tmp_path / ("x" * 300)).clean_stages() == 0
