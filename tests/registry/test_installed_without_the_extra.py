"""`modelsync-registry` where only the client's own dependencies were installed."""

import subprocess
import sys
from importlib.metadata import version

import pytest

from modelsync_registry.entry import EXTRA


@pytest.mark.parametrize("missing", EXTRA)
def test_a_registry_without_its_extra_says_how_to_install_it(missing: str) -> None:
    code = f"import sys; sys.modules['{missing}'] = None; from modelsync_registry.entry import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code, "serve", "--data", "none"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip install 'modelsync-tui[registry]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_with_its_extra_the_command_runs() -> None:
    code = "import sys; from modelsync_registry.entry import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code, "serve", "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "--token-file" in done.stdout


def test_the_command_says_which_version_it_is() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "modelsync_registry", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"modelsync-registry {version('modelsync-tui')}\n"
