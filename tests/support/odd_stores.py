"""Object stores that are unlike ours: without ranges or ETags, or with another version from one answer to the next."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

from support.bad_proxy import Exchange, Fault
from support.fault_bench import TAG, Bench
from support.harm import says, whole_object
from support.registry_server import model_path, put_object


def plain_tar(directory: Path, mode: str = "w") -> bytes:
    """A directory as the real client's archive, compressed by the mode (`w:gz`) if it says so."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
        tar.add(directory, arcname="./")
    return buffer.getvalue()


def replace_object(bench: Bench, data: bytes) -> Callable[[], object]:
    """Puts other content under the same version, as a colleague's forced push does."""
    return lambda: put_object(bench.server.api, model_path(TAG.name, TAG.version), [data])


def stream_through(*faults: Fault) -> Fault:
    """A store without ranges that does such harm to its first requests, one after the other."""
    waiting = list(faults)

    def fault(exchange: Exchange) -> None:
        exchange.request.headers = {k: v for k, v in exchange.request.headers.items() if k != "range"}
        (waiting.pop(0) if waiting else whole_object)(exchange)

    return fault


def without_etag(exchange: Exchange) -> None:
    """The answer does not say of which version it is, and the condition in the request was not looked at."""
    with exchange.ask(without=("if-match",)) as answer:
        del answer.headers["ETag"]
        exchange.keep = exchange.pass_on(answer)


def cut_without_etag(
    after: int, *, meanwhile: Callable[[], object] = lambda: None, without: tuple[str, ...] = ("ETag",)
) -> Fault:
    """As `without_etag`, or without other headers too; after so many bytes something happens and the line is closed."""

    def fault(exchange: Exchange) -> None:
        with exchange.ask(without=("if-match",)) as answer:
            for name in without:
                del answer.headers[name]
            exchange.pass_on(answer, at_most=after)
        meanwhile()
        exchange.hang_up()

    return fault


def weak_etag(exchange: Exchange) -> None:
    """Something between has made the ETag a weak one, which no condition in a request matches (RFC 9110, 13.1.1)."""
    if exchange.request.headers.get("if-match", "").startswith("W/"):
        says(412, "PreconditionFailed")(exchange)
        return
    with exchange.ask() as answer:
        exchange.keep = exchange.pass_on(answer, headers={"ETag": f"W/{answer.getheader('etag')}"})


def other_total(exchange: Exchange) -> None:
    """The answer says that the object has one byte more than it had, under the same ETag."""
    with exchange.ask() as answer:
        stretch, _, total = (answer.getheader("content-range") or "").partition("/")
        exchange.keep = exchange.pass_on(answer, headers={"Content-Range": f"{stretch}/{int(total) + 1}"})
