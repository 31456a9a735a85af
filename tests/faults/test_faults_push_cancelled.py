"""A person who cancels a push is not kept waiting by the registry, and whatever was begun there is told as failed."""

import pytest

from modelsync.errors import Cancelled, StillUploadingError
from modelsync.model import Direction, UploadStatus
from modelsync.sync import give_up
from modelsync.transfer.control import Paused
from support.bad_proxy import ALWAYS
from support.fault_bench import TAG, Bench, MiB
from support.fault_patience import Moving, patient
from support.harm import stall_answer, stall_before_answer, stall_request
from support.waiting import wait_for


def moving_until_silence(bench: Bench) -> Moving:
    """A push whose parts do not end, by sides that would wait for ten minutes; the registry says nothing any more."""
    bench.write()
    held = bench.proxy.misbehave(stall_request(MiB), method="PUT", times=ALWAYS)
    moving = Moving("push", patient(bench.sides(), bench, all_through_proxy=True), bench)
    wait_for(lambda: held.done or moving.ended, within_s=60, what="a part that is sent")
    for method in ("GET", "PATCH"):
        bench.proxy.misbehave(stall_before_answer, method=method, times=ALWAYS)
    return moving


def test_a_cancel_is_told_soon_though_the_registry_answers_nothing(bench: Bench) -> None:
    moving = moving_until_silence(bench)
    moving.control.cancel()
    with pytest.raises(
        StillUploadingError, match=r"could not be told: The registry did not answer within 5 s\."
    ) as told:
        moving.result()
    assert "cancel it again" in told.value.hint
    assert bench.record().status is UploadStatus.UPLOADING


def test_a_paused_push_is_given_up_soon_though_the_registry_answers_nothing(bench: Bench) -> None:
    moving = moving_until_silence(bench)
    moving.control.pause()
    with pytest.raises(Paused):
        moving.result()
    with pytest.raises(StillUploadingError, match="did not answer within 5 s"):
        give_up(Direction.PUSH, TAG, patient(bench.sides(), bench, all_through_proxy=True))


def test_a_version_that_was_registered_just_before_the_cancel_says_that_it_failed(bench: Bench) -> None:
    bench.write()
    taken = bench.proxy.misbehave(
        stall_answer(0), method="POST", where=lambda request: request.target.endswith("/models")
    )
    moving = Moving("push", patient(bench.sides(), bench, all_through_proxy=True), bench)
    wait_for(lambda: moving.ended or (taken.done and bench.sides().registry.model(TAG)), within_s=60)
    moving.control.cancel()
    with pytest.raises(Cancelled):
        moving.result()
    record = bench.record()
    assert (record.status, record.status_reason) == (UploadStatus.FAILED, "Cancelled.")


def test_a_push_that_is_cancelled_before_anything_is_registered_leaves_nothing(bench: Bench) -> None:
    bench.write()
    asked = bench.proxy.misbehave(
        stall_before_answer, method="POST", where=lambda request: request.target.endswith("/models")
    )
    moving = Moving("push", patient(bench.sides(), bench, all_through_proxy=True), bench)
    wait_for(lambda: moving.ended or asked.done, within_s=60)
    moving.control.cancel()
    with pytest.raises(Cancelled) as ended:
        moving.result()
    assert not isinstance(ended.value, StillUploadingError)
    assert bench.sides().registry.model(TAG) is None
