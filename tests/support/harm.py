"""The harm that a bad proxy can do to one exchange: each is a fault for `BadProxy.misbehave`."""

from collections.abc import Callable
from functools import partial

from support.bad_proxy import Edit, Exchange, Fault

_STALLING: set[Fault] = set()


def _stalling(fault: Fault) -> Fault:
    _STALLING.add(fault)
    return fault


def stalls(fault: Fault) -> bool:
    """Whether the client sees nothing but silence, and must lose its patience."""
    return fault in _STALLING


def reset(exchange: Exchange) -> None:
    """The connection is lost as soon as the request's head has come."""
    exchange.reset()


def hang_up(exchange: Exchange) -> None:
    """The server closes the connection without an answer, as one that panics."""
    exchange.skip()
    exchange.hang_up()


def cut_request(after: int, *, passed_on: bool = True) -> Fault:
    """The connection is lost after so many bytes of the request's body; the registry saw them, or did not."""

    def fault(exchange: Exchange) -> None:
        if passed_on and after < exchange.request.length:
            try:
                with exchange.ask(at_most=after):
                    pass
            finally:
                exchange.reset()
        exchange.skip(after)
        exchange.reset()

    return fault


def lose_answer(exchange: Exchange) -> None:
    """The registry did what was asked, but its answer never arrives."""
    with exchange.ask() as answer:
        answer.read()
    exchange.reset()


def cut_answer(after: int, *, politely: bool = True, meanwhile: Callable[[], object] = lambda: None) -> Fault:
    """The connection ends after so many bytes of the answer's body: closed, or reset; something happens before."""

    def fault(exchange: Exchange) -> None:
        with exchange.ask() as answer:
            exchange.pass_on(answer, at_most=after)
        meanwhile()
        if politely:
            exchange.hang_up()
        else:
            exchange.reset()

    return fault


def cut_head(after: int) -> Fault:
    """The connection is closed inside the head of the answer: after so many bytes, or so many before its end."""

    def fault(exchange: Exchange) -> None:
        with exchange.ask() as answer:
            lines = [
                f"HTTP/1.1 {answer.status} {answer.reason}",
                *(f"{name}: {value}" for name, value in answer.getheaders()),
            ]
            head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        exchange.send_raw(head[:after])
        exchange.hang_up()

    return fault


def stall_request(after: int) -> Fault:
    """After so many bytes of the request's body nothing is read any more."""

    def fault(exchange: Exchange) -> None:
        exchange.skip(after)
        exchange.stall()

    return _stalling(fault)


@_stalling
def stall_before_answer(exchange: Exchange) -> None:
    """The whole request is read, and no answer comes."""
    exchange.skip()
    exchange.stall()


def stall_answer(after: int) -> Fault:
    """After so many bytes of the answer's body no more come, and the connection stays open."""

    def fault(exchange: Exchange) -> None:
        with exchange.ask() as answer:
            exchange.pass_on(answer, at_most=after)
        exchange.stall()

    return _stalling(fault)


def flip_request(at: int) -> Fault:
    """One byte of the request's body is another one when it reaches the registry."""

    def fault(exchange: Exchange) -> None:
        with exchange.ask(edit=_flip(at)) as answer:
            exchange.keep = exchange.pass_on(answer)

    return fault


def flip_answer(at: int) -> Fault:
    """One byte of the answer's body is another one when it reaches the client."""

    def fault(exchange: Exchange) -> None:
        with exchange.ask() as answer:
            exchange.keep = exchange.pass_on(answer, edit=_flip(at))

    return fault


def says(status: int, code: str = "", *, retry_after: str | None = None, unread: bool = False) -> Fault:
    """The store answers by a status and its XML; with `unread` it hangs up without having read the body."""

    def fault(exchange: Exchange) -> None:
        if not unread:
            exchange.skip()
        message = "Please reduce your request rate." if code == "SlowDown" else "It does not go."
        body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode() if code else b""
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        exchange.answer(status, body, headers)
        exchange.keep = not unread
        if unread:
            exchange.hang_up()

    return fault


def takes_all_and_gives_no_etag(exchange: Exchange) -> None:
    """Something in between answers 200 by itself, as a captive portal does."""
    exchange.skip()
    exchange.answer(200, b"<html>Welcome</html>", {"Content-Type": "text/html"})
    exchange.keep = True


def whole_object(exchange: Exchange) -> None:
    """The range that was asked for is ignored: 200 and everything."""
    with exchange.ask(without=("range",)) as answer:
        exchange.keep = exchange.pass_on(answer)


def other_etag(exchange: Exchange) -> None:
    """The answer is of another version of the object, and the condition in the request was not looked at."""
    with exchange.ask(without=("if-match",)) as answer:
        exchange.keep = exchange.pass_on(answer, headers={"ETag": '"' + "0" * 32 + '-9"'})


def other_range(by: int) -> Fault:
    """The answer is another stretch of the object than was asked for, and says so."""

    def fault(exchange: Exchange) -> None:
        asked = exchange.request.range
        assert asked is not None
        first, last = asked
        moved = dict(exchange.request.headers) | {"range": f"bytes={first + by}-{'' if last is None else last}"}
        exchange.request.headers = moved
        with exchange.ask() as answer:
            exchange.keep = exchange.pass_on(answer)

    return fault


def promise(more: int) -> Fault:
    """The answer's Content-Length is wrong by so many bytes; then the connection is closed."""

    def fault(exchange: Exchange) -> None:
        with exchange.ask() as answer:
            length = int(answer.getheader("content-length") or 0)
            exchange.pass_on(answer, headers={"Content-Length": str(length + more)})
        exchange.hang_up()

    return fault


def after(event: Callable[[], object], then: Fault) -> Fault:
    """Something happens elsewhere at the moment this request has come; then its fault is done."""

    def fault(exchange: Exchange) -> None:
        event()
        then(exchange)

    return fault


def _flip(at: int) -> Edit:
    return partial(_flipped, at)


def _flipped(at: int, begin: int, piece: bytes) -> bytes:
    if not begin <= at < begin + len(piece):
        return piece
    changed = bytearray(piece)
    changed[at - begin] ^= 0x01
    return bytes(changed)
