"""Signals that end the command at odd moments, and one that was told not to."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelsync_cli.signals import EXIT_INTERRUPTED
from support.command import Command
from support.local_store import write_model
from support.registry_server import RegistryServer, model_path
from support.waiting import wait_for

ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
SLOW_IMPORT = """
import sys, time
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "modelsync_cli.parser":
            open({marker!r}, "w").close()
            time.sleep(60)
sys.meta_path.insert(0, Finder)
"""
"""Stops Python where it loads the command."""


@pytest.fixture
def hang_ups_are_ignored() -> Iterator[None]:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hang_ups_are_heard")
@pytest.mark.parametrize("number", ENDING)
def test_an_interrupt_while_the_program_is_loaded_is_a_sentence(
    command: Command, tmp_path: Path, number: signal.Signals
) -> None:
    slow, marker = tmp_path / "slow", tmp_path / "loading"
    slow.mkdir()
    (slow / "sitecustomize.py").write_text(SLOW_IMPORT.format(marker=str(marker)))
    process = command.with_(PYTHONPATH=str(slow)).start("ls", "local")
    wait_for(marker.exists, within_s=30, what="the program being loaded")
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (EXIT_INTERRUPTED, "", "error: Interrupted.\n")


@pytest.mark.usefixtures("hang_ups_are_ignored")
def test_under_nohup_a_push_outlives_its_terminal(signed_in: Command, registry_server: RegistryServer) -> None:
    write_model(signed_in.store, "m:v1", files={"w.bin": os.urandom(400_000)})
    process = signed_in.start("push", "m:v1", "--bandwidth", "200 kB/s")

    def begun() -> bool:
        return registry_server.api.get(model_path("m", "v1")).status_code == 200

    wait_for(begun, within_s=30, what="the upload beginning")
    process.send_signal(signal.SIGHUP)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out.startswith("pushed")


def test_a_settings_file_named_from_a_folder_that_is_gone_is_a_sentence(command: Command, tmp_path: Path) -> None:
    """The folder of the process goes, as that of a container whose volume was taken away."""
    gone = tmp_path / "gone"
    gone.mkdir()
    leave = f"import os\nos.chdir({str(gone)!r})\nos.rmdir({str(gone)!r})\n"
    (tmp_path / "sitecustomize.py").write_text(leave)
    done = command.with_(PYTHONPATH=str(tmp_path)).run("locate", "--config", "own.toml")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: --config own.toml cannot be found from here")
    assert done.err.count("\n") == 1
