"""``python -m hotstream_reactive.cli``, as the original was called."""

from hotstream_reactive.cli import main

main()
