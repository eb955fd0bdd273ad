"""The live dashboard: what the fleet does, on a terminal.

Data and drawing are apart. `snapshot` holds what is known, `fold` and `apply` change it by events
and reads, `view` and its panels draw it as lines of `rich.text.Text`; none of them does any I/O.
`follow` keeps a snapshot fresh from MongoDB, `live` shows it on a terminal, `lines` in a log.
"""
