"""A session for tests whose two sides are values that a test changes, and whose answers come when the test lets them.

Every answer says how the sides stood when the question was asked, however long it is held after that.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from modelsync.account import Context
from modelsync.errors import ModelsyncError
from modelsync.model import BrokenEntry, LocalModel, Organization, RemoteModel, User
from modelsync.paths import Paths
from modelsync.pruning import DeletePlan
from modelsync.settings import Settings
from modelsync.store import StoreListing
from modelsync.tag import Tag
from modelsync_tui.session import Online, RemotePage, Session

HELD_MAX_S = 30.0
T = TypeVar("T")


class HeldSession(Session):
    """`locals` and `remotes` are the two sides as they are now, by `name:version`; a test changes them as it likes."""

    def __init__(self, folder: Path, *, page_versions: int = 1000) -> None:
        environ = {
            "HOME": str(folder),
            "MODELSYNC_CONFIG_DIR": str(folder / "config"),
            "MODELSYNC_STATE_DIR": str(folder / "state"),
            "MODELSYNC_CACHE_DIR": str(folder / "cache"),
        }
        paths = Paths.of_platform(environ)
        super().__init__(Settings.load({"store": str(folder / "store")}, environ=environ, paths=paths), paths, environ)
        self.locals: dict[str, LocalModel] = {}
        self.remotes: dict[str, RemoteModel] = {}
        self.page_versions = page_versions
        self.away: ModelsyncError | None = None
        """What the registry answers everything with while it is not there."""
        self.asked: dict[str, int] = {}
        """How often each question was asked."""
        self.held: dict[str, int] = {}
        """How many of each question wait for their answer."""
        self._holding: set[str] = set()
        self._changed = threading.Condition()

    @contextmanager
    def holding(self, question: str) -> Iterator[None]:
        """Keeps back the answers to `scan`, `page`, `versions`, `plan_delete`, `local` or `remote` for a while."""
        self.hold(question)
        try:
            yield
        finally:
            self.let_go(question)

    def hold(self, question: str) -> None:
        with self._changed:
            self._holding.add(question)

    def let_go(self, question: str) -> None:
        with self._changed:
            self._holding.discard(question)
            self._changed.notify_all()

    def connect(self, *_: object) -> Online:
        if self.away is not None:
            raise self.away
        self.online = Online(
            Context("values", "http://127.0.0.1:9"), "127.0.0.1:9", User("T", "t@x.org"), Organization("values")
        )
        return self.online

    def scan(self) -> StoreListing:
        return self._answer("scan", lambda: StoreListing(tuple(self.locals[tag] for tag in sorted(self.locals)), ()))

    def local(self, tag: Tag) -> LocalModel | None:
        return self._answer("local", lambda: self.locals.get(str(tag)))

    def page(self, start: int) -> RemotePage:
        def answer() -> RemotePage:
            items = tuple(self.remotes.values())
            return RemotePage(start, len(items), items[start : start + self.page_versions])

        return self._answer("page", self._there(answer))

    def versions(self, names: Iterable[str]) -> tuple[RemoteModel, ...]:
        wanted = set(names)
        if not wanted:
            return ()
        return self._answer(
            "versions",
            self._there(lambda: tuple(model for model in self.remotes.values() if model.name in wanted)),
        )

    def plan_delete(self, entries: Iterable[LocalModel | BrokenEntry]) -> DeletePlan:
        return self._answer("plan_delete", lambda: super(HeldSession, self).plan_delete(entries))

    def remote(self, tag: Tag) -> RemoteModel | None:
        return self._answer("remote", self._there(lambda: self.remotes.get(str(tag))))

    def _there(self, answer: Callable[[], T]) -> Callable[[], T]:
        def or_away() -> T:
            if self.away is not None:
                raise self.away
            return answer()

        return or_away

    def _answer(self, question: str, answer: Callable[[], T]) -> T:
        with self._changed:
            self.asked[question] = self.asked.get(question, 0) + 1
            found = answer()
            self.held[question] = self.held.get(question, 0) + 1
            self._changed.wait_for(lambda: question not in self._holding, HELD_MAX_S)
            self.held[question] -= 1
        return found
