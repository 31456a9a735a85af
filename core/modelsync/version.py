"""The version of the program, where every layer can read it without a look into what is installed (6 ms)."""

__version__ = "0.1.0"
