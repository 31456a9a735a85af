"""The local store: BentoML's own directory of models, listed, written in one step, and never left half-written."""

from modelsync.store.bentos import bentos_using
from modelsync.store.lock import VersionLock
from modelsync.store.models import ModelStore
from modelsync.store.scan import StoreListing
from modelsync.store.stage import Stage

__all__ = ["ModelStore", "Stage", "StoreListing", "VersionLock", "bentos_using"]
