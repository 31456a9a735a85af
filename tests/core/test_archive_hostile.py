"""Archives that lie, are cut, or would write where they must not."""

import io
import os
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from modelsync.archive.index import read_index
from modelsync.archive.layout import ArchiveLayout
from modelsync.archive.safe_names import FileSystem, NameTree, normal_name, shown
from modelsync.archive.settle import settle
from modelsync.archive.table import BLOCK_BYTES, Kind, MemberTable
from modelsync.archive.target_files import TargetFiles
from modelsync.archive.unpack import Unpacker
from modelsync.errors import ArchiveError, IntegrityError, NoSpaceError, UnsafeArchiveError
from support.archives import Entry, files_of, python_tar, sample_model, unpack_in_order, whole

DIR, SYM, LNK = tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE

UNSAFE = {
    "an absolute name": [Entry("/etc/cron.d/evil", b"x")],
    "a climbing name": [Entry("../evil", b"x")],
    "a name that climbs in the middle": [Entry("a/../../evil", b"x")],
    "a harmless climb": [Entry("a/../evil", b"x")],
    "a link that is absolute": [Entry("evil", kind=SYM, link="/etc/passwd")],
    "a link that climbs": [Entry("a/evil", kind=SYM, link="../../x")],
    "a link to nothing": [Entry("evil", kind=SYM, link="")],
    "a link out by way of another": [Entry("d/up", kind=SYM, link=".."), Entry("evil", kind=SYM, link="d/up/..")],
    "a file through a link": [Entry("evil", kind=SYM, link="."), Entry("evil/file", b"x")],
    "a hard link to nothing": [Entry("evil", kind=LNK, link="nothing")],
    "a hard link out": [Entry("evil", kind=LNK, link="../../etc/passwd")],
    "a hard link to a later file": [Entry("evil", kind=LNK, link="b"), Entry("b", b"x")],
    "a hard link to a symlink": [Entry("s", kind=SYM, link="x"), Entry("evil", kind=LNK, link="s")],
    "a device": [Entry("evil", kind=tarfile.CHRTYPE)],
    "a block device": [Entry("evil", kind=tarfile.BLKTYPE)],
    "a pipe": [Entry("evil", kind=tarfile.FIFOTYPE)],
    "an unknown kind": [Entry("evil", kind=b"Z")],
    "a sparse file": [Entry("evil", b"x", pax={"GNU.sparse.major": "1", "GNU.sparse.minor": "0"})],
    "a name twice": [Entry("evil", b"1"), Entry("evil", b"2")],
    "a name twice in other words": [Entry("evil", b"1"), Entry("././/evil", b"2")],
    "a directory twice": [Entry("evil", kind=DIR), Entry("evil/", kind=DIR)],
    "a file and a directory": [Entry("evil", b"1"), Entry("evil", kind=DIR)],
    "a directory and a file": [Entry("evil", kind=DIR), Entry("evil", b"1")],
    "a file with names below it": [Entry("evil", b"1"), Entry("evil/below", b"2")],
    "a file where names are below": [Entry("evil/below", b"1"), Entry("evil", b"2")],
    "a name too long": [Entry("evil" * 100, b"1")],
    "too many levels": [Entry("evil/" * 501 + "x", b"1")],
    "a path too long": [Entry("/".join(["evil"] * 1000), b"1")],
}


@pytest.mark.parametrize("entries", UNSAFE.values(), ids=UNSAFE.keys())
def test_an_unsafe_member_is_refused_by_name_and_nothing_leaves_the_directory(
    entries: list[Entry], tmp_path: Path
) -> None:
    stage = tmp_path / "in" / "stage"
    stage.mkdir(parents=True)

    with pytest.raises(UnsafeArchiveError, match="evil") as caught:
        unpack_in_order(stage, python_tar([Entry("model.yaml", b"m"), *entries]))

    assert caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["stage"]


def test_a_file_in_the_place_of_the_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafeArchiveError, match="place of the model"):
        unpack_in_order(tmp_path / "stage", python_tar([Entry("./.", b"x")]))


def test_a_message_never_holds_control_characters(tmp_path: Path) -> None:
    with pytest.raises(UnsafeArchiveError) as caught:
        unpack_in_order(tmp_path / "stage", python_tar([Entry("../\x1b[2Jevil\n" + "x" * 5000, b"x")]))

    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 400


def test_names_that_differ_in_case_clash_where_the_file_system_folds_case() -> None:
    tree = NameTree(FileSystem(folds_case=True))
    tree.claim(b"Sub/Weights", Kind.FILE)

    with pytest.raises(UnsafeArchiveError, match="sub/WEIGHTS"):
        tree.claim(b"sub/WEIGHTS", Kind.FILE)
    with pytest.raises(UnsafeArchiveError, match="SUB"):
        tree.claim(b"SUB", Kind.FILE)
    NameTree(FileSystem()).claim(b"sub/WEIGHTS", Kind.FILE)


def test_names_that_differ_in_the_form_of_an_accent_clash_where_the_file_system_normalises() -> None:
    tree = NameTree(FileSystem(normalises=True))
    tree.claim("caf\u00e9".encode(), Kind.FILE)

    with pytest.raises(UnsafeArchiveError, match="caf"):
        tree.claim("cafe\u0301".encode(), Kind.FILE)
    tree.claim(b"CAFE", Kind.FILE)


def test_the_file_system_is_asked_and_the_question_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "Case").touch()

    told = FileSystem.of(os.fsencode(tmp_path))

    assert told.folds_case == (tmp_path / "cASE").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["Case"]


@pytest.mark.parametrize(
    ("raw", "normal"), [(b"./a//b/./c/", b"a/b/c"), (b"./", b""), (b".", b""), (b"a", b"a"), (b"..a/b..", b"..a/b..")]
)
def test_names_are_made_plain(raw: bytes, normal: bytes) -> None:
    assert normal_name(raw) == normal


def test_a_name_of_any_bytes_is_shown_on_one_line() -> None:
    assert shown(b"a\xff\n\x1b") == r"'a\xff\n\x1b'"


@pytest.fixture
def small(tmp_path: Path) -> bytes:
    model = tmp_path / "model"
    (model / "sub").mkdir(parents=True)
    (model / "model.yaml").write_bytes(b"name: m\n")
    (model / "sub" / "weights.bin").write_bytes(os.urandom(1500))
    (model / "zero").touch()
    return whole(ArchiveLayout.of(model))


def _write_and_finish(unpacker: Unpacker, data: bytes) -> None:
    unpacker.write(0, data)
    unpacker.finish(len(data))


def test_every_cut_of_an_archive_is_noticed(small: bytes, tmp_path: Path) -> None:
    for number, length in enumerate([*range(0, len(small), 211), *range(0, len(small), 512)]):
        if length >= len(small):
            continue
        stage = tmp_path / f"stage{number}"
        stage.mkdir()
        end = len(small.rstrip(b"\0")) + 1024
        with Unpacker(stage, total_bytes=length) as unpacker:
            if length >= -(-end // 512) * 512:
                unpacker.write(0, small[:length])
                unpacker.finish()  # both end blocks are there: only padding is gone
                continue
            with pytest.raises(ArchiveError):
                _write_and_finish(unpacker, small[:length])


def test_every_cut_of_a_stream_of_unknown_length_is_noticed(small: bytes, tmp_path: Path) -> None:
    last_header = small.rindex(b"./zero") // 512 * 512
    for length in range(0, last_header + 1024, 97):
        stage = tmp_path / f"stage{length}"
        stage.mkdir()
        with Unpacker(stage, total_bytes=None) as unpacker:
            unpacker.write(0, small[:length])
            with pytest.raises(ArchiveError, match="whole files") as caught:
                unpacker.finish(length)
            assert caught.value.hint


def test_a_missing_range_is_noticed(small: bytes, tmp_path: Path) -> None:
    index = read_index(small)
    for start in range(0, len(small) - 100, 333):
        stage = tmp_path / f"stage{start}"
        stage.mkdir()
        with Unpacker(stage, total_bytes=len(small), index=index) as unpacker:
            unpacker.write(0, small[:start])
            unpacker.write(start + 1, small[start + 1 :])
            with pytest.raises(ArchiveError):
                unpacker.finish()


def test_a_cut_archive_says_after_how_many_files_and_inside_which(tmp_path: Path) -> None:
    data = python_tar([Entry("a", b"1" * 600), Entry("b", b"2" * 600), Entry("c", b"3" * 6000)])
    (tmp_path / "stage").mkdir()

    with Unpacker(tmp_path / "stage", total_bytes=None) as unpacker:
        unpacker.write(0, data[:6000])
        with pytest.raises(ArchiveError, match="after 2 whole files, inside 'c'"):
            unpacker.finish(6000)
    (tmp_path / "again").mkdir()
    with Unpacker(tmp_path / "again", total_bytes=6000) as unpacker:
        with pytest.raises(ArchiveError, match="inside 'c', after 2 whole files"):
            unpacker.write(0, data[:6000])


@pytest.mark.parametrize("cut", [5_000, 3_072, 3_500, 1_000, 2_000])
def test_the_servers_error_behind_a_cut_is_quoted(tmp_path: Path, cut: int) -> None:
    data = python_tar([Entry("a", b"1" * 600), Entry("b", b"2" * 600), Entry("c", b"3" * 6000)])
    (tmp_path / "stage").mkdir()
    sent = data[:cut] + b'{"error":"copy object: connection reset"}'

    with Unpacker(tmp_path / "stage", total_bytes=None) as unpacker, pytest.raises(ArchiveError) as caught:
        _write_and_finish(unpacker, sent)

    if cut != 2_000:  # there it fell into the padding behind a file, which is not looked at
        assert "copy object: connection reset" in caught.value.message


def test_something_behind_the_end_is_quoted(small: bytes, tmp_path: Path) -> None:
    (tmp_path / "stage").mkdir()

    with Unpacker(tmp_path / "stage", total_bytes=None) as unpacker:
        with pytest.raises(ArchiveError, match="copy object"):
            unpacker.write(0, small + b'{"error":"copy object"}')


def test_one_end_block_is_not_two(tmp_path: Path) -> None:
    data = python_tar([Entry("a", b"1")])

    for length in (1024, 1536, 2047):
        (tmp_path / f"stage{length}").mkdir()
        with pytest.raises(ArchiveError):
            unpack_in_order(tmp_path / f"stage{length}", data[:length])
    unpack_in_order(tmp_path / "whole", data[:2048])


@pytest.mark.parametrize("at", [148, 0, 124, 257])
def test_a_damaged_header_is_no_end_of_the_archive(tmp_path: Path, at: int) -> None:
    data = bytearray(python_tar([Entry("a", b"1"), Entry("b", b"2")]))
    data[1024 + at] ^= 0x15

    with pytest.raises(ArchiveError, match="1024"):
        unpack_in_order(tmp_path / "stage", bytes(data))


@pytest.mark.parametrize(
    "records",
    [b"9 path=a", b"999999999 path=a\n", b"x path=a\n", b"9 path=ab\n", b"3 =\n", b"\xff" * 30, b"8 size=x\n"],
)
def test_a_broken_pax_header_is_an_error(tmp_path: Path, records: bytes) -> None:
    header = bytearray(python_tar([Entry("h", b"x" * len(records))])[:1024])
    header[156:157] = b"x"
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header[:512])
    header[512 : 512 + len(records)] = records

    with pytest.raises(IntegrityError):
        unpack_in_order(tmp_path / "stage", bytes(header) + python_tar([Entry("a", b"1")]))


def test_a_special_header_of_endless_length_is_refused(tmp_path: Path) -> None:
    header = bytearray(python_tar([Entry("h", b"")])[:512])
    header[156:157] = b"L"
    header[124:136] = b"77777777777\0"
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)

    with pytest.raises(ArchiveError, match="special header"):
        unpack_in_order(tmp_path / "stage", bytes(header) + bytes(4096))


def test_an_archive_that_is_not_what_its_index_says_is_refused(tmp_path: Path) -> None:
    model = sample_model(tmp_path / "model")
    data = whole(ArchiveLayout.of(model))
    index = read_index(data, len(data))
    assert index is not None
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        header_at = tar.getmember("./weights.bin").offset_data - 512
    for at, byte in {header_at + 2: b"W", header_at + 100: b"0000755\0"}.items():
        lying = bytearray(data)
        lying[at : at + len(byte)] = byte
        lying[header_at + 148 : header_at + 156] = b"        "
        total = sum(lying[header_at : header_at + 512])
        lying[header_at + 148 : header_at + 156] = b"%06o\0 " % total
        stage = tmp_path / f"stage{at}"
        stage.mkdir()

        with Unpacker(stage, total_bytes=len(data), index=index) as unpacker:
            with pytest.raises(ArchiveError, match=r"weights\.bin"):
                unpacker.write(0, lying)
            with pytest.raises(ArchiveError, match=r"weights\.bin"):
                unpacker.finish()


def test_an_index_cannot_write_what_a_header_may_not(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.yaml").write_bytes(b"m")
    (model / "xx").mkdir()
    (model / "xx" / "evil").write_bytes(b"e")
    layout = ArchiveLayout.of(model)
    index = read_index(whole(layout))
    assert index is not None
    index.table._names[:] = index.table._names.replace(b"xx/evil", b"../evil")
    (tmp_path / "stage").mkdir()

    with pytest.raises(UnsafeArchiveError, match="evil"):
        Unpacker(tmp_path / "stage", total_bytes=layout.size_bytes, index=index)


def test_hard_links_that_would_fill_the_disk_are_not_copied(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    table = MemberTable()
    table.append(b"a", Kind.FILE, 1 << 50, 0, b"", BLOCK_BYTES)
    table.append(b"b", Kind.HARDLINK, 0, 0, b"a", table.members_end + BLOCK_BYTES)

    with closing(TargetFiles(os.fsencode(tmp_path), table)) as files:
        with pytest.raises(NoSpaceError, match="hard links") as caught:
            settle(table, files, lambda: None)

    assert caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_odd_but_harmless_names_are_written(tmp_path: Path) -> None:
    names = ["..a", "a..", "...", "a b", "a\\b", "-rf", "*", "\u202eevil", "new\nline"]

    unpack_in_order(tmp_path / "stage", python_tar([Entry(name, name.encode()) for name in names]))

    assert files_of(tmp_path / "stage") == {name: name.encode() for name in names}
