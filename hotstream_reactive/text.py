"""Texts made harmless before a person, a terminal or a log file sees them.

`clean` is for what comes from outside (pages, task documents, plugins), `redact` and `redact_uri`
for what may carry credentials.
"""

from __future__ import annotations

import re

_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_HARMFUL = {
    **dict.fromkeys((*range(0x20), *range(0x7F, 0xA0))),  # C0, DEL, C1
    **dict.fromkeys(
        (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
    ),  # bidi
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),  # lone surrogates cannot be written as UTF-8
    0x09: " ",
}

_HOST = r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?|[A-Za-z0-9._%-]+\.sock"
_MONGODB_URI = re.compile(
    rf"(mongodb(?:\+srv)?)://([^@/?#\s]*@)?((?:{_HOST})(?:,(?:{_HOST}))*)(/[\w%.-]*)?(?:\?([^@\s]*))?",
    re.IGNORECASE,
)
_TELLING_OPTIONS = {"replicaset", "authsource", "directconnection", "tls", "w", "readpreference"}

_MONGODB_IN_TEXT = re.compile(r"mongodb(?:\+srv)?://\S+", re.IGNORECASE)
_CLOSING = ")]}>'\"`,.;:"
_USERINFO_IN_TEXT = re.compile(
    r"://(?:[^\s/?#@]*@)+"
    # A password with a raw slash; `host:8080/@author` is no such thing.
    r"|://[^\s/@:]{1,256}:(?!\d{1,5}[/?#])[^\s@]{1,256}@"
)
_NAMED_SECRET = re.compile(
    r"(?i)(?<![\w-])((?:proxy-)?authorization|[\w-]{0,64}cookies?)(['\"]?\s{0,3}[:=]\s{0,3})[^\r\n]+"
    r"|(?<![\w-])([\w-]{0,64}(?:password|passwd|token|secret|api[_-]?key))"
    r"(['\"]?\s{0,3}[:=]\s{0,3})(\"[^\"\n]*\"|'[^'\n]*'|[^\s,;&)}\]]+)"
)


def clean(text: str, limit: int = 200) -> str:
    """Make a text from outside harmless for a terminal or a log line.

    Control characters (C0, C1, DEL) and bidirectional controls are dropped, a tab becomes a
    space, a line end ``⏎``, a lone surrogate ``�``; more than `limit` characters are cut, ending
    in ``…``.
    """
    if not (text.isascii() and text.isprintable()):
        text = _LINE_END.sub("⏎", text).translate(_HARMFUL)
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"


def redact_uri(uri: str) -> str:
    """A MongoDB URI without user, password and secret options, for messages.

    Only what is certainly no secret is kept, so of a URI that is not well formed (an unescaped
    ``@`` or ``/`` in the password, a missing host) nothing but the scheme is left. An empty text
    stays empty.
    """
    if not uri:
        return ""
    found = _MONGODB_URI.fullmatch(uri.strip())
    if found is None:
        scheme = re.match(r"mongodb(\+srv)?://", uri.strip(), re.IGNORECASE)
        return f"{scheme[0]}***" if scheme else "***"
    scheme_name, userinfo, hosts, database, options = found.groups()
    shown = []
    for option in filter(None, re.split("[&;]", options or "")):
        name, _, value = option.partition("=")
        telling = name.lower() in _TELLING_OPTIONS and re.fullmatch(r"[\w.-]+", value)
        shown.append(option if telling else f"{name if name.isalnum() else '***'}=***")
    query = f"?{'&'.join(shown)}" if shown else ""
    return f"{scheme_name}://{'***@' if userinfo else ''}{hosts}{database or ''}{query}"


def redact(text: str) -> str:
    """Take credentials out of a text.

    MongoDB URIs go through `redact_uri`; ``user:password@`` in any address and the values of
    ``password=``, ``token:``, ``Cookie:``, ``Authorization:`` and the like become ``***``.
    """
    if "://" in text:
        text = _MONGODB_IN_TEXT.sub(_redact_match, text)
        text = _USERINFO_IN_TEXT.sub("://***@", text)
    return _NAMED_SECRET.sub(lambda m: f"{m[1] or m[3]}{m[2] or m[4]}***", text)


def _redact_match(found: re.Match[str]) -> str:
    core = found[0].rstrip(_CLOSING)
    return redact_uri(core) + found[0][len(core) :]


def size(number: object) -> str:
    """A number of bytes for people, e.g. ``58 MB`` or ``1.2 GB``; "" for what is none."""
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < 1e15:
        return ""
    return f"{number / 1e6:.0f} MB" if number < 1e9 else f"{number / 1e9:.1f} GB"
