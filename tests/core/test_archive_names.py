"""Which names and links of an archive are refused by their words alone, before anything is written."""

import tarfile
from pathlib import Path

import pytest

from modelsync.archive.safe_names import FileSystem, NameTree, leads_out
from modelsync.archive.table import Kind
from modelsync.errors import UnsafeArchiveError
from support.archives import Entry, python_tar, unpack_in_order

COMPOSED, DECOMPOSED = "caf\u00e9".encode(), "cafe\u0301".encode()


@pytest.mark.parametrize("name", ["evil\0", "evil\0/x", "a/evil\0.txt"])
def test_a_name_with_a_zero_byte_in_it_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnsafeArchiveError, match=r"evil.* a name with a zero byte in it"):
        unpack_in_order(tmp_path / "stage", python_tar([Entry("x", b"x", pax={"path": name})]))


def test_a_link_with_a_zero_byte_in_it_is_refused(tmp_path: Path) -> None:
    entry = Entry("evil", kind=tarfile.SYMTYPE, link="y", pax={"linkpath": "x\0"})
    with pytest.raises(UnsafeArchiveError, match="a link that leads out of the model"):
        unpack_in_order(tmp_path / "stage", python_tar([entry]))


@pytest.mark.parametrize(
    ("name", "target"),
    [
        (b"link", b".."),
        (b"link", b"/etc"),
        (b"link", b"./../x"),
        (b"link", b"a//../../x"),
        (b"link", b"a/./../../x"),
        (b"link", b"a/../../model/x"),
        (b"a/link", b"../../x"),
        (b"a/b/link", b"../c/../../../x"),
    ],
)
def test_a_link_that_climbs_above_the_model_leads_out(name: bytes, target: bytes) -> None:
    assert leads_out(name, target)


@pytest.mark.parametrize(
    ("name", "target"),
    [
        (b"link", b"x"),
        (b"link", b"a/../x"),
        (b"link", b"..x/x.."),
        (b"a/link", b".."),
        (b"a/link", b"../x"),
        (b"a/b/link", b"./..//../x"),
    ],
)
def test_a_link_that_stays_in_the_model_is_taken(name: bytes, target: bytes) -> None:
    assert not leads_out(name, target)


def test_letters_beyond_ascii_fold_where_the_file_system_folds_case() -> None:
    tree = NameTree(FileSystem(folds_case=True))
    tree.claim("\u00c4.bin".encode(), Kind.FILE)
    with pytest.raises(UnsafeArchiveError, match="differ only in case"):
        tree.claim("\u00e4.bin".encode(), Kind.FILE)
    plain = NameTree(FileSystem(normalises=True))
    plain.claim("\u00c4.bin".encode(), Kind.FILE)
    plain.claim("\u00e4.bin".encode(), Kind.FILE)


def test_two_forms_of_an_accent_stand_side_by_side_where_the_file_system_keeps_them_apart() -> None:
    tree = NameTree(FileSystem())
    tree.claim(COMPOSED, Kind.FILE)
    tree.claim(DECOMPOSED, Kind.FILE)
    with pytest.raises(UnsafeArchiveError, match="a name that it holds twice\\.") as caught:
        tree.claim(COMPOSED, Kind.FILE)
    assert "file system" not in caught.value.message
