"""What `y` copies goes to the terminal as OSC 52, and a shell takes the command as it was meant."""

import re
import shlex
from base64 import b64decode
from pathlib import Path

import pytest

from modelsync_tui.catalog import Catalog
from modelsync_tui.clipboard import COMMAND, PATH, TAG, text_of
from modelsync_tui.listing import Side
from support.local_store import write_model
from support.screen_program import ScreenProgram, environ_for

OSC_52 = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]+)(?:\x07|\x1b\\)")


@pytest.mark.parametrize(
    ("letter", "copied"), [(TAG, "bert:v1"), (PATH, "{store}/models/bert/v1"), (COMMAND, "modelsync push bert:v1")]
)
def test_the_terminal_is_told_to_copy_it(tmp_path: Path, letter: str, copied: str) -> None:
    store = tmp_path / "a store"
    write_model(store, "bert:v1")
    program = ScreenProgram(["-m", "modelsync_tui", "--store", str(store)], environ_for(tmp_path))
    program.wait_for(b"bert")
    program.type(b"y")
    program.wait_for(b"shell command")
    program.type(letter.encode())
    program.wait_for(b"Copied")
    program.type(b"q")
    assert program.end() == 0
    (sent,) = OSC_52.findall(program.output)
    assert b64decode(sent).decode() == copied.format(store=store)


@pytest.mark.parametrize("name", ["a b", "$(reboot)", "it's", "-x", "`id`", "a;b", "a\nb"])
def test_a_shell_reads_each_tag_and_context_as_one_word(name: str) -> None:
    command = text_of(COMMAND, [(name, "v1"), ("iris", name)], Side.REMOTE, Catalog(), name)
    assert shlex.split(command) == ["modelsync", "pull", f"{name}:v1", f"iris:{name}", "--context", name]
