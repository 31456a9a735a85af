"""What the registry's command says where a part of the machine is missing that it could use."""

import subprocess
import sys
from pathlib import Path

BLOCKED = """
import sys
sys.modules[sys.argv[1]] = None  # importing it fails from now on
import modelsync_registry.__main__ as command
if sys.argv[2]:
    sys.platform = sys.argv[2]
sys.exit(command.main(sys.argv[3:]))
"""


def run_without(module: str, platform: str, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, module, platform, *arguments],
        env={"MODELSYNC_REGISTRY_TOKEN": "token", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stderr


def test_on_windows_a_person_reads_where_the_registry_runs(tmp_path: Path) -> None:
    code, said = run_without("fcntl", "win32", "serve", "--data", str(tmp_path / "data"))
    assert (code, said) == (
        1,
        "modelsync-registry: the registry runs on Linux and macOS; on Windows, use it inside WSL.\n",
    )


def test_without_the_library_for_s3_a_person_reads_how_to_get_it(tmp_path: Path) -> None:
    code, said = run_without("botocore", "", "serve", "--data", str(tmp_path / "data"), "--objects", "s3://models")
    assert code == 1
    assert "pip install 'modelsync-tui[s3]'" in said
    assert said.count("\n") == 1
