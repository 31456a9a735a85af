"""The search language: what is sent, what is refused, and which models it means."""

import pytest

from modelsync.errors import UsageError
from modelsync.model import RemoteModel
from modelsync.registry.query import ME, Query, Sort


def test_a_query_is_written_as_the_registry_reads_it() -> None:
    query = Query.of(
        "bert",
        "base",
        labels={"stage": "prod", "owner": None},
        modules=["bentoml.sklearn", "bentoml.onnx"],
        creators=[ME],
        sort=Sort.LARGEST,
    )
    assert str(query) == (
        "bert base label:stage=prod label:owner module:bentoml.sklearn module:bentoml.onnx creator:@me sort:size-desc"
    )
    assert str(Query.of()) == ""


def test_a_written_query_reads_back_the_same() -> None:
    text = "bert label:a=1,b=2,c label:k module:x creator:mia in:description sort:build_at-asc"
    assert str(Query.parse(text)) == text
    assert Query.parse("  label:  two   words ").words == ("two", "words")


@pytest.mark.parametrize(
    "text", ["is:label", "not:sort", "x is:deployed", "-label:stage=dev", "sort:updated_at-desc", "sort:updated_at"]
)
def test_what_makes_a_server_fail_or_is_dropped_in_silence_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        Query.parse(text)
    assert refused.value.hint


def test_an_order_without_a_direction_is_descending() -> None:
    assert str(Query.parse("sort:size")) == "sort:size-desc"


def test_values_that_the_language_cannot_say_are_refused() -> None:
    with pytest.raises(UsageError, match="space"):
        Query.of(labels={"stage": "not yet"})
    with pytest.raises(UsageError, match="space"):
        Query.of("two words")
    with pytest.raises(UsageError, match="comma"):
        Query.of(labels={"stage": "a,b"})
    with pytest.raises(UsageError, match="="):
        Query.of(labels={"a=b": "c"})
    with pytest.raises(UsageError, match="colon"):
        Query.of("is:label")
    with pytest.raises(UsageError, match="empty"):
        Query.of(modules=[""])


def test_a_query_means_the_models_whose_labels_module_and_creator_fit() -> None:
    model = RemoteModel("m", "v", labels={"stage": "prod", "n": "3"}, module="bentoml.onnx", creator_name="mia")
    for fits in (
        "",
        "label:stage",
        "label:stage=prod",
        "label:x,n=3",
        "label:stage label:n=3",
        "module:bentoml.onnx",
        "creator:mia",
        "creator:@me",
        "in:description",
    ):
        assert Query.parse(fits).accepts(model), fits
    for misses in ("label:x", "label:stage=dev", "label:stage label:x", "module:bentoml.sklearn", "creator:tom"):
        assert not Query.parse(misses).accepts(model), misses
