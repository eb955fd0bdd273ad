"""HotStream Reactive."""

__version__ = "0.1.0"
