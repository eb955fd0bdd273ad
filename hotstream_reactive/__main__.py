"""``python -m hotstream_reactive``."""

from hotstream_reactive.cli import main

main()
