"""Where a secret must not be found: in files, in what was said, and in what the system shows of processes."""

from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

SIGNATURES = ("X-Signature=", "X-Amz-Signature=")
"""How the query of a signed address, a secret as well, gives itself away."""


def forms_of(secret: str) -> tuple[bytes, ...]:
    """The secret as it is, percent-encoded, and in base64 at any offset."""
    raw = secret.encode()
    encoded = [b64encode(b"\0" * shift + raw)[4:-4] for shift in range(3)]
    return (raw, quote(secret, safe="").encode(), *encoded)


def files_with(secret: str, folder: Path) -> list[Path]:
    """Every file below a folder that holds the secret in any form."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            if any(form in data for form in forms_of(secret)):
                found.append(path)
    return found


def says(secret: str, text: str) -> bool:
    """Whether a text holds the secret in any form."""
    return any(form in text.encode() for form in forms_of(secret))


def seen_of_process(pid: int, *, with_environment: bool = True) -> str:
    """What anybody (arguments) and this person's other programs (environment) see of a process and its children."""
    shown = []
    for one in _family(pid):
        for name in ("cmdline", "environ") if with_environment else ("cmdline",):
            try:
                shown.append(Path(f"/proc/{one}/{name}").read_text(errors="replace"))
            except OSError:
                continue  # it has ended
    return "\n".join(shown)


def seen_of_children(pid: int) -> str:
    """The same of its children only."""
    return "\n".join(seen_of_process(child) for child in _children(pid))


def _family(pid: int) -> Iterable[int]:
    yield pid
    for child in _children(pid):
        yield from _family(child)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in task.read_text().split()]
        except OSError:
            continue
    return found
