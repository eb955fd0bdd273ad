"""A hook of mkdocs, for what the site's Markdown wants otherwise than that of a checkout.

Files of the repository that pages link to are part of the site, below ``repository/``: so a link
such as ``../deploy/replset-init.js`` is right on the site as it is in a checkout, and no address of
a repository has to be known. In code in a table the site wants no backslash before a ``|``.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
BELOW = "repository"
_LINK = re.compile(r"(?<=\]\()([^)#\s:]+)(?=[#)])")

_ROW = re.compile(r"^\|.*\\\|.*$", re.MULTILINE)
_CODE = re.compile(r"`[^`]+`")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the files that any page links to outside of docs/."""
    wanted = {
        outside
        for page in files.documentation_pages()
        for link in _LINK.findall(page.content_string)
        if (outside := _outside(page.src_uri, link))
    }
    for path in sorted(wanted):
        files.append(File.generated(config, f"{BELOW}/{path}", abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let the links lead there, and take the backslashes away."""
    here = posixpath.dirname(page.file.src_uri)

    def there(found: re.Match[str]) -> str:
        outside = _outside(page.file.src_uri, found[1])
        return posixpath.relpath(f"{BELOW}/{outside}", here or ".") if outside else found[1]

    def bare(found: re.Match[str]) -> str:
        return _CODE.sub(lambda code: code[0].replace(r"\|", "|"), found[0])

    return _ROW.sub(bare, _LINK.sub(there, markdown))


def _outside(page: str, link: str) -> str:
    """The path from the top of the repository, "" for what is in docs/ or is no file."""
    target = (ROOT / "docs" / posixpath.dirname(page) / link).resolve()
    inside = target.is_relative_to(ROOT / "docs") or not target.is_relative_to(ROOT)
    return "" if inside or not target.is_file() else target.relative_to(ROOT).as_posix()
