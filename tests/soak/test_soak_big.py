"""The claims about big models at their real size: 2 GiB killed at half, files over 8 GiB there and back."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.command import Command
from support.local_store import write_model
from support.registry_server import TOKEN, RegistryServer
from support.waiting import wait_for

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]

MiB = 1 << 20
GiB = 1 << 30
TAG = "big:v1"


def person(folder: Path, server: RegistryServer) -> Command:
    folder.mkdir()
    return Command.in_folder(folder, BENTO_CLOUD_API_KEY=TOKEN, BENTO_CLOUD_API_ENDPOINT=server.url)


def write_big(command: Command, size: int) -> Path:
    model = write_model(command.store, TAG, files={"config.json": b"{}"})
    with (model / "weights.bin").open("wb") as file:
        for _ in range(size // (16 * MiB)):
            file.write(os.urandom(16 * MiB))
    return model


def same(one: Path, other: Path) -> bool:
    return subprocess.run(["cmp", "-s", one, other], check=False).returncode == 0


def killed_at_half(command: Command, direction: str, moved: Callable[[], int]) -> float:
    """Which part of the whole the second run moved."""
    process = command.start(direction, TAG, "--bandwidth", "160MiB/s")
    wait_for(lambda: moved() >= GiB or process.poll() is not None, within_s=600, what="half of it")
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, "it ended before it could be killed"
    (record,) = command.run(direction, TAG, "--json").records
    assert (record["error"], record["resumed"]) == (None, True)
    sent, total = record["bytes_moved"], record["bytes_total"]
    assert isinstance(sent, int)
    assert isinstance(total, int)
    print(f"{direction}: {sent / total:.3f} of {total / GiB:.2f} GiB in the second run")  # noqa: T201
    return sent / total


def stored_bytes(server: RegistryServer) -> int:
    return sum(path.stat().st_size for path in server.data.rglob("*") if path.is_file())


def test_two_gibibytes_killed_at_half_move_less_than_six_tenths_again(
    registry_server: RegistryServer, tmp_path: Path
) -> None:
    author = person(tmp_path / "author", registry_server)
    model = write_big(author, 2 * GiB)
    before = stored_bytes(registry_server)
    assert killed_at_half(author, "push", lambda: stored_bytes(registry_server) - before) < 0.6
    reader = person(tmp_path / "reader", registry_server)

    def written() -> int:
        return sum(path.stat().st_blocks * 512 for path in (reader.store / "tmp").rglob("weights.bin"))

    assert killed_at_half(reader, "pull", written) < 0.6
    assert same(model / "weights.bin", reader.store / "models/big/v1/weights.bin")


def test_a_file_over_eight_gibibytes_goes_there_and_comes_back(registry_server: RegistryServer, tmp_path: Path) -> None:
    author = person(tmp_path / "author", registry_server)
    model = write_model(author.store, TAG, files={"config.json": b"{}"})
    with (model / "weights.bin").open("wb") as file:
        file.truncate(8 * GiB + 12_345)
        for at in (0, 4 * GiB - 1, 8 * GiB - 1, 8 * GiB + 12_000):
            file.seek(at)
            file.write(os.urandom(300))
    (model / "zlast.txt").write_bytes(b"behind it")
    assert author.run("push", TAG).code == 0
    reader = person(tmp_path / "reader", registry_server)
    assert reader.run("pull", TAG).code == 0
    there = reader.store / "models/big/v1"
    assert (there / "weights.bin").stat().st_size == 8 * GiB + 12_345
    assert same(model / "weights.bin", there / "weights.bin")
    assert (there / "zlast.txt").read_bytes() == b"behind it"
