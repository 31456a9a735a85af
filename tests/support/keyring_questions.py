"""Questions to the credentials with a real keyring library, each in a process of its own: it finds its backend once."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

TIMEOUT_S = 2.0

PROGRAM = f"""
import json, sys
from modelsync.account import *
from modelsync.credentials import Credentials
from modelsync.errors import ModelsyncError
from modelsync.paths import Paths

notices = []
credentials = Credentials(Paths.of_platform(), keyring_timeout_s={TIMEOUT_S}, notice=notices.append)
context = Context("prod", "https://prod.example")
try:
    match sys.argv[1]:
        case "keep":
            secret = sys.stdin.read()
            credentials.keep(Account(context, Token(secret), TokenSource.SESSION), TokenSource.KEYRING)
            answer = "kept"
        case "read":
            answer = credentials.account().token.reveal()
        case "forget":
            answer = credentials.forget("prod")
        case "to-file":
            credentials.keep(credentials.account(), TokenSource.FILE)
            answer = credentials.account().source
        case "status":
            status = credentials.keyring_status({TIMEOUT_S})
            answer = [status.usable, status.name, status.reason]
    print(json.dumps({{"answer": answer}}))
except ModelsyncError as exc:
    print(json.dumps({{"error": type(exc).__name__, "sentence": exc.sentence, "notices": notices}}))
"""


def ask(environ: Mapping[str, str], what: str, *, secret: str = "") -> dict[str, object]:
    """Runs one question in a process of its own: keyring finds its backend once per process."""
    home = Path(environ["HOME"])
    own = {f"MODELSYNC_{kind}_DIR": str(home / kind) for kind in ("CONFIG", "STATE", "CACHE")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, what],
        env={**environ, **own},
        input=secret,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def files_with(text: str, folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]
