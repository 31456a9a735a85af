"""Moves machine-learning models between BentoML's local store and a registry.

    import modelsync

    modelsync.push("sentiment_model:latest")
    modelsync.pull("sentiment_model:v1_approved")

Names are imported when they are first used, so that `import modelsync` loads neither an HTTP client nor a keyring.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from modelsync.version import __version__ as __version__

if TYPE_CHECKING:
    from modelsync.account import Account, Context, Token
    from modelsync.api import open_sides, pull, push, verify
    from modelsync.archive.differences import DifferenceKind, FileDifference
    from modelsync.comparison import Direction
    from modelsync.credentials import Credentials
    from modelsync.errors import ModelsyncError
    from modelsync.registry.client import Registry
    from modelsync.results import Outcome, PullResult, PushResult, TransferResult, Verification
    from modelsync.settings import Settings
    from modelsync.store import ModelStore
    from modelsync.sync import Sides
    from modelsync.tag import Tag
    from modelsync.transfer.progress import ProgressSnapshot
    from modelsync.transfers import TransferRequest, Transfers

_HOMES = {
    "Account": "account",
    "Context": "account",
    "Credentials": "credentials",
    "DifferenceKind": "archive.differences",
    "Direction": "comparison",
    "FileDifference": "archive.differences",
    "ModelStore": "store",
    "ModelsyncError": "errors",
    "Outcome": "results",
    "ProgressSnapshot": "transfer.progress",
    "PullResult": "results",
    "PushResult": "results",
    "Registry": "registry.client",
    "Settings": "settings",
    "Sides": "sync",
    "Tag": "tag",
    "Token": "account",
    "TransferRequest": "transfers",
    "TransferResult": "results",
    "Transfers": "transfers",
    "Verification": "results",
    "open_sides": "api",
    "pull": "api",
    "push": "api",
    "verify": "api",
}
"""The module that each public name lives in."""

__all__ = [
    "Account",
    "Context",
    "Credentials",
    "DifferenceKind",
    "Direction",
    "FileDifference",
    "ModelStore",
    "ModelsyncError",
    "Outcome",
    "ProgressSnapshot",
    "PullResult",
    "PushResult",
    "Registry",
    "Settings",
    "Sides",
    "Tag",
    "Token",
    "TransferRequest",
    "TransferResult",
    "Transfers",
    "Verification",
    "open_sides",
    "pull",
    "push",
    "verify",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'modelsync' has no attribute {name!r}")
    # Not kept in globals(): `push` and `pull` must stay these functions, whatever submodule is imported later.
    return getattr(import_module(f"modelsync.{home}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
