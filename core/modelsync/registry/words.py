"""The registry's own words, made fit for a person's eyes: one line, cut, no control characters, no secret."""

import json
import re
from urllib.parse import urlsplit

from modelsync.registry.calls import Reply

WORDS_MAX_CHARS = 300
_QUERY = r"(?i)(https?://[^\s?\"'<>]*)\?[^\s\"'<>]*"
_SIGNATURE = r"(?i)\b(x-amz-[a-z-]+|signature|awsaccesskeyid)=[^\s&\"'<>]+"


def reply_words(reply: Reply, *secrets: str) -> str:
    """What a refusal says: its `error` or `message`, or its text where that is no page; empty when it says nothing."""
    if reply.is_web_page:
        return ""
    text = reply.body.decode("utf-8", errors="replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return clean(text, *secrets)
    if isinstance(value, dict):
        for key in ("error", "message", "detail"):
            if isinstance(value.get(key), str):
                return clean(value[key], *secrets)
        return ""
    return clean(value, *secrets) if isinstance(value, str) else ""


def clean(text: str, *secrets: str) -> str:
    """One line of at most WORDS_MAX_CHARS printable characters, without secrets and without queries of addresses."""
    for secret in secrets:
        text = text.replace(secret, "********")
    text = re.sub(_SIGNATURE, r"\1=...", re.sub(_QUERY, r"\1?...", text))
    text = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return text if len(text) <= WORDS_MAX_CHARS else text[: WORDS_MAX_CHARS - 3] + "..."


def quoted(text: str) -> str:
    """A name in a sentence."""
    return f"'{clean(text)}'"


def safe_host(url: str) -> str:
    """Scheme and host of an address, without user, path and query; empty when it has none."""
    try:
        pieces = urlsplit(url)
        host = pieces.netloc.rpartition("@")[2]
    except ValueError:
        return ""
    return clean(f"{pieces.scheme}://{host}" if pieces.scheme else host) if host else ""
