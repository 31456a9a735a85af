"""The way into the command `modelsync-registry`, also where it was installed without what it is made of."""

import sys

EXTRA = ("sqlalchemy", "starlette", "uvicorn")
"""What the extra `registry` brings."""
EXIT_FAILED = 1


def main() -> int:
    """Runs the command and returns its exit code; 1, with the way to install it, where the extra is missing."""
    try:
        from modelsync_registry.__main__ import main as run
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in EXTRA:
            raise
        print(
            "modelsync-registry: what it is made of is not installed. pip install 'modelsync-tui[registry]'",
            file=sys.stderr,
        )
        return EXIT_FAILED
    return run()
