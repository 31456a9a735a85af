"""What `modelsync-registry serve` says of a command line that it cannot use: a sentence, and never a traceback."""

from pathlib import Path

import pytest

from support.registry_process import serve
from support.registry_server import client


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "99999"], "'99999' is no port: use 0 to 65535"),
        (["--port", "-1"], "'-1' is no port"),
        (["--url-lifetime", "0"], "'0' is no lifetime: use 1 to 604800 seconds"),
        (["--url-lifetime", "nan"], "'nan' is no lifetime"),
        (["--url-lifetime", "long"], "'long' is no lifetime"),
        (["--public-url", "models.example"], "'models.example' is no address: write it like https://models.example"),
    ],
)
def test_a_value_that_cannot_be_is_refused_before_anything_is_served(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    process = serve(tmp_path, *arguments)
    out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert words in said
    assert not (tmp_path / "data").exists()


def test_a_token_file_that_is_no_text_is_said(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_bytes(b"\xff\xfe\x00")
    tokens.chmod(0o600)
    process = serve(tmp_path, "--token-file", str(tokens))
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said == f"modelsync-registry: {tokens}: this is no text in UTF-8.\n"


def test_a_token_file_with_a_byte_order_mark_is_read_without_it(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("tok-marked\n", encoding="utf-8-sig")
    tokens.chmod(0o600)
    process = serve(tmp_path, "--token-file", str(tokens))
    assert process.stdout is not None
    try:
        with client(process.stdout.readline().strip(), "tok-marked") as api:
            assert api.get("/api/v1/auth/current").status_code == 200
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_data_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    process = serve(tmp_path)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.endswith("choose another --data.\n")
    assert said.count("\n") == 1
