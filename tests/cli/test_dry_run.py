"""`--dry-run`: what a push or a pull would come to, while nothing is sent, fetched or remembered."""

import os
import shutil

import pytest

from support.command import Command
from support.local_store import read_tree, write_model
from support.registry_server import READ_TOKEN, RegistryServer, json_of, model_path, register_model

MIB = 1024 * 1024


def test_a_dry_push_says_what_would_be_sent_and_registers_nothing(
    signed_in: Command, registry_server: RegistryServer
) -> None:
    write_model(signed_in.store, "m:v1", files={"w.bin": os.urandom(MIB)})
    done = signed_in.run("push", "m:v1", "--dry-run")
    assert (done.code, done.out) == (0, "would push\tm:v1\tnew in the registry\n")
    assert "m:v1: about 1.00 MiB would be sent; nothing was." in done.err
    assert registry_server.api.get(model_path("m", "v1")).status_code == 404
    assert signed_in.run("history").out == ""
    assert signed_in.run("push", "m:v1").code == 0
    (record,) = signed_in.run("push", "m", "--dry-run", "--json").records
    assert (record["tag"], record["outcome"], record["bytes_total"]) == ("m:v1", "skipped", 0)
    (record,) = signed_in.run("push", "m", "--dry-run", "--json", "--force").records
    assert (record["outcome"], record["reason"]) == ("would push", "replaces the version in the registry")


def test_a_dry_pull_says_what_would_be_fetched_and_leaves_the_store_alone(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1", files={"w.bin": os.urandom(MIB)})
    assert signed_in.run("push", "m:v1").code == 0
    before = read_tree(signed_in.store)
    assert signed_in.run("pull", "m", "--dry-run").out.startswith("skipped\tm:v1\t")
    assert signed_in.run("pull", "m", "--dry-run", "--force").out.startswith("would pull\tm:v1\treplaces")
    assert read_tree(signed_in.store) == before
    shutil.rmtree(signed_in.store)
    (record,) = signed_in.run("pull", "m", "--dry-run", "--json").records
    assert (record["outcome"], record["reason"]) == ("would pull", "new in the local store")
    assert int(str(record["bytes_total"])) > MIB
    assert record["bytes_moved"] == 0
    assert not (signed_in.store / "models").exists()


def test_a_dry_run_fails_as_the_run_would(signed_in: Command, registry_server: RegistryServer) -> None:
    write_model(signed_in.store, "m:v1")
    json_of(registry_server.api.patch(f"{register_model(registry_server.api, 'm', 'v1')}/start_upload"))
    for args, code, words in (
        (("push", "m:v1"), 1, "is uploading it since"),
        (("push", "m:v1", "--read-only"), 3, "read-only"),
        (("push", "nope:v1"), 4, "The local store has no nope:v1."),
        (("pull", "nope:v1"), 4, "The registry has no nope:v1."),
        (("pull", "m:v1", "--force"), 1, "is uploading it since"),
    ):
        dry, wet = signed_in.run(*args, "--dry-run"), signed_in.run(*args)
        assert (dry.code, dry.err) == (wet.code, wet.err) == (code, wet.err)
        assert words in dry.err


@pytest.mark.parametrize("verb", ["push", "pull"])
def test_a_version_without_content_is_told_in_words_of_its_own(
    signed_in: Command, registry_server: RegistryServer, verb: str
) -> None:
    reference = {
        "version": "v1",
        "description": "",
        "build_at": "2026-11-22 07:35:54.512873",
        "manifest": {"module": "", "size_bytes": 1, "metadata": {"registry": "huggingface", "model_id": "a/b"}},
    }
    json_of(registry_server.api.post("/api/v1/model_repositories", json={"name": "a--b"}))
    json_of(registry_server.api.post("/api/v1/model_repositories/a--b/models", json=reference))
    write_model(signed_in.store, "a--b:v1")
    done = signed_in.run(verb, "a--b:v1", "--force")
    assert done.code == 1
    assert "HuggingFace reference" in done.err
    assert "force" not in done.err


def test_a_dry_push_with_a_token_that_may_not_push_fails_as_the_push_would(
    signed_in: Command, registry_server: RegistryServer
) -> None:
    write_model(signed_in.store, "m:v1")
    register_model(registry_server.api, "other", "v1")
    reader = signed_in.with_(BENTO_CLOUD_API_KEY=READ_TOKEN)
    dry, wet = reader.run("push", "m:v1", "--dry-run"), reader.run("push", "m:v1")
    assert (dry.code, dry.err) == (wet.code, wet.err) == (3, wet.err)
    assert "does not allow this" in dry.err
