"""What a push loads before its first byte leaves, and what it leaves to those who need it."""

import subprocess
import sys
from dataclasses import FrozenInstanceError, replace

import pytest

from modelsync.results import Outcome, PushResult, TransferResult
from modelsync.tag import Tag

RESULT = PushResult(tag=Tag("a", "v1"), outcome=Outcome.PUSHED, reason="new in the registry")


def test_a_push_loads_neither_the_search_language_nor_what_writes_tables() -> None:
    program = (
        "import sys, modelsync.api, modelsync.sync.pushing, modelsync_cli.transferring, modelsync.history\n"
        "print([name for name in ('modelsync.registry.query', 'csv') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_result_of_a_push_is_a_value_that_cannot_be_changed() -> None:
    assert replace(RESULT, retries=0) == RESULT
    assert replace(RESULT, retries=1) != RESULT
    assert TransferResult(tag=RESULT.tag, outcome=RESULT.outcome, reason=RESULT.reason) != RESULT
    assert repr(RESULT).startswith("PushResult(tag=Tag(name='a', version='v1')")
    assert not hasattr(RESULT, "__dict__")
    with pytest.raises(FrozenInstanceError):
        RESULT.retries = 1  # type: ignore[misc]  # what must fail
