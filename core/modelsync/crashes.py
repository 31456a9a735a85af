"""What a crash may leave behind: no image of the memory, which holds tokens."""

from contextlib import suppress


def forbid_core_dumps() -> None:
    """For a program's start: from now on neither it nor its children write core files. Does nothing on Windows."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
