"""`pull` with `verify`: what arrives is compared with the object's ETag, or it is said that it could not be."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from modelsync.archive.index import ArchiveIndex
from modelsync.archive.table import MemberTable
from modelsync.errors import IntegrityError, RemoteChangedError
from modelsync.registry.schemas import ETag
from modelsync.results import Outcome, PullResult
from modelsync.sync import Sides, pull, push
from modelsync.sync.etag_check import NotComparable, UploadParts, upload_parts
from modelsync.tag import Tag
from modelsync.transfer.control import Control, Paused
from modelsync.transfer.download import Head
from modelsync.transfer.progress import Progress
from modelsync_registry.config import TransmissionStrategy
from support.bad_proxy import ALWAYS, Exchange, no_harm
from support.fault_bench import Bench
from support.harm import after, cut_answer, whole_object
from support.local_store import fill_model, read_tree, write_model
from support.odd_stores import replace_object, stream_through
from support.registry_server import RegistryFactory, RegistryServer, model_path, put_object, register_model
from support.two_sides import SidesFactory
from support.waiting import when

TAG = Tag("iris", "v1")
MiB = 1 << 20
DIGEST = "0123456789abcdef" * 2


def pushed(sides: Sides, size: int = 30 * MiB) -> Path:
    """Pushes iris:v1 from a store; its directory there."""
    model = write_model(sides.store.home, "iris:v1", files={"weights.bin": os.urandom(size), "a.txt": b"a"})
    push(TAG, sides)
    return model


def bentoml_tar(tmp_path: Path, mode: str = "w", size: int = 20 * MiB) -> bytes:
    directory = tmp_path / "made"
    fill_model(directory, "iris:v1", files={"weights.bin": os.urandom(size), "a.txt": b"a"})
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
        tar.add(directory, arcname="./")
    return buffer.getvalue()


def registered(server: RegistryServer, archive: bytes, part: int) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        register_model(server.api, "iris", "v1", size_bytes=sum(member.size for member in tar))
    put_object(server.api, model_path("iris", "v1"), [archive[at : at + part] for at in range(0, len(archive), part)])


def damage(server: RegistryServer) -> None:
    """One byte in the middle of the largest part that the registry stores becomes another one; its ETag stays."""
    blob = max((server.data / "blobs").iterdir(), key=lambda path: path.stat().st_size)
    with blob.open("r+b") as file:
        at = blob.stat().st_size // 2
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 0x10]))


def assert_only_size_and_structure(result: PullResult, because: str) -> None:
    assert result.outcome is Outcome.PULLED
    assert not result.verified
    (warning,) = result.warnings
    assert "size and structure only" in warning
    assert because in warning
    assert "modelsync verify iris:v1" in warning


@pytest.mark.parametrize("size", [MiB, 30 * MiB], ids=["one part", "several parts"])
@pytest.mark.parametrize("strategy", [TransmissionStrategy.PRESIGNED_URL, None])
def test_what_arrives_is_compared_with_the_etag(
    strategy: TransmissionStrategy | None,
    size: int,
    make_registry: RegistryFactory,
    make_sides: SidesFactory,
    tmp_path: Path,
) -> None:
    server = make_registry(strategy=strategy)
    model = pushed(make_sides(server, "author"), size)
    result = pull(TAG, make_sides(server), verify=True)
    assert (result.outcome, result.verified, result.warnings) == (Outcome.PULLED, True, ())
    assert result.bytes_moved == result.bytes_total
    assert read_tree(result.path) == read_tree(model)


@pytest.mark.parametrize("size", [MiB, 30 * MiB], ids=["one part", "several parts"])
@pytest.mark.parametrize("strategy", [TransmissionStrategy.PRESIGNED_URL, None])
def test_damage_in_the_store_is_found_and_nothing_is_installed(
    strategy: TransmissionStrategy | None, size: int, make_registry: RegistryFactory, make_sides: SidesFactory
) -> None:
    server = make_registry(strategy=strategy)
    pushed(make_sides(server, "author"), size)
    damage(server)
    sides = make_sides(server)
    with pytest.raises(IntegrityError, match="iris:v1 in the registry is damaged"):
        pull(TAG, sides, verify=True)
    assert sides.store.find(TAG) is None
    assert not list(sides.store.stage_root.rglob("*.bin"))
    assert not pull(TAG, sides).verified  # nobody asked: it comes, and is not called verified


def test_damage_leaves_the_version_that_a_force_would_have_replaced(
    registry_server: RegistryServer, make_sides: SidesFactory
) -> None:
    pushed(make_sides(registry_server, "author"))
    damage(registry_server)
    sides = make_sides(registry_server)
    mine = write_model(sides.store.home, "iris:v1", files={"mine.txt": b"mine"})
    before = read_tree(mine)
    with pytest.raises(IntegrityError):
        pull(TAG, sides, force=True, verify=True)
    assert read_tree(mine) == before


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_an_archive_of_bentoml_is_compared_plain_or_compressed(
    mode: str, registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    registered(registry_server, bentoml_tar(tmp_path, mode), 8 * MiB)
    sides = make_sides(registry_server)
    result = pull(TAG, sides, verify=True)
    assert (result.verified, result.warnings) == (True, ())
    assert read_tree(result.path) == read_tree(tmp_path / "made")


def test_an_archive_without_an_index_that_went_up_whole_is_found_damaged(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    archive = bentoml_tar(tmp_path)
    registered(registry_server, archive, len(archive))
    damage(registry_server)
    with pytest.raises(IntegrityError):
        pull(TAG, make_sides(registry_server), verify=True)


def test_a_part_that_is_cut_on_its_way_is_hashed_once(bench: Bench) -> None:
    model = bench.publish(30 * MiB)
    bench.proxy.misbehave(
        cut_answer(3 * MiB), method="GET", times=3, where=lambda request: request.range != (0, MiB - 1)
    )
    result = pull(TAG, bench.sides("reader"), verify=True)
    assert (result.verified, result.retries > 0) == (True, True)
    bench.assert_pulled(model)


@pytest.mark.parametrize("size", [3 * MiB, MiB], ids=["longer", "shorter"])
def test_an_object_replaced_between_head_and_stream_is_told_as_replaced(
    size: int, bench: Bench, tmp_path: Path
) -> None:
    registered(bench.server, bentoml_tar(tmp_path, "w:gz", size=2 * MiB), 8 * MiB)
    other = bentoml_tar(tmp_path / "other", "w:gz", size=size)
    bench.proxy.misbehave(
        after(replace_object(bench, other), no_harm),
        method="GET",
        where=lambda request: request.range is not None and request.range[1] is None,
    )
    with pytest.raises(RemoteChangedError) as caught:
        pull(TAG, bench.sides("reader"), verify=True)
    assert caught.value.hint
    bench.assert_nothing_pulled()
    assert pull(TAG, bench.sides("reader"), verify=True).verified


def test_a_stream_that_is_longer_under_the_same_etag_is_damage(bench: Bench) -> None:
    bench.publish(size=MiB)

    def longer(exchange: Exchange) -> None:
        with exchange.ask() as answer:
            del answer.headers["Content-Length"]
            exchange.pass_on(answer)
        exchange.give(bytes(MiB))  # which an archive may end with
        exchange.hang_up()

    bench.proxy.misbehave(stream_through(whole_object, longer), method="GET", times=ALWAYS)
    with pytest.raises(IntegrityError, match="More came") as caught:
        pull(TAG, bench.sides("reader"), verify=True)
    assert caught.value.hint
    bench.assert_nothing_pulled()


def test_parts_of_an_unknown_size_are_told(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    registered(registry_server, bentoml_tar(tmp_path, size=3 * MiB), 64 * 1024)
    result = pull(TAG, make_sides(registry_server), verify=True)
    assert_only_size_and_structure(result, "not known")


def test_a_wrong_guess_of_the_part_size_is_no_damage(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    registered(registry_server, bentoml_tar(tmp_path), 7 * MiB)  # three parts, as of 8 MiB
    result = pull(TAG, make_sides(registry_server), verify=True)
    assert_only_size_and_structure(result, "not known for certain")


def test_a_download_through_the_registry_itself_is_told(
    make_registry: RegistryFactory, make_sides: SidesFactory
) -> None:
    server = make_registry(strategy=TransmissionStrategy.PROXY)
    pushed(make_sides(server, "author"), MiB)
    assert_only_size_and_structure(pull(TAG, make_sides(server), verify=True), "without an ETag")


def test_an_etag_of_an_encrypted_object_is_not_compared(bench: Bench) -> None:
    bench.publish()
    bench.proxy.misbehave(encrypted, method="GET", times=100)
    assert_only_size_and_structure(pull(TAG, bench.sides("reader"), verify=True), "encrypted")


def encrypted(exchange: Exchange) -> None:
    """The store says that the object is kept under SSE-KMS."""
    with exchange.ask() as answer:
        exchange.keep = exchange.pass_on(answer, headers={"x-amz-server-side-encryption": "aws:kms"})


def test_a_pull_that_goes_on_from_an_earlier_run_is_not_called_verified(
    registry_server: RegistryServer, make_sides: SidesFactory
) -> None:
    pushed(make_sides(registry_server, "author"), 40 * MiB)
    sides = make_sides(registry_server, threads=2)
    sides.workers.bandwidth.limit = 32 * MiB
    control, progress = Control(), Progress()
    when(lambda: progress.bytes_moved > 16 * MiB, control.pause)
    with pytest.raises(Paused):
        pull(TAG, sides, verify=True, control=control, progress=progress)
    sides.workers.bandwidth.limit = None
    result = pull(TAG, sides, verify=True)
    assert result.resumed
    assert_only_size_and_structure(result, "earlier run")


def test_a_pull_that_is_skipped_says_that_nothing_was_compared(
    registry_server: RegistryServer, make_sides: SidesFactory
) -> None:
    sides = make_sides(registry_server)
    pushed(sides, MiB)
    result = pull(TAG, sides, verify=True)
    assert (result.outcome, result.verified) == (Outcome.SKIPPED, False)
    assert "nothing was compared" in result.warnings[0]


def head(etag: str | None, total: int | None, *, encrypted: bool = False) -> Head:
    return Head(total, ETag(etag) if etag else None, b"", ranged=True, encrypted=encrypted)


def index(part_size: int) -> ArchiveIndex:
    return ArchiveIndex(MemberTable(), part_size)


@pytest.mark.parametrize(
    ("etag", "total", "told", "size", "certain"),
    [
        (f'"{DIGEST}"', 250 * MiB, None, 250 * MiB, True),
        (f"{DIGEST}-1", 250 * MiB, None, 250 * MiB, True),
        (f'"{DIGEST}-3"', 250 * MiB, None, 100 * MiB, True),
        (f'"{DIGEST}-32"', 250 * MiB, 8 * MiB, 8 * MiB, True),
        (f'"{DIGEST}-32"', 250 * MiB, None, 8 * MiB, False),
        (f'"{DIGEST}-3"', 250 * MiB, 8 * MiB, 100 * MiB, False),
        (f'"{DIGEST}"', 0, None, 1, True),
    ],
    ids=["whole", "one part", "bentoml", "index", "guess", "uploaded again", "empty"],
)
def test_the_part_size_is_the_one_that_gives_so_many_parts(
    etag: str, total: int, told: int | None, size: int, certain: bool
) -> None:
    parts = upload_parts(head(etag, total), index(told) if told else None)
    assert isinstance(parts, UploadParts)
    assert (parts.part_size, parts.certain, parts.digest) == (size, certain, DIGEST)


@pytest.mark.parametrize(
    "first",
    [
        head(None, MiB),
        head(f'"{DIGEST}"', MiB, encrypted=True),
        head('W/"abc"', MiB),
        head(f'"{DIGEST}-9999"', MiB),
        head(f'"{DIGEST}-3"', None),
    ],
    ids=["none", "encrypted", "weak", "no size fits", "no length"],
)
def test_an_etag_that_says_nothing_is_not_compared(first: Head) -> None:
    assert isinstance(upload_parts(first, None), NotComparable)


def test_ranges_hold_whole_parts() -> None:
    small = UploadParts(DIGEST, 100 * MiB, 5 * MiB, many=True, certain=True)
    large = UploadParts(DIGEST, 100 * MiB, 50 * MiB, many=True, certain=True)
    assert small.range_bytes(32 * MiB) == 30 * MiB
    assert large.range_bytes(32 * MiB) == 50 * MiB
