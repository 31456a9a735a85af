"""Contexts and their tokens: where they are kept, and which one a run uses."""

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.credentials.checks import (
    DEFAULT_ENDPOINT,
    clean_color,
    clean_context_name,
    clean_endpoint,
    clean_token,
)
from modelsync.credentials.keeping import Credentials
from modelsync.credentials.os_keyring import KeyringStatus

__all__ = [
    "DEFAULT_ENDPOINT",
    "Account",
    "Context",
    "Credentials",
    "KeyringStatus",
    "Token",
    "TokenSource",
    "clean_color",
    "clean_context_name",
    "clean_endpoint",
    "clean_token",
]
