"""The weak spots of real servers, to be switched on by tests while the registry runs."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus


@dataclass(slots=True, kw_only=True)
class Faults:
    """What goes wrong from now on. Every field may be set while the registry runs; counters count down to 0."""

    stale_statuses: bool = False
    """start_upload and finish_upload answer with the record as it was before (registry contract 3.2)."""

    unauthorized_status: int = HTTPStatus.FORBIDDEN
    """The status of a refused token: 403 as Yatai, 401 as BentoCloud."""

    html_at_unknown_paths: bool = True
    """Paths outside /api/ answer 200 with a page of HTML, as Yatai's dashboard does; else 404 with JSON."""

    storage_failures: int = 0
    """So many presign, start and complete calls answer 400, as when the store behind cannot be reached."""

    presign_delay_s: float = 0.0
    """Every presign call takes so much longer, or until this is set to less."""

    url_lifetime_s: float | None = None
    """New presigned URLs live so long instead of what the configuration says."""

    expired_urls: int = 0
    """So many new presigned URLs have expired already, as when their part waited for an hour."""

    slow_down_parts: int = 0
    """So many PUTs to presigned URLs answer 503 SlowDown."""

    cut_download_after: int | None = None
    """The proxy download breaks off after so many bytes with a JSON tail in a 200 (registry contract 3.4, 24)."""

    ignore_repository_query: bool = False
    """`q` on the list of one repository is ignored, as Yatai does."""

    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def delay_presign(self) -> None:
        """Waits as long as a presign call is to take longer."""
        began, look = time.monotonic(), threading.Event()
        while time.monotonic() - began < self.presign_delay_s:
            look.wait(0.02)

    def take_storage_failure(self) -> bool:
        """Whether this storage call is one of those to fail."""
        with self._lock:
            if self.storage_failures <= 0:
                return False
            self.storage_failures -= 1
            return True

    def take_expired_url(self) -> bool:
        """Whether this new URL is one of those to have expired."""
        with self._lock:
            if self.expired_urls <= 0:
                return False
            self.expired_urls -= 1
            return True

    def take_slow_down(self) -> bool:
        """Whether this PUT is one of those to be told to slow down."""
        with self._lock:
            if self.slow_down_parts <= 0:
                return False
            self.slow_down_parts -= 1
            return True
