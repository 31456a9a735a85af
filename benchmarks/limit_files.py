"""What this machine allows for a model of many files: see `limit`, of which this is the half with a file per member.

How it works: a plan, made before, says where each file lies in the archive. A push sends every file by `sendfile` with
as many zeros before it as its headers take; a pull receives a file with what stands before it and writes it once.

Usage: python -m benchmarks.limit_files push|pull PLAN FOLDER URL
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from benchmarks.limit import PIECE_BYTES, STRETCH_BYTES, ask, head, share

BEFORE_MAX_BYTES = 64 << 10
"""Of headers between two files."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the archive."""

    name: str
    offset: int
    """Of its content in the archive, in bytes."""
    size: int


def write_plan(archive: Path, plan: Path) -> None:
    """Writes down where the files of an archive lie."""
    with tarfile.open(archive) as tar:
        plan.write_text(json.dumps([(one.name, one.offset_data, one.size) for one in tar if one.isreg()]))


def main() -> int:
    parser = argparse.ArgumentParser(description="Moves a folder by bare system calls.")
    parser.add_argument("direction", choices=("push", "pull"))
    parser.add_argument("plan", type=Path)
    parser.add_argument("folder")
    parser.add_argument("url")
    options = parser.parse_args()
    url, folder = urlsplit(options.url), os.path.join(options.folder, "")  # noqa: PTH118 - joined for every file
    members = [Member(*fields) for fields in json.loads(options.plan.read_text())]
    if options.direction == "push":
        share(_stretches(members), lambda sock, stretch: _push(sock, url, folder, *stretch), url)
    else:
        for parent in {os.path.dirname(member.name) for member in members}:  # noqa: PTH120
            os.makedirs(folder + parent, exist_ok=True)  # noqa: PTH103
        share(_stretches(members), lambda sock, stretch: _pull(sock, url, folder, *stretch), url)
    return 0


def _stretches(members: Iterable[Member]) -> list[tuple[int, list[Member]]]:
    """Files in a row, and where in the archive what belongs to them begins."""
    start, end, row = 0, 0, list[Member]()
    stretches = []
    for member in members:
        row.append(member)
        end = member.offset + member.size
        if end - start >= STRETCH_BYTES:
            stretches.append((start, row))
            start, row = end, []
    return [*stretches, (start, row)] if row else stretches


def _push(sock: socket.socket, url: SplitResult, folder: str, start: int, row: list[Member]) -> None:
    length = row[-1].offset + row[-1].size - start
    number = start // STRETCH_BYTES + 1
    ask(sock, url, f"PUT {url.path}?partNumber={number}&uploadId=limit", f"Content-Length: {length}")
    zeros = bytes(BEFORE_MAX_BYTES)
    for member in row:
        sock.sendall(zeros[: member.offset - start], socket.MSG_MORE)
        file = os.open(folder + member.name, os.O_RDONLY)
        at = 0
        while at < member.size:
            at += os.sendfile(sock.fileno(), file, at, min(PIECE_BYTES, member.size - at))
        os.close(file)
        start = member.offset + member.size
    head(sock, "200")


def _pull(sock: socket.socket, url: SplitResult, folder: str, start: int, row: list[Member]) -> None:
    ask(sock, url, f"GET {url.path}", f"Range: bytes={start}-{row[-1].offset + row[-1].size - 1}")
    head(sock, "206")
    buffer = memoryview(bytearray(PIECE_BYTES))
    for member in row:
        file = os.open(folder + member.name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        end = member.offset + member.size
        while start < end:
            count = sock.recv_into(buffer, min(PIECE_BYTES, end - start), socket.MSG_WAITALL)
            if not count:
                raise ValueError("the connection was closed early")
            skipped = max(member.offset - start, 0)
            os.pwrite(file, buffer[skipped:count], start + skipped - member.offset)
            start += count
        os.close(file)


if __name__ == "__main__":
    sys.exit(main())
