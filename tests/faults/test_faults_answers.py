"""Answers that are rare and lawful, or rare and wrong: how long to wait, whose ETag, which bytes a header may hold."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from modelsync.errors import IntegrityError, ModelsyncError, PermissionDeniedError, RemoteModelNotFoundError
from modelsync.model import UploadStatus
from modelsync.results import Outcome
from modelsync.sync import pull, push, verify
from modelsync.transfer.retry import RetryPolicy
from support.bad_proxy import ALWAYS, Exchange, Fault, Request, no_harm
from support.fault_bench import TAG, Bench, MiB

WAIT_S = 1


def retry_after(value: Callable[[], str], date: Callable[[], str] | None = None) -> Fault:
    """503 with this Retry-After, and with this Date or none."""

    def fault(exchange: Exchange) -> None:
        exchange.skip()
        exchange.answer(503, b"", {"Retry-After": value(), **({"Date": date()} if date else {})})
        exchange.keep = True

    return fault


def moment(after_s: float = 0.0) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=after_s), usegmt=True)


def part_one(request: Request) -> bool:
    return request.part == 1


def beyond_head(request: Request) -> bool:
    return request.range is not None and request.range[0] > 0


@pytest.mark.parametrize(
    "fault",
    [
        retry_after(lambda: str(WAIT_S)),
        retry_after(lambda: moment(WAIT_S + 1)),  # a date has no fractions of a second
        retry_after(lambda: moment(WAIT_S), moment),
        retry_after(lambda: moment(WAIT_S - 5000), lambda: moment(-5000)),
    ],
    ids=["seconds", "a date", "a date beside the store's own", "a date of a store whose clock is wrong"],
)
@pytest.mark.parametrize("direction", ["push", "pull"])
def test_the_time_that_the_store_asks_for_is_given_in_either_form(fault: Fault, direction: str, bench: Bench) -> None:
    model = bench.write() if direction == "push" else bench.publish()
    rule = bench.proxy.misbehave(fault, where=part_one if direction == "push" else beyond_head)
    result = push(TAG, bench.sides()) if direction == "push" else pull(TAG, bench.sides("reader"))
    assert (rule.done, result.retries) == (1, 1)
    assert result.seconds >= WAIT_S
    if direction == "push":
        bench.assert_pushed(model)
    else:
        bench.assert_pulled(model)


@pytest.mark.parametrize(
    "value",
    [
        *("soon", "-7", "\u00b2", "", "9" * 400, "Mon, 99 Foo 2026 25:61:61 GMT"),
        f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT",
    ],
)
def test_a_time_that_is_none_does_no_harm(value: str, bench: Bench) -> None:
    model = bench.write()
    bench.proxy.misbehave(retry_after(lambda: value, lambda: value), where=part_one)
    tired = RetryPolicy(tries=1, base_s=0.001, max_s=0.001)  # it fails with the store's error, and with no other
    with pytest.raises(ModelsyncError, match="503"):
        push(TAG, bench.sides(retry=tired))
    assert push(TAG, bench.sides()).outcome is Outcome.PUSHED
    bench.assert_pushed(model)


@pytest.mark.parametrize("total", ["9" * 5000, "1" + "0" * 18, str(50 << 40)])
@pytest.mark.parametrize("look", [pull, verify])
def test_a_size_that_no_object_has_is_told_in_a_sentence(total: str, look: Callable[..., object], bench: Bench) -> None:
    bench.publish(size=MiB)
    if look is verify:
        bench.write("reader", size=MiB)

    def lie(exchange: Exchange) -> None:
        with exchange.ask() as answer:
            exchange.keep = exchange.pass_on(answer, headers={"Content-Range": f"bytes 0-{MiB - 1}/{total}"})

    bench.proxy.misbehave(lie, where=lambda request: request.range is not None, times=ALWAYS)
    with pytest.raises(IntegrityError) as caught:
        look(TAG, bench.sides("reader"))
    assert caught.value.hint


def encrypted(exchange: Exchange) -> None:
    """The part is kept under SSE-KMS: its ETag looks like an MD5 and is none (contract 4.3)."""
    with exchange.ask() as answer:
        headers = {"ETag": f'"{"5e" * 16}"', "x-amz-server-side-encryption": "aws:kms"}
        exchange.keep = exchange.pass_on(answer, headers=headers)


def test_the_etag_of_an_encrypted_part_is_compared_with_nothing(bench: Bench) -> None:
    bench.write()
    bench.proxy.misbehave(encrypted, method="PUT", times=ALWAYS)
    with pytest.raises(ModelsyncError, match="part"):  # our store wants the ETags that it gave
        push(TAG, bench.sides())
    assert bench.proxy.count("PUT") == 2


def test_a_push_to_a_store_that_encrypts_ends_well_and_is_not_called_verified(bench: Bench) -> None:
    given: dict[bytes, bytes] = {}
    """The ETag that the client was given for a part, and the one that our store gave."""

    def part(exchange: Exchange) -> None:
        told = f"{exchange.request.part:032x}"
        with exchange.ask() as answer:
            given[told.encode()] = (answer.getheader("etag") or "").strip('"').encode()
            headers = {"ETag": f'"{told}"', "x-amz-server-side-encryption": "aws:kms"}
            exchange.keep = exchange.pass_on(answer, headers=headers)

    def complete(exchange: Exchange) -> None:
        body = b"".join(exchange.take())
        for told, own in given.items():
            body = body.replace(told, own)
        exchange.rest, exchange.request.taken = body + exchange.rest, 0
        no_harm(exchange)

    model = bench.write()
    bench.proxy.misbehave(part, method="PUT", times=ALWAYS)
    bench.proxy.misbehave(complete, where=lambda request: request.target.endswith("/complete_multipart_upload"))
    result = push(TAG, bench.sides(all_through_proxy=True))
    assert len(given) == 2
    assert (result.outcome, result.retries, result.verified) == (Outcome.PUSHED, 0, False)
    bench.assert_pushed(model)
    bench.proxy.behave()
    assert push(TAG, bench.sides(), force=True).verified  # where nothing is encrypted


def test_an_etag_that_looks_like_an_md5_without_encryption_is_compared(bench: Bench) -> None:
    def other(exchange: Exchange) -> None:
        with exchange.ask() as answer:
            exchange.keep = exchange.pass_on(answer, headers={"ETag": f'"{"5e" * 16}"'})

    model = bench.write()
    bench.proxy.misbehave(other, method="PUT", where=part_one)
    assert push(TAG, bench.sides()).retries == 1
    bench.assert_pushed(model)


def test_a_header_may_hold_bytes_that_are_no_ascii(bench: Bench) -> None:
    def foreign(exchange: Exchange) -> None:
        with exchange.ask() as answer:
            exchange.keep = exchange.pass_on(answer, headers={"Server": "Münchner Höhe"})

    model = bench.write()
    bench.proxy.misbehave(foreign, times=ALWAYS)
    assert push(TAG, bench.sides(all_through_proxy=True)).retries == 0
    assert pull(TAG, bench.sides("reader", all_through_proxy=True)).retries == 0
    bench.assert_pushed(model)
    bench.assert_pulled(model)


def refuses(status: int, words: str) -> Fault:
    def fault(exchange: Exchange) -> None:
        exchange.skip()
        exchange.answer(status, f'{{"error":"{words}"}}'.encode(), {"Content-Type": "application/json"})
        exchange.keep = True

    return fault


def page_too_large(exchange: Exchange) -> None:
    """As nginx with its usual limit of 1 MiB."""
    exchange.skip()
    page = b"<html><head><title>413 Request Entity Too Large</title></head></html>"
    exchange.answer(413, page, {"Content-Type": "text/html"})


@pytest.mark.parametrize("begin", ["part of the store", "registry's own route"])
def test_a_proxy_that_takes_no_large_bodies_is_told_with_what_its_keeper_can_do(begin: str, bench: Bench) -> None:
    bench.write()
    if begin == "part of the store":
        bench.proxy.misbehave(page_too_large, method="PUT", where=part_one, times=ALWAYS)
    else:
        bench.proxy.misbehave(page_too_large, where=lambda ask: ask.target.endswith("/start_upload"), times=ALWAYS)
    with pytest.raises(ModelsyncError) as caught:
        push(TAG, bench.sides(all_through_proxy=True))
    assert "as large as" in caught.value.message
    assert "html" not in caught.value.message
    assert "client_max_body_size" in caught.value.hint


REFUSALS = pytest.mark.parametrize(
    ("fault", "error"),
    [
        (refuses(403, "you need the scope write_organization"), PermissionDeniedError),
        (refuses(404, "record not found"), RemoteModelNotFoundError),
    ],
    ids=["403", "404"],
)


@REFUSALS
@pytest.mark.parametrize("name", ["/start_upload", "/start_multipart_upload", "/presign_multipart_upload_url"])
def test_what_the_registry_refuses_for_good_is_asked_once(
    name: str, fault: Fault, error: type[ModelsyncError], bench: Bench
) -> None:
    bench.write(size=MiB)

    def asked(request: Request) -> bool:
        return request.target.endswith(name)

    bench.proxy.misbehave(fault, where=asked, times=ALWAYS)
    with pytest.raises(error) as caught:
        push(TAG, bench.sides(all_through_proxy=True))
    assert caught.value.hint
    assert bench.proxy.count("PATCH", asked) == 1
    assert bench.record().status is UploadStatus.FAILED


@REFUSALS
def test_a_download_that_the_registry_refuses_for_good_is_asked_for_once(
    fault: Fault, error: type[ModelsyncError], bench: Bench
) -> None:
    bench.publish(size=MiB)

    def asked(request: Request) -> bool:
        return request.target.endswith("/presign_download_url")

    bench.proxy.misbehave(fault, where=asked, times=ALWAYS)
    with pytest.raises(error):
        pull(TAG, bench.sides("reader", all_through_proxy=True))
    assert bench.proxy.count("PATCH", asked) == 1
    bench.assert_nothing_pulled()


def test_waits_grow_up_to_a_limit_and_are_shortened_by_chance() -> None:
    longest = RetryPolicy(base_s=1.0, max_s=10.0, jitter=lambda: 1.0)
    shortest = RetryPolicy(base_s=1.0, max_s=10.0, jitter=lambda: 0.0)
    assert [longest.delay_s(failures) for failures in range(1, 7)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert [shortest.delay_s(failures) for failures in range(1, 5)] == [0.5, 1.0, 2.0, 4.0]
    assert len({RetryPolicy().delay_s(3) for _ in range(20)}) > 1
    assert longest.delay_s(1, retry_after_s=7.0) == 7.0
