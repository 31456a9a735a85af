"""What can be told about an S3 store before any store is asked."""

from pathlib import Path

import pytest

from modelsync_registry.config import S3Location
from modelsync_registry.s3_client import connect
from support.registry_process import serve


@pytest.mark.parametrize(
    ("bucket", "region", "address"),
    [
        ("models", "us-east-1", "https://models.s3.amazonaws.com/k?"),
        ("models", "eu-central-1", "https://models.s3.eu-central-1.amazonaws.com/k?"),
        ("our.models", "eu-central-1", "https://s3.eu-central-1.amazonaws.com/our.models/k?"),
    ],
)
def test_without_an_endpoint_urls_lead_to_aws_in_its_region(
    monkeypatch: pytest.MonkeyPatch, bucket: str, region: str, address: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    aws = connect(S3Location(bucket=bucket, region=region))
    url = aws.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"}, ExpiresIn=60)
    assert url.startswith(address)
    assert "X-Amz-SignedHeaders=host&" in url


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--objects", "/data/objects"], 2, "is not of the form s3://BUCKET"),
        (["--objects", "s3://models", "--s3-endpoint", "localhost:9000"], 2, "is not the address of an S3 server"),
        (["--s3-endpoint", "http://127.0.0.1:1"], 2, "go with --objects"),
        (["--objects", "s3://NOT_ALLOWED"], 1, "cannot be used"),
    ],
)
def test_the_command_says_in_a_sentence_what_is_wrong(
    tmp_path: Path, arguments: list[str], code: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    process = serve(tmp_path, *arguments)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code
    assert words in said
    assert said.count("\n") == 1
