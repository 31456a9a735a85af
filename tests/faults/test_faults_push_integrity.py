"""A push is called done, and verified, only of what is true: files that stayed the same, an object of their bytes."""

from pathlib import Path

import pytest

from modelsync.errors import SourceChangedError
from modelsync.model import UploadStatus
from modelsync.results import Outcome
from modelsync.sync import push
from modelsync.transfer.control import Control, Paused
from modelsync_registry.config import TransmissionStrategy
from support.bad_proxy import ALWAYS, Exchange, Fault
from support.fault_bench import TAG, Bench, BenchFactory, MiB
from support.harm import reset, stall_request
from support.local_store import write_model
from support.registry_server import RegistryServer
from support.two_sides import SidesFactory
from support.waiting import when


def taken_then_written_to(file: Path) -> Fault:
    """The store takes everything; before it says so, another program writes to a file of the model."""

    def fault(exchange: Exchange) -> None:
        with exchange.ask() as answer:
            with file.open("r+b") as other:
                other.write(b"changed")
            exchange.keep = exchange.pass_on(answer)

    return fault


@pytest.mark.parametrize("strategy", [*TransmissionStrategy, None])
def test_a_file_that_changes_after_its_bytes_were_sent_fails_the_push_by_name(
    strategy: TransmissionStrategy | None, make_bench: BenchFactory
) -> None:
    bench = make_bench(strategy=strategy)
    model = bench.write(size=MiB)  # one part: nothing is read after the change
    bench.proxy.misbehave(taken_then_written_to(model / "weights.bin"), method="PUT", times=ALWAYS)
    with pytest.raises(SourceChangedError, match=r"weights\.bin changed while it was sent"):
        push(TAG, bench.sides(all_through_proxy=strategy is TransmissionStrategy.PROXY))
    assert bench.record().status is UploadStatus.FAILED
    assert "weights.bin" in bench.record().status_reason
    assert list((bench.folder / "state/author").glob("*.journal")) == []


def test_a_completion_that_never_arrived_is_not_mistaken_for_the_object_that_was_there(bench: Bench) -> None:
    bench.publish()
    model = bench.write()  # other bytes, as many
    rule = bench.proxy.misbehave(
        reset, method="PATCH", where=lambda request: request.target.endswith("/complete_multipart_upload")
    )
    result = push(TAG, bench.sides(all_through_proxy=True), force=True)
    assert (rule.done, result.outcome) == (1, Outcome.PUSHED)
    bench.assert_pushed(model)


def test_a_push_that_goes_on_from_an_earlier_run_is_not_called_verified(bench: Bench) -> None:
    model = bench.write()
    bench.proxy.misbehave(stall_request(MiB), times=ALWAYS, where=lambda request: request.part == 2)
    control = Control()
    folder = bench.folder / "state/author"
    when(lambda: any(b'"part": 1' in path.read_bytes() for path in folder.glob("*.journal")), control.pause)
    with pytest.raises(Paused):
        push(TAG, bench.sides(), control=control)
    bench.proxy.behave()
    result = push(TAG, bench.sides())
    assert (result.outcome, result.resumed, result.verified) == (Outcome.PUSHED, True, False)
    bench.assert_pushed(model)


@pytest.mark.parametrize("compared", [True, False])
def test_a_push_is_called_verified_where_its_parts_were_compared(
    compared: bool, registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    write_model(tmp_path / "home", str(TAG))
    assert push(TAG, make_sides(registry_server, verify=compared)).verified is compared
