"""The real `modelsync-registry` command in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

from support.registry_server import TOKEN


def serve(tmp_path: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Starts `modelsync-registry serve` with its data below `tmp_path`; its environment is the test's."""
    return subprocess.Popen(
        [sys.executable, "-m", "modelsync_registry", "serve", "--data", str(tmp_path / "data"), *arguments],
        env={**os.environ, "MODELSYNC_REGISTRY_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
