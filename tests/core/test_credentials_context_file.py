"""The file of contexts: which one is current when another is forgotten, and what a file may not say."""

import json
from pathlib import Path

import pytest

from modelsync.account import Context, TokenSource
from modelsync.credentials.context_file import ContextFile, KeptContext, KeptContexts
from modelsync.errors import AuthenticationError

ONE, TWO = (KeptContext(Context(name, "https://registry.example"), TokenSource.FILE) for name in ("one", "two"))


def test_forgetting_a_context_leaves_the_current_one_unless_it_is_that(tmp_path: Path) -> None:
    kept = KeptContexts({}, None).with_(ONE).with_(TWO)
    assert (kept.without("one").current, list(kept.without("one").by_name)) == ("two", ["two"])
    assert (kept.without("two").current, list(kept.without("two").by_name)) == (None, ["one"])


def test_a_current_context_that_is_not_kept_is_none(tmp_path: Path) -> None:
    file = ContextFile(tmp_path / "contexts.json")
    file.write(KeptContexts({"one": ONE}, "gone"))
    assert file.read() == KeptContexts({"one": ONE}, None)


@pytest.mark.parametrize("contexts", [None, {}, "one", 7])
def test_a_file_without_a_list_of_contexts_is_named(contexts: object, tmp_path: Path) -> None:
    file = ContextFile(tmp_path / "contexts.json")
    file.path.write_text(json.dumps({"format": 1, "contexts": contexts}))
    with pytest.raises(AuthenticationError, match=r"contexts\.json cannot be read as a list of contexts"):
        file.read()


def test_a_file_that_cannot_be_written_is_a_sentence_with_a_way_on(tmp_path: Path) -> None:
    file = ContextFile(tmp_path / ("x" * 250))  # its draft beside it has a longer name than a file system takes
    with pytest.raises(AuthenticationError, match="cannot be written") as caught:
        file.write(KeptContexts({"one": ONE}, "one"))
    assert "MODELSYNC_CONFIG_DIR" in caught.value.hint
    assert list(tmp_path.iterdir()) == []
