"""Pushes and pulls that go on after a pause, a failure or kill -9."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from modelsync.errors import Cancelled, NotFoundError, StoreLockedError, UploadInProgressError
from modelsync.model import Direction, UploadStatus
from modelsync.results import Outcome
from modelsync.store import ModelStore
from modelsync.sync import Sides, pull, push
from modelsync.tag import Tag
from modelsync.transfer.control import Control, Paused
from modelsync.transfer.journal import Journals
from modelsync.transfer.progress import Progress
from support.local_store import read_tree, write_model
from support.registry_server import TOKEN, TOM_TOKEN, RegistryServer, client, json_of, model_path, put_object
from support.two_sides import SidesFactory
from support.waiting import wait_for

TAG = Tag("iris", "v1")
MiB = 1 << 20
SIZE = 96 * MiB


def iris(home: Path, size: int = SIZE) -> Path:
    return write_model(home, "iris:v1", files={"a.bin": os.urandom(size // 2), "b.bin": os.urandom(size // 2)})


def at(condition: Callable[[], object], act: Callable[[], object]) -> None:
    def watch() -> None:
        wait_for(condition, within_s=60)
        act()

    threading.Thread(target=watch, daemon=True).start()


def pause_push_at(sides: Sides, moved: int) -> Progress:
    """Pushes until so many bytes have gone, then pauses; returns its progress."""
    control, progress = Control(), Progress()
    sides.workers.bandwidth.limit = 32 * MiB
    at(lambda: progress.bytes_moved >= moved, control.pause)
    with pytest.raises(Paused):
        push(TAG, sides, control=control, progress=progress)
    sides.workers.bandwidth.limit = None
    return progress


def pause_pull_at(sides: Sides, moved: int) -> Progress:
    control, progress = Control(), Progress()
    sides.workers.bandwidth.limit = 32 * MiB
    at(lambda: progress.bytes_moved >= moved, control.pause)
    with pytest.raises(Paused):
        pull(TAG, sides, control=control, progress=progress)
    sides.workers.bandwidth.limit = None
    return progress


def status_of(sides: Sides) -> UploadStatus:
    found = sides.registry.model(TAG)
    assert found is not None
    return found.status


def journals_of(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "state").glob("*.journal"))


def test_a_paused_push_goes_on_from_its_finished_parts(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    sides = make_sides(registry_server)
    model = iris(tmp_path / "home")
    pause_push_at(sides, 60 * MiB)
    assert status_of(sides) is UploadStatus.UPLOADING
    result = push(TAG, sides)
    assert (result.outcome, result.resumed, result.warnings) == (Outcome.PUSHED, True, ())
    assert result.bytes_moved < 0.75 * result.bytes_total
    assert journals_of(tmp_path) == []
    other = make_sides(registry_server, "other")
    assert read_tree(pull(TAG, other).path) == read_tree(model)


def test_a_paused_pull_goes_on_from_what_is_in_its_stage(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    model = iris(tmp_path / "author")
    push(TAG, make_sides(registry_server, "author"))
    sides = make_sides(registry_server)
    pause_pull_at(sides, 60 * MiB)
    assert not any((tmp_path / "home/models").glob("*/*"))
    result = pull(TAG, sides)
    assert (result.outcome, result.resumed, result.warnings) == (Outcome.PULLED, True, ())
    assert result.bytes_moved < 0.6 * result.bytes_total
    assert read_tree(result.path) == read_tree(model)
    assert journals_of(tmp_path) == []


def test_a_push_whose_files_changed_says_which_and_starts_again(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    sides = make_sides(registry_server)
    model = iris(tmp_path / "home")
    pause_push_at(sides, 40 * MiB)
    (model / "b.bin").write_bytes(os.urandom(SIZE // 2))
    result = push(TAG, sides)
    assert (result.outcome, result.resumed) == (Outcome.PUSHED, False)
    assert "'b.bin' changed" in result.warnings[0]
    assert result.bytes_moved == result.bytes_total
    assert read_tree(pull(TAG, make_sides(registry_server, "other")).path) == read_tree(model)


def test_a_push_whose_upload_the_store_forgot_starts_again_and_says_so(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    sides = make_sides(registry_server)
    model = iris(tmp_path / "home")
    pause_push_at(sides, 40 * MiB)
    journal = journals_of(tmp_path)[0]
    lines = journal.read_bytes().split(b"\n")
    header = json.loads(lines[0])
    header["upload_id"] = "gone"
    journal.write_bytes(b"\n".join([json.dumps(header).encode(), *lines[1:]]))
    result = push(TAG, sides)
    assert (result.outcome, result.resumed) == (Outcome.PUSHED, False)
    assert "started again" in result.warnings[0]
    assert read_tree(pull(TAG, make_sides(registry_server, "other")).path) == read_tree(model)


def test_a_pull_whose_object_was_replaced_starts_again_and_says_so(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    iris(tmp_path / "author")
    author = make_sides(registry_server, "author")
    push(TAG, author)
    sides = make_sides(registry_server)
    pause_pull_at(sides, 40 * MiB)
    model = iris(tmp_path / "author", MiB)
    push(TAG, author, force=True)
    result = pull(TAG, sides)
    assert (result.outcome, result.resumed) == (Outcome.PULLED, False)
    assert "was replaced in the registry" in result.warnings[0]
    assert read_tree(result.path) == read_tree(model)


def test_a_pull_whose_stage_is_gone_starts_again(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    model = iris(tmp_path / "author")
    push(TAG, make_sides(registry_server, "author"))
    sides = make_sides(registry_server)
    pause_pull_at(sides, 40 * MiB)
    assert sides.store.clean_stages() == 1
    result = pull(TAG, sides)
    assert (result.outcome, result.resumed) == (Outcome.PULLED, False)
    assert read_tree(result.path) == read_tree(model)


def test_a_cancelled_pull_is_forgotten_and_a_cancelled_push_can_go_on(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    sides = make_sides(registry_server)
    iris(tmp_path / "home")
    control, progress = Control(), Progress()
    sides.workers.bandwidth.limit = 32 * MiB
    at(lambda: progress.bytes_moved >= 60 * MiB, control.cancel)
    with pytest.raises(Cancelled):
        push(TAG, sides, control=control, progress=progress)
    assert status_of(sides) is UploadStatus.FAILED
    sides.workers.bandwidth.limit = None
    assert push(TAG, sides).resumed

    other = make_sides(registry_server, "other", state="other-state")
    control, progress = Control(), Progress()
    other.workers.bandwidth.limit = 32 * MiB
    at(lambda: progress.bytes_moved >= 40 * MiB, control.cancel)
    with pytest.raises(Cancelled):
        pull(TAG, other, control=control, progress=progress)
    assert not list((tmp_path / "other-state").glob("*.journal"))
    assert other.store.clean_stages() == 0


def test_a_journal_of_another_format_or_store_is_set_aside(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    sides = make_sides(registry_server)
    iris(tmp_path / "home", 40 * MiB)
    pause_push_at(sides, 20 * MiB)
    journal = journals_of(tmp_path)[0]
    first, *others = journal.read_bytes().split(b"\n")
    facts = json.loads(first) | {"format": 99}
    journal.write_bytes(b"\n".join([json.dumps(facts).encode(), *others]))
    with pytest.raises(UploadInProgressError):
        push(TAG, sides)
    result = push(TAG, sides, force=True)
    assert (result.outcome, result.resumed) == (Outcome.PUSHED, False)
    assert len(list((tmp_path / "state").glob("*.set-aside"))) == 1


def test_a_torn_last_line_of_a_journal_costs_one_part(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    sides = make_sides(registry_server)
    model = iris(tmp_path / "home")
    pause_push_at(sides, 60 * MiB)
    journal = journals_of(tmp_path)[0]
    journal.write_bytes(journal.read_bytes()[:-20])
    result = push(TAG, sides)
    assert result.resumed
    assert read_tree(pull(TAG, make_sides(registry_server, "other")).path) == read_tree(model)


def test_a_journal_left_here_does_not_make_a_colleagues_later_upload_ours(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    sides = make_sides(registry_server)
    iris(tmp_path / "home")
    pause_push_at(sides, 60 * MiB)
    with client(registry_server.url, TOM_TOKEN) as tom:
        json_of(tom.patch(model_path("iris", "v1") + "/start_upload"))
    with pytest.raises(UploadInProgressError, match="is uploading it since"):
        push(TAG, sides)
    with pytest.raises(UploadInProgressError):
        push(TAG, sides, begun=True)
    assert push(TAG, sides, force=True).resumed


def test_a_push_that_was_paused_twice_is_still_known_as_ones_own(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    sides = make_sides(registry_server)
    iris(tmp_path / "home")
    pause_push_at(sides, 30 * MiB)
    pause_push_at(sides, 30 * MiB)
    assert push(TAG, sides).resumed


def test_a_journal_that_does_not_say_when_its_upload_began_needs_force_and_keeps_its_parts(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    sides = make_sides(registry_server)
    iris(tmp_path / "home")
    pause_push_at(sides, 60 * MiB)
    journal = journals_of(tmp_path)[0]
    header, *parts = journal.read_bytes().split(b"\n")
    older = {name: value for name, value in json.loads(header).items() if name != "start"}
    journal.write_bytes(b"\n".join([json.dumps(older).encode(), *parts]))
    with pytest.raises(UploadInProgressError):
        push(TAG, sides)
    assert push(TAG, sides, force=True).resumed


def test_a_second_push_of_the_same_version_on_this_machine_is_told_who_has_it(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    sides = make_sides(registry_server)
    iris(tmp_path / "home", 10 * MiB)
    with (
        sides.journals.open(sides.journal_key(Direction.PUSH, TAG)),
        pytest.raises(StoreLockedError, match=str(os.getpid())),
    ):
        push(TAG, sides)


def test_a_push_that_another_process_finished_while_this_one_waited_for_the_journal_sends_nothing(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    """The second looks again when it has the lock: the version is there by then."""
    iris(tmp_path / "home", 24 * MiB)
    one, two = make_sides(registry_server), make_sides(registry_server)
    one.workers.bandwidth.limit = 8 * MiB
    progress = Progress()
    thread = threading.Thread(target=lambda: push(TAG, one, progress=progress))
    thread.start()
    wait_for(lambda: progress.bytes_moved > MiB)
    with pytest.raises(StoreLockedError):
        push(TAG, two, force=True)
    one.workers.bandwidth.limit = None
    thread.join(30)
    result = push(TAG, two)
    assert (result.outcome, result.bytes_moved) == (Outcome.SKIPPED, 0)
    assert journals_of(tmp_path) == []


def test_what_was_given_up_is_tidied_and_what_can_go_on_is_kept(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    iris(tmp_path / "author", 40 * MiB)
    push(TAG, make_sides(registry_server, "author"))
    sides = make_sides(registry_server)
    pause_pull_at(sides, 20 * MiB)
    sides.tidy()
    assert len(journals_of(tmp_path)) == 1
    journal = journals_of(tmp_path)[0]
    week_ago = journal.stat().st_mtime - 8 * 24 * 3600
    os.utime(journal, (week_ago, week_ago))
    sides.tidy()
    assert journals_of(tmp_path) == []
    assert sides.store.clean_stages() == 0  # it is gone already


_CHILD = """
import sys
import tarfile
from pathlib import Path
from modelsync.account import Account, Context, Token, TokenSource
from modelsync.registry.client import Registry
from modelsync.store import ModelStore
from modelsync.sync import Sides, pull, push
from modelsync.tag import Tag
from modelsync.transfer.bandwidth import Bandwidth
from modelsync.transfer.data import DataClient
from modelsync.transfer.journal import Journals
from modelsync.transfer.progress import Progress
from modelsync.transfer.watch import watching
from modelsync.transfer.workers import Workers

what, url, token, home, state = sys.argv[1:]
sides = Sides(
    ModelStore(Path(home)),
    Registry(Account(Context("test", url), Token(token), TokenSource.SESSION)),
    Workers(4, Bandwidth(48 << 20)),
    DataClient(),
    Journals(Path(state)),
)
progress = Progress()
with watching(progress, lambda now: print(now.bytes_done, flush=True), 0.02):
    {"push": push, "pull": pull}[what](Tag.parse("iris:v1"), sides, progress=progress)
"""


def run_and_kill(what: str, url: str, home: Path, state: Path, at_bytes: int) -> None:
    """Runs a transfer in a process of its own and kills it with SIGKILL when so many bytes are done."""
    command = [sys.executable, "-c", _CHILD, what, url, TOKEN, str(home), str(state)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if int(line) >= at_bytes:
                child.send_signal(signal.SIGKILL)
                break
    assert child.returncode == -signal.SIGKILL, "it ended before it could be killed"


def test_a_push_that_was_killed_at_half_sends_little_more_than_the_other_half(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    model = iris(tmp_path / "home", 320 * MiB)
    run_and_kill("push", registry_server.url, tmp_path / "home", tmp_path / "state", 180 * MiB)
    sides = make_sides(registry_server)
    result = push(TAG, sides)
    assert (result.outcome, result.resumed) == (Outcome.PUSHED, True)
    assert result.bytes_moved < 0.6 * result.bytes_total
    assert read_tree(pull(TAG, make_sides(registry_server, "other")).path) == read_tree(model)


def test_a_pull_that_was_killed_at_half_fetches_little_more_than_the_other_half(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    model = iris(tmp_path / "author", 320 * MiB)
    push(TAG, make_sides(registry_server, "author"))
    run_and_kill("pull", registry_server.url, tmp_path / "home", tmp_path / "state", 180 * MiB)
    assert ModelStore(tmp_path / "home").scan().models == ()
    result = pull(TAG, make_sides(registry_server))
    assert (result.outcome, result.resumed) == (Outcome.PULLED, True)
    assert result.bytes_moved < 0.6 * result.bytes_total
    assert read_tree(result.path) == read_tree(model)


def test_a_pull_of_an_archive_without_index_goes_on_too(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:

    model = iris(tmp_path / "author")
    push(TAG, make_sides(registry_server, "author"))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(model, arcname="./")
    put_object(registry_server.api, model_path("iris", "v1"), [buffer.getvalue()])
    sides = make_sides(registry_server)
    pause_pull_at(sides, 60 * MiB)
    result = pull(TAG, sides)
    assert (result.outcome, result.resumed) == (Outcome.PULLED, True)
    assert result.bytes_moved < 0.7 * result.bytes_total
    assert read_tree(result.path) == read_tree(model)


def test_nothing_of_a_paused_push_can_be_pulled(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    iris(tmp_path / "home", 40 * MiB)
    pause_push_at(make_sides(registry_server), 20 * MiB)
    answer = httpx.get(
        str(
            registry_server.api.patch(model_path("iris", "v1") + "/presign_download_url").json()[
                "presigned_download_url"
            ]
        ),
        trust_env=False,
    )
    assert answer.status_code == 404


def test_a_push_of_a_version_that_is_gone_since_is_not_found(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    sides = make_sides(registry_server)
    iris(tmp_path / "home", 40 * MiB)
    pause_push_at(sides, 20 * MiB)
    sides.store.delete(TAG)
    with pytest.raises(NotFoundError):
        push(TAG, sides)


@pytest.mark.parametrize("text", ["rubbish", "7", "[]", '"x"', '{"direction": "pull", "stage": 7}'])
def test_a_file_that_is_no_journal_names_no_stage(text: str, tmp_path: Path) -> None:
    (tmp_path / "pull-x.journal").write_text(text)
    assert Journals(tmp_path).stages() == ()
