"""What the person at the keyboard looks at, and what a key means: pure, without a terminal."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal

import msgspec
from rich.cells import cell_len

from hotstream_reactive.dashboard.facts import Failure, Happening, TaskRow
from hotstream_reactive.dashboard.look import MUTED, STRONG, Look, Piece

Verb = Literal["promote", "cancel", "retry", "explain", "log"]
LONGEST_FILTER = 60
_HELP = (
    ("↑ ↓  j k", "move the selection"),
    ("p", "let a waiting task start first and now: priority 1, immediate, no run_at"),
    ("c", "cancel a waiting or running task, after y"),
    ("r", "run a task again that has ended"),
    ("e", "say what keeps a task from starting"),
    ("/", "show only what holds a text"),
    ("?", "this help"),
    ("q", "leave; tasks and workers go on"),
)
_VERBS: dict[str, Verb] = {"p": "promote", "r": "retry", "e": "explain"}


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a key asks for: an edit or explanation of a task, or the end."""

    verb: Verb | Literal["quit"]
    key: Hashable = None


class Focus(msgspec.Struct, kw_only=True):
    """Selection, filter and what is being asked. `panel` stands in place of the tables."""

    keys: bool = True
    logs: bool = False
    selected: Hashable = None
    place: int = -1
    filter: str = ""
    typing: bool = False
    asking: Hashable = None
    question: str = ""
    message: str = ""
    panel: Sequence[Piece] = ()

    def wants(self, row: TaskRow | Failure | Happening) -> bool:
        """Whether the filter lets it through."""
        if not self.filter:
            return True
        texts: tuple[str | None, ...]
        match row:
            case TaskRow():
                texts = (row.task_id, row.name, row.platform, row.worker)
            case Failure():
                texts = (row.label, row.platform, row.kind, row.message)
            case _:
                texts = (row.label, row.what)
        sought = self.filter.casefold()
        return any(sought in text.casefold() for text in texts if text)

    def press(self, key: str, rows: Sequence[Hashable], label: str, look: Look) -> Order | None:
        """Do what a key says, and give what is to be done outside.

        Args:
            key: a character, or up, down, home, end, enter, escape, backspace.
            rows: what can be selected, from top to bottom.
            label: the name of the selected task.
        """
        if self.typing:
            self._type(key)
            return None
        if self.question:
            return self._answer(key)
        self.message = ""
        if self.panel:
            self.panel = ()
            return Order(verb="quit") if key == "q" else None
        if key in {"q", "Q"}:
            return Order(verb="quit")
        if key == "?":
            self.panel = help_lines(look)
        elif key == "l" and self.logs:
            return Order(verb="log")
        elif key == "/":
            self.typing = True
        elif key == "escape":
            self.filter, self.selected, self.place = "", None, -1
        elif key in {"up", "k", "down", "j", "home", "g", "end", "G"}:
            self._move(key, rows)
        elif key in {"p", "c", "r", "e"}:
            return self._act(key, rows, label, look)
        return None

    def settle(self, rows: Sequence[Hashable]) -> None:
        """Keep the selection on its task; when it has gone, on what stands in its place."""
        if self.selected is None or self.selected in rows:
            self.place = rows.index(self.selected) if self.selected in rows else -1
            return
        self.place = min(self.place, len(rows) - 1)
        self.selected = rows[self.place] if self.place >= 0 else None

    def _move(self, key: str, rows: Sequence[Hashable]) -> None:
        if not rows:
            return
        last = len(rows) - 1
        steps = {"up": -1, "k": -1, "down": 1, "j": 1, "home": -last, "g": -last}
        place = self.place + steps.get(key, last) if self.place >= 0 or key != "up" else last
        self.place = min(max(place, 0), last)
        self.selected = rows[self.place]

    def _act(self, key: str, rows: Sequence[Hashable], label: str, look: Look) -> Order | None:
        if self.selected is None or self.selected not in rows:
            self.message = look.words("no task is selected")
            return None
        if key == "c":
            self.asking = self.selected
            self.question = look.words("cancel {}? y/n").format(label)
            return None
        return Order(verb=_VERBS[key], key=self.selected)

    def _answer(self, key: str) -> Order | None:
        asked, self.asking, self.question = self.asking, None, ""
        return Order(verb="cancel", key=asked) if key in {"y", "Y"} else None

    def _type(self, key: str) -> None:
        if key == "enter":
            self.typing = False
        elif key == "escape":
            self.typing, self.filter = False, ""
        elif key == "backspace":
            self.filter = self.filter[:-1]
        elif len(key) == 1 and key.isprintable() and len(self.filter) < LONGEST_FILTER:
            self.filter += key


def help_lines(look: Look) -> list[Piece]:
    """The keys, each with what it does."""
    w = look.words
    lines: list[Piece] = [(w("keys"), STRONG), ("", "")]
    for key, text in _HELP:
        shown = look.plain(key)
        lines.append((f"{shown}{' ' * (12 - cell_len(shown))}{w(text)}", ""))
    note = w("Every key writes what a plain updateOne would; docs/dashboard.md tells more.")
    return [*lines, ("", ""), (note, MUTED)]
