"""Reads a Dockerfile into its stages and instructions."""

from __future__ import annotations

import json
import re
from typing import NamedTuple


class Instruction(NamedTuple):
    """One instruction; `word` in capitals, `rest` with continued lines joined."""

    word: str
    rest: str

    @property
    def arguments(self) -> list[str]:
        """The arguments of the exec form.

        Raises:
            ValueError: it is the shell form.
        """
        found: list[str] = json.loads(self.rest)
        return found


def stages(text: str) -> list[list[Instruction]]:
    """The instructions of each stage, each beginning with FROM."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    found: list[list[Instruction]] = []
    for line in joined.splitlines():
        word, _, rest = line.strip().partition(" ")
        if word.upper() == "FROM":
            found.append([])
        found[-1].append(Instruction(word.upper(), rest.strip()))
    return found


def only(stage: list[Instruction], word: str) -> Instruction:
    """The one instruction of this kind."""
    [found] = [one for one in stage if one.word == word]
    return found


def health(stage: list[Instruction]) -> list[str]:
    """The command of the health check."""
    return Instruction("CMD", only(stage, "HEALTHCHECK").rest.partition("CMD ")[2]).arguments
