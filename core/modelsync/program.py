"""Which program this process is, for those who read its locks and its history."""

import sys
from pathlib import Path


def program_name() -> str:
    """The command or script that was started; of a package run with -m, the package; else python."""
    started = Path(sys.argv[0])
    return (started.parent.name if started.stem == "__main__" else started.name) or "python"
