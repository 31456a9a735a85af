"""What the client asks again, what it never asks twice, and how a person's cancel ends a call."""

import json
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from modelsync.errors import (
    AnswerLostError,
    Cancelled,
    RegistryRefusedError,
    RegistryUnavailableError,
    TokenRefusedError,
    UnreachableError,
    UploadGoneError,
)
from modelsync.registry.client import Registry
from modelsync.registry.retry import Backoff
from modelsync.registry.schemas import CompletedPart, ETag, UploadId
from modelsync.transfer.control import Control
from support.registry_account import INFO, ME, MODEL, PAGE, PARTS, QUICK, TAG, connect, says_error
from support.strange_registry import Answer, StrangeRegistry, free_port


@pytest.fixture
def server() -> Iterator[StrangeRegistry]:
    with StrangeRegistry() as strange:
        yield strange


@pytest.fixture
def registry(server: StrangeRegistry) -> Iterator[Registry]:
    with connect(server.url) as opened:
        yield opened


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=503),
        Answer(PAGE.body, status=502, content_type="text/html"),
        Answer(status=429),
        Answer(status=408),
        says_error("dial tcp 10.0.0.5:9000: connect: connection refused"),
        Answer(ME.body, cut_after=7),
        Answer(cut_after=-1),
    ],
)
def test_trouble_that_passes_is_waited_out(server: StrangeRegistry, registry: Registry, answer: Answer) -> None:
    server.says(answer, answer, ME)
    assert registry.current_user().name == "mia"
    assert len(server.asked) == 3


def test_storage_trouble_in_any_words_is_waited_out(server: StrangeRegistry, registry: Registry) -> None:
    url = Answer(b'{"version": "v1", "presigned_download_url": "https://s3/x?sig=1"}')
    server.says(says_error("presign model: something odd"), says_error("Access Denied."), url)
    assert registry.presign_download(TAG) is not None
    server.says(says_error("something odd"))
    with pytest.raises(RegistryRefusedError):
        registry.update_record(TAG, INFO, 1)  # needs no storage: odd words are a no


def test_the_wait_a_registry_asks_for_is_kept(server: StrangeRegistry) -> None:
    waits: list[float] = []
    server.says(Answer(status=503, headers={"Retry-After": "7"}), Answer(status=503), ME)
    with connect(server.url, sleep=waits.append) as registry:
        registry.current_user()
    assert waits[0] == 7.0
    assert waits[1] <= QUICK.longest_s


def test_a_wait_of_an_hour_is_not_waited(server: StrangeRegistry) -> None:
    waits: list[float] = []
    server.says(Answer(status=503, headers={"Retry-After": "3600"}), ME)
    with connect(server.url, sleep=waits.append) as registry, pytest.raises(RegistryUnavailableError):
        registry.current_user()
    assert waits == []


def test_where_nobody_listens_it_is_given_up_sooner_unless_someone_answered_before() -> None:
    told: list[str] = []
    waits: list[float] = []
    with StrangeRegistry() as server, connect(server.url, sleep=waits.append, waiting=told.append) as heard:
        server.says(ME, Answer(cut_after=-1))  # the connection that is kept ends with the server
        heard.current_user()
        server.close()
        with pytest.raises(UnreachableError):
            heard.current_user()
    assert len(waits) == Backoff().tries - 1
    assert len(told) == len(waits)
    assert told[-1] == f"Nothing answers at {heard.host}. Trying again ..."
    waits.clear()
    with connect(f"http://127.0.0.1:{free_port()}", sleep=waits.append) as unheard, pytest.raises(UnreachableError):
        unheard.current_user()
    assert len(waits) == Backoff().unheard_tries - 1


def test_a_lost_answer_to_a_creation_is_settled_by_looking(server: StrangeRegistry, registry: Registry) -> None:
    taken = says_error('duplicate key value violates unique constraint "uk_model_modelRepositoryId_version"')
    server.says(Answer(cut_after=-1), taken, MODEL)
    assert registry.create_model(TAG, INFO, 1).version == "v1"
    assert [asked.method for asked in server.asked] == ["POST", "POST", "GET"]


def test_a_name_that_was_taken_by_a_race_is_fine_whatever_the_words(
    server: StrangeRegistry, registry: Registry
) -> None:
    server.says(says_error("it exists"), Answer())
    registry.create_repository("m")
    assert [asked.method for asked in server.asked] == ["POST", "GET"]


def test_a_refused_creation_of_what_is_not_there_is_told(server: StrangeRegistry, registry: Registry) -> None:
    server.says(says_error("value too long for type character varying(128)"), says_error("record not found", 404))
    with pytest.raises(RegistryRefusedError, match="too long"):
        registry.create_repository("m")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(cut_after=-1),
        Answer(cut_after=1),
        Answer(status=500),
        Answer(status=504),
        says_error("failed to complete multipart upload: odd"),
        Answer(hangs=True),
    ],
)
def test_a_completion_whose_answer_is_lost_is_not_made_twice(server: StrangeRegistry, answer: Answer) -> None:
    server.says(answer)
    with connect(server.url, timeout_s=0.3) as registry, pytest.raises(AnswerLostError) as lost:
        registry.complete_multipart(TAG, UploadId("u"), PARTS)
    assert len(server.asked) == 1
    assert lost.value.hint


def test_a_completion_that_was_never_heard_is_made_again(server: StrangeRegistry, registry: Registry) -> None:
    server.says(Answer(status=429), Answer())
    registry.complete_multipart(TAG, UploadId("u"), PARTS)
    assert len(server.asked) == 2
    with connect(f"http://127.0.0.1:{free_port()}") as nobody, pytest.raises(UnreachableError) as refused:
        nobody.complete_multipart(TAG, UploadId("u"), PARTS)
    assert not isinstance(refused.value, AnswerLostError)


def test_an_upload_that_the_store_does_not_know_is_gone(server: StrangeRegistry, registry: Registry) -> None:
    words = "failed to complete multipart upload: new multipart upload: The specified multipart upload does not exist."
    for text in (words, "NoSuchUpload"):
        server.says(says_error(text))
        with pytest.raises(UploadGoneError):
            registry.complete_multipart(TAG, UploadId("u"), PARTS)


def test_parts_are_told_in_order_and_all_of_them(server: StrangeRegistry, registry: Registry) -> None:
    registry.complete_multipart(TAG, UploadId("u"), [CompletedPart(2, ETag('"b"')), CompletedPart(1, ETag('"a"'))])
    assert json.loads(server.asked[0].body)["parts"] == [
        {"part_number": 1, "etag": '"a"'},
        {"part_number": 2, "etag": '"b"'},
    ]
    for wrong in ([], [CompletedPart(2, ETag("x"))], [CompletedPart(1, ETag("x")), CompletedPart(1, ETag("y"))]):
        with pytest.raises(ValueError):
            registry.complete_multipart(TAG, UploadId("u"), wrong)
    assert len(server.asked) == 1


@pytest.mark.parametrize("wish", [Control.cancel, Control.pause])
def test_a_cancel_frees_a_call_that_waits_for_an_answer(
    server: StrangeRegistry, wish: Callable[[Control], None]
) -> None:
    server.says(Answer(hangs=True))
    control = Control()

    def wish_when_asked() -> None:
        assert server.arrived.acquire(timeout=10)
        wish(control)

    threading.Thread(target=wish_when_asked, daemon=True).start()
    began = time.monotonic()
    with connect(server.url, timeout_s=30.0) as registry, pytest.raises(Cancelled):
        registry.start_upload(TAG, control=control)
    assert time.monotonic() - began < 10.0


def test_a_cancel_ends_the_wait_for_the_next_try(server: StrangeRegistry) -> None:
    server.says(Answer(status=503, headers={"Retry-After": "50"}))
    control = Control()

    def cancel_when_asked() -> None:
        assert server.arrived.acquire(timeout=10)
        control.cancel()

    threading.Thread(target=cancel_when_asked, daemon=True).start()
    with connect(server.url) as registry, pytest.raises(Cancelled):
        registry.start_upload(TAG, control=control)
    assert len(server.asked) == 1


def test_a_cancelled_transfer_asks_nothing_more(server: StrangeRegistry, registry: Registry) -> None:
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        registry.start_upload(TAG, control=control)
    assert server.asked == []


def test_a_call_with_control_returns_and_fails_as_one_without(server: StrangeRegistry, registry: Registry) -> None:
    server.says(ME)
    assert registry.current_user(control=Control()).name == "mia"
    server.says(Answer(status=401))
    with pytest.raises(TokenRefusedError):
        registry.current_user(control=Control())
