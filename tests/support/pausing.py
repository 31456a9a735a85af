"""A person who pauses a transfer or a comparison at a moment that a test can choose."""

from modelsync.transfer.control import Control
from modelsync.transfer.progress import Phase, Progress


class PausedAtBlock(Control):
    """Pauses when everything has come and so many blocks of hard links are about to be worked on."""

    def __init__(self, progress: Progress, block: int) -> None:
        super().__init__()
        self._progress = progress
        self._left = block

    def check(self) -> None:
        if self._progress.phase is Phase.CHECK:
            self._left -= 1
            if not self._left:
                self.pause()
        super().check()
