"""Archives that go on after a kill, from what a checkpoint calls done."""

import random
from itertools import pairwise
from pathlib import Path

import pytest

from modelsync.archive.checkpoint import Checkpoint
from modelsync.archive.index import ArchiveIndex, read_index
from modelsync.archive.layout import ArchiveLayout
from modelsync.archive.ranges import Ranges
from modelsync.archive.unpack import Unpacker
from modelsync.errors import StoreError
from support.archives import Entry, pieces, python_tar, sample_model, tree, whole


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return sample_model(tmp_path / "model")


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    path = tmp_path / "stage"
    path.mkdir()
    return path


def _index(data: bytes) -> ArchiveIndex:
    index = read_index(data, len(data))
    assert index is not None
    return index


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("seed", range(8))
def test_an_interrupted_archive_goes_on_from_its_checkpoint(model: Path, stage: Path, indexed: bool, seed: int) -> None:
    rng = random.Random(seed)
    data = whole(ArchiveLayout.of(model, index=indexed))
    cuts = pieces(rng, len(data), 80)
    rng.shuffle(cuts)
    first = Unpacker(stage, total_bytes=len(data), index=_index(data) if indexed else None)
    for start, end in cuts[:40]:
        first.write(start, data[start:end])
    checkpoint = first.checkpoint()
    for start, end in cuts[40:50]:
        first.write(start, data[start:end])  # on the disk, but no record of it
    first.close()

    with Unpacker.resume(stage, total_bytes=len(data), checkpoint=checkpoint) as second:
        assert second.done() == checkpoint.done
        for start, end in Ranges(second.done()).missing(0, len(data)):
            second.write(start, data[start:end])
        second.finish()

    assert tree(stage) == tree(model)


def test_the_records_of_a_global_header_survive_a_resume(stage: Path) -> None:
    data = python_tar([Entry("a", b"1"), Entry("b", b"2")], pax_headers={"mtime": "1234.5"})
    first = Unpacker(stage, total_bytes=len(data))
    first.write(0, data[:2560])
    checkpoint = first.checkpoint()
    first.close()

    with Unpacker.resume(stage, total_bytes=len(data), checkpoint=checkpoint) as second:
        done = second.done()
        assert 0 < done[-1][1] < len(data)
        second.write(done[-1][1], data[done[-1][1] :])
        second.finish()

    assert (stage / "b").stat().st_mtime == 1234.5


def test_a_checkpoint_that_is_not_exact_is_true_all_the_same(stage: Path) -> None:
    entries = [Entry(f"d/{number:04}.bin", bytes([number % 251]) * 700) for number in range(1500)]
    data = python_tar(entries)
    checkpoints = []
    with Unpacker(stage, total_bytes=len(data)) as unpacker:
        for start in range(0, len(data), 20_000):
            unpacker.write(start, data[start : start + 20_000])
            checkpoints.append(unpacker.checkpoint(sync=False, exact=False))
        last = unpacker.checkpoint(sync=False)
        unpacker.finish()

    assert len({checkpoint.members for checkpoint in checkpoints}) < len(checkpoints)  # some are of a moment ago
    assert last.done[-1][1] > checkpoints[len(checkpoints) // 2].done[-1][1]
    for checkpoint in checkpoints[:: len(checkpoints) // 8]:
        with Unpacker.resume(stage, total_bytes=len(data), checkpoint=checkpoint) as again:
            assert again.done() == checkpoint.done
            for start, end in Ranges(again.done()).missing(0, len(data)):
                again.write(start, data[start:end])
            again.finish()
        assert sum(path.is_file() for path in stage.rglob("*")) == 1500


def test_a_file_that_was_lost_since_is_fetched_again(model: Path, stage: Path) -> None:
    data = whole(ArchiveLayout.of(model))
    first = Unpacker(stage, total_bytes=len(data), index=_index(data))
    first.write(0, data)
    checkpoint = first.checkpoint()
    first.close()
    (stage / "weights.bin").unlink()
    (stage / "block.bin").write_bytes(b"short")

    with Unpacker.resume(stage, total_bytes=len(data), checkpoint=checkpoint) as second:
        missing = list(Ranges(second.done()).missing(0, len(data)))
        assert sorted(end - start for start, end in missing) == [512, 70_001]
        for start, end in missing:
            second.write(start, data[start:end])
        second.finish()

    assert tree(stage) == tree(model)


def test_a_resumed_archive_that_was_done_already_can_be_finished_twice(model: Path, stage: Path) -> None:
    data = whole(ArchiveLayout.of(model))
    first = Unpacker(stage, total_bytes=len(data), index=_index(data))
    first.write(0, data)
    checkpoint = first.checkpoint()
    first.finish()  # and then the process dies before the model is installed

    with Unpacker.resume(stage, total_bytes=len(data), checkpoint=checkpoint) as second:
        second.finish()

    assert tree(stage) == tree(model)


@pytest.mark.parametrize("members", [b"", b"rubbish", bytes(100)])
def test_a_checkpoint_that_cannot_be_read_is_a_sentence(stage: Path, members: bytes) -> None:
    with pytest.raises(StoreError, match="unfinished pull"):
        Unpacker.resume(stage, total_bytes=1, checkpoint=Checkpoint((), members))


def test_ranges_merge_what_touches_and_know_what_is_missing() -> None:
    rng = random.Random(9)
    for _ in range(300):
        ranges, held = Ranges(), [False] * 60
        for _ in range(12):
            start = rng.randrange(60)
            end = rng.randrange(start, 61)
            added = rng.random() < 0.7
            (ranges.add if added else ranges.remove)(start, end)
            held[start:end] = [added] * (end - start)

        assert [any(start <= at < end for start, end in ranges) for at in range(60)] == held
        assert all(end < start for (_, end), (start, _) in pairwise(ranges))
        assert ranges.total == sum(held)
        missing = list(ranges.missing(5, 50))
        assert [any(start <= at < end for start, end in missing) for at in range(5, 50)] == [
            not is_held for is_held in held[5:50]
        ]
        assert ranges.covers(10, 20) == all(held[10:20])
        assert ranges.overlaps(10, 20) == any(held[10:20])
