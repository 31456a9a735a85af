"""What an error of the operating system is called in a sentence."""


def words_of(exc: Exception) -> str:
    """Its message without its number; the name of its kind where it has none."""
    return getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
