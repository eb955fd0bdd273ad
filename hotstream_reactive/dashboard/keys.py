"""What is typed: bytes of a terminal into names of keys."""

from __future__ import annotations

import codecs

_SEQUENCES = {
    **{
        f"\x1b{lead}{final}": name
        for lead in "[O"
        for final, name in zip("ABHF", ("up", "down", "home", "end"), strict=True)
    },
    "\x1b[1~": "home",
    "\x1b[4~": "end",
    "\x1b[7~": "home",
    "\x1b[8~": "end",
    "\x1b[5~": "home",
    "\x1b[6~": "end",
}
_CONTROLS = {
    "\r": "enter",
    "\n": "enter",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x0c": "redraw",
    "\x15": "escape",
    "\x04": "q",
}
#: No key sends a longer sequence; what does not end within it is dropped.
_LONGEST_SEQUENCE = 16


class KeyDecoder:
    """Decodes a stream of bytes; a sequence may come in pieces."""

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._pending = ""

    @property
    def waiting(self) -> bool:
        """Whether the last byte may be the beginning of a longer key."""
        return bool(self._pending)

    def feed(self, data: bytes) -> list[str]:
        """The keys that are complete now: characters, or names such as ``up``."""
        self._pending += self._utf8.decode(data)
        keys: list[str] = []
        while self._pending:
            size, key = self._first()
            if not size:
                break
            self._pending = self._pending[size:]
            if key:
                keys.append(key)
        return keys

    def flush(self) -> list[str]:
        """Nothing more came: a lone escape is the key itself."""
        pending, self._pending = self._pending, ""
        return ["escape"] if pending == "\x1b" else []

    def _first(self) -> tuple[int, str]:
        """How many characters the first key takes (0: not complete), and its name ("": none)."""
        text = self._pending
        if text[0] != "\x1b":
            key = _CONTROLS.get(text[0], text[0] if text[0].isprintable() else "")
            return 1, key
        if len(text) == 1:
            return 0, ""
        if text[1] not in "[O":
            # Escape and another key right after it, or Alt with a key, which means nothing here.
            return (1, "escape") if text[1] == "\x1b" else (2, "")
        for end in range(2, min(len(text), _LONGEST_SEQUENCE)):
            if "@" <= text[end] <= "~":
                return end + 1, _SEQUENCES.get(text[: end + 1], "")
        return (0, "") if len(text) < _LONGEST_SEQUENCE else (len(text), "")
