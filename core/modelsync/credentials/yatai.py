"""The contexts that BentoML itself kept, read only, so that they can be offered for import (registry contract 6)."""

import logging
from dataclasses import dataclass
from pathlib import Path

from modelsync import logs
from modelsync.account import Token
from modelsync.credentials.checks import clean_endpoint, clean_token
from modelsync.errors import UsageError
from modelsync.safe_yaml import NotYamlError, load_yaml

YATAI_FILE_NAME = ".yatai.yaml"
_YATAI_FILE_MAX_BYTES = 1024 * 1024

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class YataiContext:
    """One context of `.yatai.yaml`."""

    name: str
    endpoint: str
    """Without a trailing slash."""
    token: Token
    email: str
    """Empty where BentoML does not know it."""
    is_current: bool


def contexts_of(home: Path) -> tuple[YataiContext, ...]:
    """What BentoML keeps in this BENTOML_HOME; nothing where there is no such file, or it cannot be understood."""
    path = home / YATAI_FILE_NAME
    try:
        with path.open("rb") as file:
            data = file.read(_YATAI_FILE_MAX_BYTES)
    except OSError:
        return ()
    try:
        parsed = load_yaml(data)
    except NotYamlError:
        _logger.warning("%s cannot be read as YAML", path)  # what is wrong with it may quote a token
        return ()
    if not isinstance(parsed, dict) or not isinstance(parsed.get("contexts"), list):
        return ()
    found = (_context(item, parsed.get("current_context_name")) for item in parsed["contexts"])
    return tuple(context for context in found if context is not None)


def _context(item: object, current: object) -> YataiContext | None:
    if not isinstance(item, dict):
        return None
    name, endpoint, secret = (item.get(key) for key in ("name", "endpoint", "api_token"))
    if not (isinstance(name, str) and name and isinstance(endpoint, str) and isinstance(secret, str)):
        return None
    try:
        token = clean_token(secret)
        address = clean_endpoint(endpoint)
    except UsageError:
        return None
    logs.hide(token.reveal())
    email = item.get("email")
    return YataiContext(name, address, token, email if isinstance(email, str) else "", name == current)
