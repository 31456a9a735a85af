"""Shell completion: a real bash that presses Tab, and the code for the others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.command import Command
from support.local_store import write_model

PRESS_TAB = """
eval "$(modelsync completion bash 2>/dev/null)"
COMP_LINE=$1; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9; COMP_KEY=9; COMPREPLY=()
_python_argcomplete modelsync
printf '%s\\n' "${COMPREPLY[@]}"
"""


def pressed_tab(command: Command, line: str) -> list[str]:
    """What bash offers when Tab is pressed behind `line`."""
    environ = {**command.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    done = subprocess.run(
        ["bash", "--norc", "-c", PRESS_TAB, "bash", line], env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    return [word.strip() for word in done.stdout.splitlines() if word.strip()]


def test_tab_completes_commands_flags_and_choices(command: Command) -> None:
    assert pressed_tab(command, "modelsync pu") == ["push", "pull"]
    assert pressed_tab(command, "modelsync push --fo") == ["--force"]
    assert pressed_tab(command, "modelsync ls re") == ["remote"]
    assert pressed_tab(command, "modelsync completion fi") == ["fish"]


def test_tab_knows_the_versions_of_the_local_store(command: Command) -> None:
    for tag in "iris:v1", "iris:v2", "llama:a":
        write_model(command.store, tag)
    assert pressed_tab(command, "modelsync push ir") == ["iris", "iris:v1", "iris:v2"]
    assert pressed_tab(command, "modelsync delete ir") == ["iris:v1", "iris:v2"]
    assert pressed_tab(command, "modelsync delete --name l") == ["llama"]
    assert pressed_tab(command, "modelsync ls local ll") == ["llama", "llama:a"]
    assert pressed_tab(command, "modelsync ls remote ll") == []


def test_flags_are_offered_behind_a_dash_and_not_among_the_versions(command: Command) -> None:
    write_model(command.store, "iris:v1")
    assert pressed_tab(command, "modelsync push ") == ["iris", "iris:v1"]
    assert {"--force", "--dry-run", "--json"} <= set(pressed_tab(command, "modelsync push iris:v1 --"))


def test_tab_honours_the_store_that_was_named(command: Command, tmp_path: Path) -> None:
    write_model(tmp_path / "other", "fraud:v1")
    assert pressed_tab(command, f"modelsync --store {tmp_path / 'other'} verify fr") == ["fraud", "fraud:v1"]


def test_a_tab_where_the_settings_are_wrong_offers_nothing_and_says_nothing(command: Command) -> None:
    write_model(command.store, "iris:v1")
    assert pressed_tab(command.with_(MODELSYNC_THREADS="none"), "modelsync push ir") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_code_on_stdout_and_is_told_where_it_goes(command: Command, shell: str) -> None:
    done = command.run("completion", shell)
    assert done.code == 0
    assert "modelsync" in done.out
    assert f"modelsync completion {shell}" in done.err
    assert command.run("completion", shell, "--quiet").err == ""


def test_a_shell_that_is_not_known_is_a_usage_error(command: Command) -> None:
    assert command.run("completion", "csh").code == 2
