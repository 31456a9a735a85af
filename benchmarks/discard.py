"""Receives one object and throws it away: by our data path, or by stock httpx over one connection.

Usage: python -m benchmarks.discard modelsync|httpx URL [--ca-file FILE]
"""

from __future__ import annotations

import argparse
import ssl
import sys
from collections.abc import Callable
from pathlib import Path

OURS = "modelsync"
HTTPX = "httpx"
THREADS = 10


class Nowhere:
    """A sink."""

    def write_all(self, offset: int, data: memoryview, stopped: Callable[[], None]) -> None:
        """Nothing is kept."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Receives one object and throws it away.")
    parser.add_argument("by", choices=(OURS, HTTPX))
    parser.add_argument("url")
    parser.add_argument("--ca-file", type=Path, default=None)
    options = parser.parse_args()
    (_by_ours if options.by == OURS else _by_httpx)(options.url, options.ca_file)
    return 0


def _by_ours(url: str, ca_file: Path | None) -> None:
    from modelsync.registry.targets import DataTarget  # each contender pays for its own imports only
    from modelsync.transfer.bandwidth import Bandwidth
    from modelsync.transfer.control import Control
    from modelsync.transfer.data import DataClient
    from modelsync.transfer.download import HEAD_BYTES, Fetch
    from modelsync.transfer.parts import cut, part_size_for
    from modelsync.transfer.progress import PartProgress
    from modelsync.transfer.workers import Workers

    control = Control()
    fetch = Fetch(lambda _control: DataTarget(url), DataClient(ca_file=ca_file), Bandwidth())
    head = fetch.head(control, PartProgress(1, 0, HEAD_BYTES))
    assert head.total_bytes is not None
    parts = cut(head.total_bytes, part_size_for(head.total_bytes, THREADS), HEAD_BYTES)
    counters = [PartProgress(part.number, part.start, part.size) for part in parts]
    fetch.ranges(parts, counters, Nowhere(), head.etag, Workers(THREADS), control)


def _by_httpx(url: str, ca_file: Path | None) -> None:
    import httpx

    context = ssl.create_default_context(cafile=ca_file)
    with httpx.Client(verify=context, trust_env=False) as client, client.stream("GET", url) as answer:
        answer.raise_for_status()
        for _ in answer.iter_raw():
            pass


if __name__ == "__main__":
    sys.exit(main())
