"""The command line: one small module per family of commands, loaded only when used."""

from hotstream_reactive.cli.main import main

__all__ = ["main"]
