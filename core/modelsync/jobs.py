"""Which transfers a queue has, in their order, and which of those that ended it forgets."""

from collections import deque
from collections.abc import Iterator

from modelsync.job import Job
from modelsync.queue import ENDED, TransferRequest, TransferStatus

ENDED_KEPT = 1000
"""How many transfers that were done, skipped or cancelled stay in the queue; the history has them all."""
PARTS_KEPT_OF = 8
"""Of how many transfers that ended the parts can still be looked at."""
_FORGETTABLE = ENDED - {TransferStatus.FAILED}


class Jobs:
    """The transfers of one queue; every call is made with the queue's lock held."""

    def __init__(self, ids: Iterator[int]) -> None:
        self._jobs: list[Job] = []
        self._ids = ids
        self._with_parts: deque[Job] = deque()

    def __iter__(self) -> Iterator[Job]:
        return iter(self._jobs)

    def of(self, transfer: int) -> Job:
        """Raises KeyError for one that is gone: what ends meanwhile shortens the list."""
        for job in self._jobs:
            if job.id == transfer:
                return job
        raise KeyError(transfer)

    def within(self, *statuses: TransferStatus) -> list[Job]:
        return [job for job in self._jobs if job.status in statuses]

    def open_for(self, request: TransferRequest) -> Job | None:
        """The one of this direction and tag that has not ended."""
        for job in self._jobs:
            same = (job.request.direction, job.request.tag) == (request.direction, request.tag)
            if same and job.status not in ENDED:
                return job
        return None

    def add(self, request: TransferRequest) -> Job:
        """A new one at the end."""
        job = Job(next(self._ids), request, begun=request.begun)
        self._jobs.append(job)
        return job

    def move(self, job: Job, by: int) -> None:
        """Up (negative) or down, as far as there are others."""
        place = self._jobs.index(job)
        self._jobs.remove(job)
        self._jobs.insert(max(0, min(len(self._jobs), place + by)), job)

    def ended(self, job: Job) -> None:
        """Keeps the queue small enough to be looked at often, now that this one has ended."""
        self._with_parts.append(job)
        if len(self._with_parts) > PARTS_KEPT_OF:
            oldest = self._with_parts.popleft()
            if oldest.status in ENDED:
                oldest.forget_parts()
        gone = self.within(*_FORGETTABLE)
        for other in gone[: len(gone) - ENDED_KEPT] if len(gone) > ENDED_KEPT else ():
            self._jobs.remove(other)

    def clear_done(self) -> None:
        """Forgets what is done, skipped or cancelled; failures stay."""
        self._jobs = [job for job in self._jobs if job.status not in _FORGETTABLE]
        self._with_parts = deque(job for job in self._with_parts if job.status not in _FORGETTABLE)
