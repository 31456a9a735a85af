"""What a person wants done to the queue, as messages that go up from the pane of the transfers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from modelsync.transfers import Transfers


class Wish(Message):
    """A person wants something done to the queue."""

    def do(self, transfers: "Transfers") -> None:
        """Does it; raises KeyError when the transfer is gone."""
        raise NotImplementedError


@dataclass
class CancelRequested(Wish):
    """A person wants it stopped for good."""

    id: int

    def do(self, transfers: "Transfers") -> None:
        transfers.cancel(self.id)


@dataclass
class PauseRequested(Wish):
    """A person wants it stopped for now."""

    id: int

    def do(self, transfers: "Transfers") -> None:
        transfers.pause(self.id)


@dataclass
class ResumeRequested(Wish):
    """A person wants a paused one to go on."""

    id: int

    def do(self, transfers: "Transfers") -> None:
        transfers.resume(self.id)


@dataclass
class RetryRequested(Wish):
    """A person wants a failed or cancelled one tried again."""

    id: int

    def do(self, transfers: "Transfers") -> None:
        transfers.retry(self.id)


@dataclass
class MoveRequested(Wish):
    """A person wants it elsewhere in the queue: so many places down, negative is up."""

    id: int
    by: int

    def do(self, transfers: "Transfers") -> None:
        transfers.move(self.id, self.by)


@dataclass
class ClearDone(Wish):
    """A person has seen what is finished."""

    def do(self, transfers: "Transfers") -> None:
        transfers.clear_done()
