"""A token that is withdrawn while transfers run: they pause, and a new sign-in goes on from what is finished."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.comparison import Direction
from modelsync.errors import TokenRefusedError, UsageError
from modelsync.history import History
from modelsync.model import UploadStatus
from modelsync.sync import pull, push
from modelsync.tag import Tag
from modelsync.transfers import TransferRequest, Transfers, TransferStatus
from modelsync_registry.config import TransmissionStrategy
from modelsync_registry.tokens import TokenGrant
from support.local_store import read_tree, write_model
from support.registry_server import TOKEN, RegistryFactory, RegistryServer
from support.two_sides import SidesFactory
from support.waiting import wait_for

TAG, LATER, LAST = Tag("iris", "v1"), Tag("iris", "v2"), Tag("iris", "v3")
MiB = 1 << 20
SIZE = 96 * MiB
OLD = "tok-old-0123456789"
HOUR_S = 3600.0
EXPIRES = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def server(make_registry: RegistryFactory) -> RegistryServer:
    """Knows a token that `withdraw` ends, and TOKEN, which it does not; signed addresses outlive both."""
    return make_registry(tokens=tokens(), url_lifetime_s=200 * 366 * 24 * HOUR_S)


def tokens() -> tuple[TokenGrant, ...]:
    return (TokenGrant(token=OLD, user="mia", expires_at=EXPIRES), TokenGrant(token=TOKEN, user="mia"))


def withdraw(server: RegistryServer) -> None:
    server.clock.advance((EXPIRES - server.clock()).total_seconds() + 1)


def account(server: RegistryServer, token: str = TOKEN, organization: str | None = None) -> Account:
    return Account(Context("test", server.url, organization=organization), Token(token), TokenSource.SESSION)


def iris(home: Path, tag: Tag = TAG, size: int = SIZE) -> Path:
    return write_model(home, str(tag), files={"a.bin": os.urandom(size // 2), "b.bin": os.urandom(size // 2)})


def request(direction: Direction, tag: Tag = TAG) -> TransferRequest:
    return TransferRequest(direction, tag)


def withdraw_at(queue: Transfers, server: RegistryServer, moved: int) -> None:
    """Lets the first transfer move so much, then withdraws the token and waits until all have paused."""
    queue.set_limit(32 * MiB)
    wait_for(lambda: queue.snapshot().rows[0].progress.bytes_moved >= moved, within_s=60, what="the first bytes")
    withdraw(server)
    queue.set_limit(None)
    assert queue.wait(60)


def test_a_push_pauses_when_its_token_is_withdrawn_and_goes_on_from_its_finished_parts(
    server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    model = iris(tmp_path / "home")
    sides = make_sides(server, token=OLD)
    queue = Transfers(sides)
    queue.add([request(Direction.PUSH)])
    withdraw_at(queue, server, 50 * MiB)
    snapshot = queue.snapshot()
    assert snapshot.needs_sign_in
    assert snapshot.rows[0].status is TransferStatus.PAUSED
    assert isinstance(snapshot.rows[0].error, TokenRefusedError)

    queue.signed_in(account(server))
    assert queue.wait(60)
    (row,) = queue.snapshot().rows
    assert row.status is TransferStatus.DONE, row.error
    assert row.result is not None
    assert row.result.resumed
    assert row.result.bytes_moved < 0.75 * row.result.bytes_total
    assert not queue.snapshot().needs_sign_in
    remote = sides.registry.model(TAG)
    assert remote is not None
    assert remote.status is UploadStatus.SUCCESS
    assert read_tree(pull(TAG, make_sides(server, "other")).path) == read_tree(model)


def test_a_pull_pauses_and_goes_on_from_what_has_arrived(
    make_registry: RegistryFactory, make_sides: SidesFactory, tmp_path: Path
) -> None:
    """A pull signs its address once: the token is asked for again when that address has expired."""
    server = make_registry(tokens=tokens())
    model = iris(tmp_path / "author")
    push(TAG, make_sides(server, "author"))
    queue = Transfers(make_sides(server, token=OLD, threads=1))  # one range after another
    queue.add([request(Direction.PULL)])
    withdraw_at(queue, server, 50 * MiB)
    assert queue.snapshot().needs_sign_in

    queue.signed_in(account(server))
    assert queue.wait(60)
    (row,) = queue.snapshot().rows
    assert row.status is TransferStatus.DONE, row.error
    assert row.result is not None
    assert row.result.resumed
    assert row.result.bytes_moved < 0.75 * row.result.bytes_total
    assert read_tree(tmp_path / "home/models/iris/v1") == read_tree(model)


def test_a_push_through_the_registry_itself_begins_again_after_a_new_sign_in(
    make_registry: RegistryFactory, make_sides: SidesFactory, tmp_path: Path
) -> None:
    """Nothing of it can be kept, but its own unfinished upload must not stand in its way."""
    server = make_registry(tokens=tokens(), strategy=TransmissionStrategy.PROXY)
    model = iris(tmp_path / "home", size=4 * MiB)
    queue = Transfers(make_sides(server, token=OLD))
    queue.set_limit(MiB)
    queue.add([request(Direction.PUSH)])
    wait_for(lambda: queue.snapshot().rows[0].progress.bytes_moved > 0, within_s=60)
    withdraw(server)  # the upload that runs is through, the look at its status is not
    queue.set_limit(None)
    assert queue.wait(60)
    assert queue.snapshot().needs_sign_in
    queue.signed_in(account(server))
    assert queue.wait(60)
    (row,) = queue.snapshot().rows
    assert row.status in (TransferStatus.DONE, TransferStatus.SKIPPED), row.error
    assert read_tree(pull(TAG, make_sides(server, "other")).path) == read_tree(model)


def test_what_waits_is_held_back_and_goes_on_in_its_order(
    server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    iris(tmp_path / "home")
    for tag in (LATER, LAST):
        iris(tmp_path / "home", tag, MiB)
    ended: list[Tag] = []
    queue = Transfers(make_sides(server, token=OLD), running=1, finished=lambda row: ended.append(row.request.tag))
    queue.add([request(Direction.PUSH, tag) for tag in (TAG, LATER, LAST)])
    withdraw_at(queue, server, 30 * MiB)
    assert [row.status for row in queue.snapshot().rows] == [TransferStatus.PAUSED] * 3
    wait_for(lambda: ended == [TAG])
    queue.signed_in(account(server))
    assert queue.wait(60)
    assert [row.status for row in queue.snapshot().rows] == [TransferStatus.DONE] * 3
    wait_for(lambda: ended == [TAG, TAG, LATER, LAST])


def test_a_second_token_that_is_refused_pauses_again(
    server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    iris(tmp_path / "home", size=MiB)
    queue = Transfers(make_sides(server, token=OLD))
    withdraw(server)
    queue.add([request(Direction.PUSH)])
    assert queue.wait(60)
    queue.signed_in(account(server, "tok-unknown-1"))
    assert queue.wait(60)
    assert queue.snapshot().needs_sign_in
    queue.signed_in(account(server))
    assert queue.wait(60)
    assert [row.status for row in queue.snapshot().rows] == [TransferStatus.DONE]


def test_a_cancel_at_the_moment_of_the_refusal_is_no_pause(
    server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    iris(tmp_path / "home", size=MiB)
    history = History(tmp_path / "history.jsonl")
    queue = Transfers(replace(make_sides(server, token="tok-unknown-0123456789"), history=history))
    with queue._changed:  # so that the run has ended, and the queue does not know it yet
        (transfer,) = queue.add([request(Direction.PUSH)])
        wait_for(history.path.exists, what="the end of the run")
        queue.cancel(transfer)
    assert queue.wait(60)
    assert queue.snapshot().rows[0].status is TransferStatus.CANCELLED


def test_a_transfer_that_a_person_paused_stays_paused(
    server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    iris(tmp_path / "home", size=MiB)
    iris(tmp_path / "home", LATER, MiB)
    queue = Transfers(make_sides(server, token=OLD), running=1, start=lambda _work, _name: None)
    _, later = queue.add([request(Direction.PUSH, tag) for tag in (TAG, LATER)])
    queue.pause(later)
    queue.signed_in(account(server))
    assert queue.snapshot().rows[1].status is TransferStatus.PAUSED
    assert not queue.snapshot().needs_sign_in


def test_another_registrys_token_is_not_taken(server: RegistryServer, make_sides: SidesFactory) -> None:
    queue = Transfers(make_sides(server, token=OLD))
    for other in (
        Account(Context("test", "https://elsewhere.example"), Token(TOKEN), TokenSource.SESSION),
        account(server, organization="labs"),
    ):
        with pytest.raises(UsageError):
            queue.signed_in(other)


def test_a_push_by_itself_keeps_what_is_finished_for_the_next_sign_in(
    server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    iris(tmp_path / "home")
    queue = Transfers(make_sides(server, token=OLD))
    queue.add([request(Direction.PUSH)])
    withdraw_at(queue, server, 50 * MiB)
    result = push(TAG, make_sides(server))
    assert result.resumed
    assert result.bytes_moved < 0.75 * result.bytes_total
