"""How an archive is cut into parts."""

from itertools import pairwise

import pytest

from modelsync.transfer.parts import PART_SIZE_MAX, PART_SIZE_MIN, PARTS_MAX, GiB, MiB, cut, part_size_for


@pytest.mark.parametrize("total", [1, 10_240, 8 * MiB, 90 * MiB, 2 * GiB, 100 * GiB, 5000 * GiB])
@pytest.mark.parametrize("threads", [1, 4, 10, 16])
def test_the_parts_cover_the_archive_without_gap_or_overlap(total: int, threads: int) -> None:
    parts = cut(total, part_size_for(total, threads))
    assert parts[0].start == 0
    assert parts[-1].end == total
    assert all(before.end == after.start for before, after in pairwise(parts))
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))


@pytest.mark.parametrize("total", [8 * MiB, 2 * GiB, 100 * GiB, 1000 * GiB, 17_000 * GiB])
def test_no_part_and_no_count_is_outside_the_limits_of_s3_and_of_the_registry(total: int) -> None:
    size = part_size_for(total, 10)
    assert PART_SIZE_MIN <= size <= PART_SIZE_MAX
    assert len(cut(total, size)) <= PARTS_MAX


def test_a_model_of_90_mb_gives_every_thread_a_part() -> None:
    assert len(cut(90_900_000, part_size_for(90_900_000, 10))) >= 10


def test_a_model_of_2_gib_gives_every_thread_several_parts() -> None:
    assert len(cut(2 * GiB, part_size_for(2 * GiB, 10))) >= 40


def test_what_no_store_can_hold_in_one_object_is_refused() -> None:
    with pytest.raises(ValueError, match="S3's limits"):
        part_size_for(PARTS_MAX * PART_SIZE_MAX + 1, 10)


def test_a_rest_is_cut_from_where_it_starts() -> None:
    parts = cut(10 * MiB, 4 * MiB, start=MiB)
    assert [(part.start, part.size) for part in parts] == [(MiB, 4 * MiB), (5 * MiB, 4 * MiB), (9 * MiB, MiB)]


def test_nothing_is_left_to_cut_when_the_head_was_all() -> None:
    assert cut(MiB, 8 * MiB, start=MiB) == ()
