"""The X-Bentoml-Version header: which clients may be given presigned URLs."""

from __future__ import annotations

import re

from modelsync_registry.errors import BadRequestError

LAST_OLD_CLIENT = (1, 0, 5)
_PEP_440 = re.compile(
    r"v?(?:\d+!)?(?P<release>\d{1,100}(?:\.\d{1,100})*)"  # Python reads no number of thousands of digits
    r"(?:[-_.]?(?:alpha|a|beta|b|preview|pre|c|rc)[-_.]?\d*)?"
    r"(?:-\d+|[-_.]?(?:post|rev|r)[-_.]?\d*)?"
    r"(?:[-_.]?dev[-_.]?\d*)?"
    r"(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?",
    re.ASCII | re.IGNORECASE,
)


def understands_presigned_urls(header: str | None) -> bool:
    """Whether a client of this version is newer than 1.0.5; one that does not say is taken for an old one.

    Raises BadRequestError for a header that is no version by PEP 440 (registry contract 1.0).
    """
    if header is None:
        return False
    match = _PEP_440.fullmatch(header.strip())
    if match is None:
        raise BadRequestError(f"invalid X-Bentoml-Version {header!r}: it must be a version such as 1.4.39")
    return tuple(int(number) for number in match["release"].split(".")) > LAST_OLD_CLIENT
