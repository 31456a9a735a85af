"""What may be an endpoint, a context's name and a token; what was typed becomes one of them or a sentence."""

import re
from urllib.parse import urlsplit

from modelsync.account import CONTEXT_COLORS, Token
from modelsync.errors import UsageError

DEFAULT_ENDPOINT = "https://cloud.bentoml.com"
"""Where the real client signs in unless told otherwise (registry contract 6)."""
DEFAULT_CONTEXT = "default"
_API_PATH = re.compile(r"/+api/+v1(/.*)?$")
_CONTEXT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,62}")
_TOKEN_MAX_CHARS = 8192
"""Servers refuse longer headers."""


def clean_endpoint(text: str) -> str:
    """An address with its scheme (https where none was typed) and without a trailing slash; raises UsageError.

    A path of the API behind it, as documentation shows it, is left out: every route begins with `/api/v1`.
    """
    text = text.strip()
    if "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        fits, parts = False, urlsplit("")
    if not fits or parts.query or parts.fragment or any(char.isspace() for char in text):
        raise UsageError("This is not a registry's address.", hint=f"Write it like {DEFAULT_ENDPOINT}.")
    if parts.username is not None or parts.password is not None:
        raise UsageError("The address holds a user name or password.", hint="Leave it out: the token says who you are.")
    return _API_PATH.sub("", text).rstrip("/")


def clean_context_name(text: str) -> str:
    """A context's name: letters, digits and . _ @ -, at most 63; raises UsageError."""
    text = text.strip()
    if _CONTEXT_NAME.fullmatch(text) is None:
        raise UsageError(f"{text!r} is not a context's name.", hint="Use letters, digits, '.', '_', '@' and '-'.")
    return text


def clean_token(text: str) -> Token:
    """What was pasted, without the blanks around it; raises UsageError without repeating it."""
    text = text.strip()
    if not text:
        raise UsageError("The token is empty.", hint="Paste it whole.")
    if len(text) > _TOKEN_MAX_CHARS or not text.isascii() or not text.isprintable() or " " in text:
        raise UsageError("This is not a token: it holds characters that no token has.", hint="Paste only the token.")
    return Token(text)


def clean_color(text: str) -> str:
    """One of CONTEXT_COLORS, or empty for the name's own ("auto"); raises UsageError."""
    text = text.strip().lower()
    if text == "auto":
        return ""
    if text not in CONTEXT_COLORS:
        raise UsageError(f"{text!r} is no colour of a context.", hint=f"Choose auto, {', '.join(CONTEXT_COLORS)}.")
    return text
