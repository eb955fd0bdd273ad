"""What a task asks of Juejin: its options, its accounts, the categories it may name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from hotstream_reactive.errors import PermanentError
from hotstream_reactive.platforms.base import SearchOptions
from hotstream_reactive.platforms.options import bad_option

SEARCH_KINDS = ("search", "tag", "category", "hot", "pins", "themes", "home")
MONITOR_KINDS = ("articles", "activities")

#: What an id is made of.
ID = re.compile(r"\d{6,20}")
_NEWEST = frozenset({"newest", "new", "latest", "date", "time", "created_at"})
_SORTS = _NEWEST | {"relevance", "hot", "popular", "recommended"}

#: Categories by id, slug of the address, and name.
CATEGORIES: Mapping[str, str] = {
    "frontend": "6809637767543259144",
    "前端": "6809637767543259144",
    "backend": "6809637769959178254",
    "后端": "6809637769959178254",
    "android": "6809635626879549454",
    "ios": "6809635626661445640",
    "ai": "6809637773935378440",
    "人工智能": "6809637773935378440",
    "freebie": "6809637771511070734",
    "开发工具": "6809637771511070734",
    "career": "6809637776263217160",
    "代码人生": "6809637776263217160",
    "article": "6809637772874219534",
    "阅读": "6809637772874219534",
}


class Wishes(msgspec.Struct, kw_only=True, frozen=True):
    """The options of a task that concern Juejin, checked."""

    kind: str
    newest: bool
    details: bool


def wishes(options: SearchOptions, kinds: tuple[str, ...]) -> Wishes:
    """Check and read the options.

    Raises:
        PermanentError: (`bad_option`) an option cannot be used; the message says what is allowed.
    """
    kind = options.get("kind", kinds[0])
    if kind not in kinds:
        raise bad_option("kind", kind, f"one of {', '.join(kinds)}")
    sort = options.get("sort") or options.sort_by
    if not isinstance(sort, str) or sort.lower() not in _SORTS:
        raise bad_option("sort", sort, "newest or relevance")
    details = options.get("details", False)
    if not isinstance(details, bool):
        raise bad_option("details", details, "true or false")
    return Wishes(kind=kind, newest=sort.lower() in _NEWEST, details=details)


def account_id(given: str, *, site: str) -> str:
    """The number of an account: given as it is, or in the address of its page.

    Raises:
        PermanentError: (`bad_account`) it is neither.
    """
    name = given.strip()
    if "/" in name:
        parts = urlsplit(name if "://" in name else f"https://{name}")
        host = (parts.hostname or "").removeprefix("www.")
        known = host in ("juejin.cn", "juejin.im") or parts.netloc == urlsplit(site).netloc
        words = [word for word in parts.path.split("/") if word]
        name = words[1] if known and len(words) > 1 and words[0] == "user" else ""
    if not ID.fullmatch(name):
        raise PermanentError(
            f"{given!r} is no account of Juejin: give its number, or the address of its page "
            f"(https://juejin.cn/user/<number>)",
            kind="bad_account",
        )
    return name
