"""A page that is made from code: written, or compared with what is there."""

from __future__ import annotations

import sys
from pathlib import Path


def write_or_check(page: Path, text: str, *, made_by: str) -> int:
    """Write the page, or with ``--check`` compare it; gives the exit code.

    `made_by` is the name of the script in docs/ that the reader is to run.
    """
    if "--check" not in sys.argv[1:]:
        page.write_text(text, encoding="utf-8")
        return 0
    if page.is_file() and page.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"docs/{page.name} is out of date; run: python docs/{made_by}\n")
    return 1
