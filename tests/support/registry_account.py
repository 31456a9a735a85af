"""A client for a registry that a test serves, and the values that its tests share."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.errors import (
    ModelsyncError,
)
from modelsync.model import ModelInfo
from modelsync.registry.client import Registry
from modelsync.registry.retry import Backoff, Waiting
from modelsync.registry.schemas import CompletedPart, ETag
from modelsync.tag import Tag
from support.strange_registry import Answer

TOKEN = "tok-secret-0123456789"
TAG = Tag("m", "v1")
ME = Answer(b'{"name": "mia", "email": "mia@acme.io"}')
MODEL = Answer(b'{"version": "v1", "upload_status": "success"}')
PAGE = Answer(b"<!doctype html><html><body>Welcome</body></html>", content_type="text/html; charset=utf-8")
INFO = ModelInfo(TAG, "", {}, {}, {}, {}, {}, "v1", datetime(2026, 11, 22, tzinfo=UTC))
PARTS = [CompletedPart(1, ETag('"0"'))]
QUICK = Backoff(tries=5, first_s=0.001, longest_s=0.001)


def says_error(text: str, status: int = 400) -> Answer:
    return Answer(json.dumps({"error": text}).encode(), status=status)


def connect(
    url: str,
    *,
    token: str = TOKEN,
    organization: str | None = None,
    plain_http: bool = False,
    ca_file: Path | None = None,
    timeout_s: float = 5.0,
    backoff: Backoff = QUICK,
    sleep: Callable[[float], None] = lambda _seconds: None,
    waiting: Waiting | None = None,
) -> Registry:
    context = Context("test", url, organization=organization, plain_http=plain_http)
    account = Account(context, Token(token), TokenSource.SESSION)
    return Registry(account, ca_file=ca_file, timeout_s=timeout_s, backoff=backoff, sleep=sleep, waiting=waiting)


def refusal(registry: Registry) -> ModelsyncError:
    """What asking for the user ends in, checked for what every error must be."""
    with pytest.raises(ModelsyncError) as refused:
        registry.current_user()
    error = refused.value
    assert registry.host in error.message
    assert error.hint
    assert "\n" not in error.sentence
    assert TOKEN not in error.sentence
    return error
