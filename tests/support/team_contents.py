"""Random models that carry a name of their own inside, so that whoever meets one can tell if it is whole."""

import hashlib
import io
import random
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from support.local_store import CREATED, fill_model

ID_FILE = "0-id.txt"
MiB = 1 << 20
_LOOKS_MAX = 200

Digests = Mapping[str, str]


def random_files(luck: random.Random, *, largest: int = 20 * MiB) -> dict[str, bytes]:
    """A few large files, or many small ones, or both, or hardly any."""
    large = luck.choice((0, 0, 1, 1, 2))
    files = {f"part-{number}.bin": luck.randbytes(luck.randrange(largest)) for number in range(large)}
    for number in range(luck.choice((1, 1, 10, 300))):
        files[f"sub-{number % 7}/{number}.txt"] = luck.randbytes(luck.choice((0, 1, 511, 512, 513, 20_000)))
    return files


@dataclass(slots=True)
class Contents:
    """All contents that were ever written, by tag and by their own name."""

    _known: dict[str, dict[str, Digests]] = field(default_factory=dict)

    def write(self, directory: Path, tag: str, luck: random.Random, *, largest: int = 20 * MiB) -> str:
        """Makes a new one in `directory`; its name."""
        name = f"{luck.getrandbits(64):016x}"
        files = {ID_FILE: name.encode(), **random_files(luck, largest=largest)}
        fill_model(directory, tag, files=files, created=CREATED + timedelta(seconds=luck.randrange(1000)))
        # Not of `files`: model.yaml counts as well.
        self._known.setdefault(tag, {})[name] = _digests_of(directory)
        return name

    def in_directory(self, directory: Path, tag: str) -> str | None:
        """Which one is there; None where none is. Fails where it is not one of this tag, whole.

        Another process may put another one in its place while it is read: then it is read again.
        """
        for _ in range(_LOOKS_MAX):
            before = _inode(directory)
            if before is None:
                return None
            try:
                found = _digests_of(directory)
                name = (directory / ID_FILE).read_text()
            except (FileNotFoundError, NotADirectoryError):
                found, name = {}, ""
            if _inode(directory) == before:
                return self._checked(tag, name, found, str(directory))
        raise AssertionError(f"{directory} does not come to rest")

    def in_archive(self, data: bytes, tag: str) -> str:
        """Which one an archive holds; fails where it is not one of this tag, whole."""
        found: dict[str, str] = {}
        name = ""
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            for member in tar:
                if not member.isfile():
                    continue
                file = tar.extractfile(member)
                assert file is not None
                content = file.read()
                path = member.name.removeprefix("./")
                found[path] = hashlib.sha256(content).hexdigest()
                if path == ID_FILE:
                    name = content.decode()
        return self._checked(tag, name, found, f"the archive of {tag}")

    def _checked(self, tag: str, name: str, found: Digests, where: str) -> str:
        known = self._known.get(tag, {})
        assert name in known, f"{where} holds {name!r}, which nobody wrote as {tag}; it has {sorted(found)[:5]}"
        wrong = sorted(path for path in {*found, *known[name]} if found.get(path) != known[name].get(path))
        assert not wrong, f"{where} is not whole: {wrong[:10]}"
        return name


def _digests_of(directory: Path) -> dict[str, str]:
    return {
        path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except (FileNotFoundError, NotADirectoryError):
        return None
