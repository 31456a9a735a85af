"""Which names an archive may write: everything else is refused by name."""

# Names are bytes here, as they need not be UTF-8, and pathlib takes none.
# ruff: noqa: PTH108, PTH118

import os
import unicodedata
from dataclasses import dataclass
from typing import Final

from modelsync.archive.table import Kind
from modelsync.errors import StoreError, UnsafeArchiveError

_SHOWN_MAX: Final = 200
_NAME_BYTES_DEFAULT: Final = 255
_PATH_BYTES_DEFAULT: Final = 4096
LEVELS_MAX: Final = 500
"""Of directories within one another; Python's own walks and removals of trees end with an error at a thousand."""
_REFUSED_HINT: Final = "Nothing was installed; ask whoever pushed this version to push it again without it."


def refused(name: bytes, why: str) -> UnsafeArchiveError:
    return UnsafeArchiveError(f"The archive holds {shown(name)}, {why}.", hint=_REFUSED_HINT)


def shown(name: bytes) -> str:
    """A name in quotes for a sentence: nothing in it can move a cursor or break a line."""
    text = name.decode("utf-8", "backslashreplace")
    plain = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return f"'{plain}'" if len(plain) <= _SHOWN_MAX else f"'{plain[:_SHOWN_MAX]}…'"


def normal_name(raw: bytes) -> bytes:
    """A member's name as the table holds it: relative, without `.` and empty components; the root is empty.

    Raises UnsafeArchiveError for an absolute name, for `..` anywhere, and for a NUL.
    """
    if raw.startswith(b"/"):
        raise refused(raw, "an absolute name")
    if b"\0" in raw:
        raise refused(raw, "a name with a zero byte in it")
    parts = [part for part in raw.split(b"/") if part not in (b"", b".")]
    if b".." in parts:
        raise refused(raw, "a name that leads out of the model")
    return b"/".join(parts)


def leads_out(name: bytes, target: bytes) -> bool:
    """Whether a symlink `name` with this target is absolute or climbs above the root, by its words alone."""
    if not target or target.startswith(b"/") or b"\0" in target:
        return True
    depth = name.count(b"/")
    for part in target.split(b"/"):
        if part == b"..":
            depth -= 1
            if depth < 0:
                return True
        elif part not in (b"", b"."):
            depth += 1
    return False


@dataclass(frozen=True, slots=True)
class FileSystem:
    """What a file system says about names."""

    folds_case: bool = False
    """`A` and `a` are one file."""
    normalises: bool = False
    """A composed and a decomposed accent are one file."""
    name_bytes_max: int = _NAME_BYTES_DEFAULT
    path_bytes_max: int = _PATH_BYTES_DEFAULT
    """Of a path relative to the directory that was probed."""

    @classmethod
    def of(cls, directory: bytes) -> "FileSystem":
        """Asks the file system of a directory we may write, by making a file there and looking it up by others."""
        try:
            folds = _same_file(directory, ".modelsync-probe-A", ".modelsync-probe-a")
            normalises = _same_file(directory, ".modelsync-probe-\u00e9", ".modelsync-probe-e\u0301")
        except OSError as exc:
            raise StoreError(
                f"{shown(directory)} cannot be written: {exc.strerror}.", hint="Look at its owner and permissions."
            ) from exc
        return cls(
            folds_case=folds,
            normalises=normalises,
            name_bytes_max=_limit(directory, "PC_NAME_MAX", _NAME_BYTES_DEFAULT),
            path_bytes_max=_limit(directory, "PC_PATH_MAX", _PATH_BYTES_DEFAULT) - len(directory) - 2,
        )

    def key(self, name: bytes) -> bytes:
        """Two names with one key are one file here."""
        if name.isascii():
            return name.lower() if self.folds_case else name
        if not (self.folds_case or self.normalises):
            return name
        text = unicodedata.normalize("NFD", name.decode("utf-8", "surrogateescape"))
        if self.folds_case:
            text = unicodedata.normalize("NFD", text.casefold())
        return text.encode("utf-8", "surrogateescape")


class NameTree:
    """The names of one archive as they are claimed, so that no two meet in one file."""

    def __init__(self, file_system: FileSystem) -> None:
        self._file_system = file_system
        self._directories: dict[bytes, bool] = {b"": False}
        """By key: whether a member said so itself; False when only a name below it did."""
        self._others: set[bytes] = set()
        self._last_parent = b""

    def claim(self, name: bytes, kind: Kind) -> list[bytes]:
        """Takes a normal name for a member; returns the directories that do not exist yet, outermost first.

        Raises UnsafeArchiveError for a name that is taken, that lies below a file or link, or that is too long here.
        """
        self._check_length(name)
        key = self._file_system.key(name)
        if key in self._others:
            raise refused(name, self._clash("a name that it holds twice"))
        parent = name.rpartition(b"/")[0]
        made = self._claim_parents(parent)
        if kind is Kind.DIRECTORY:
            if self._directories.get(key):
                raise refused(name, self._clash("a name that it holds twice"))
            if key not in self._directories:
                made.append(name)
            self._directories[key] = True
        elif key in self._directories:
            raise refused(name, self._clash("both as a directory and as something else"))
        else:
            self._others.add(key)
        return made

    def _claim_parents(self, parent: bytes) -> list[bytes]:
        if parent == self._last_parent:
            return []
        made: list[bytes] = []
        position = parent.find(b"/")
        while True:
            upper = parent if position < 0 else parent[:position]
            key = self._file_system.key(upper)
            if key in self._others:
                raise refused(upper, self._clash("a file or link with further names below it"))
            if key not in self._directories:
                self._directories[key] = False
                made.append(upper)
            if position < 0:
                break
            position = parent.find(b"/", position + 1)
        self._last_parent = parent
        return made

    def _check_length(self, name: bytes) -> None:
        if len(name) > self._file_system.path_bytes_max:
            raise refused(name, "a path longer than this file system allows")
        if len(name) > 2 * LEVELS_MAX and name.count(b"/") > LEVELS_MAX:
            raise refused(name, f"a path of more than {LEVELS_MAX} directories within one another")
        if len(name) > self._file_system.name_bytes_max and any(
            len(part) > self._file_system.name_bytes_max for part in name.split(b"/")
        ):
            raise refused(name, "a name longer than this file system allows")

    def _clash(self, why: str) -> str:
        if self._file_system.folds_case or self._file_system.normalises:
            return f"{why} (this file system takes names that differ only in case or accents' form for the same)"
        return why


def _same_file(directory: bytes, name: str, other: str) -> bool:
    path = os.path.join(directory, name.encode())  # not by the locale, which may know no such letter
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    try:
        return os.path.lexists(os.path.join(directory, other.encode()))
    finally:
        os.unlink(path)


def _limit(directory: bytes, name: str, default: int) -> int:
    try:
        limit = os.pathconf(directory, name)
    except (OSError, ValueError):
        return default
    return limit if limit > 0 else default
