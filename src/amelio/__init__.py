"""amelio makes a DVC pipeline better."""

__version__ = "0.1.0.dev0"
