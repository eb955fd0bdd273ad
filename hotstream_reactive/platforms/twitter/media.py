"""Photos, videos and GIFs of a post, and their canonical addresses."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from selectolax.lexbor import LexborNode

_PIC = re.compile(r"(?:https?://[^/]+)?/pic/(?P<orig>orig/)?(?P<enc>enc/)?(?P<path>.+)", re.DOTALL)
_VIDEO = re.compile(r"(?:https?://[^/]+)?/video/(?P<enc>enc/)?[0-9A-Za-z]+/(?P<url>.+)", re.DOTALL)
_EXTENSION = re.compile(r"\.\w{2,4}$")


def canonical(address: str, *, full_size: bool = False) -> str | None:
    """The twimg.com address behind a proxied one; None when it is none of Twitter's.

    Args:
        address: ``/pic/…``, ``/pic/orig/…``, ``/pic/enc/…``, ``/video/<hash>/…`` or a direct one.
        full_size: ask for the original size of a photo.
    """
    address = address.strip()
    if match := _PIC.fullmatch(address):
        full_size = full_size or bool(match["orig"])
        target = _decoded(match["path"], bool(match["enc"]))
    elif match := _VIDEO.fullmatch(address):
        target = _decoded(match["url"], bool(match["enc"]))
    else:
        target = address
    target = (target or "").lstrip("/")
    if not target:
        return None
    if "://" not in target:
        first = target.split("/", 1)[0]
        target = (
            f"https://{target}"
            if first.endswith("twimg.com")
            else f"https://pbs.twimg.com/{target}"
        )
    return _checked(target, full_size)


def _decoded(text: str, encoded: bool) -> str | None:
    text = unquote(text)
    if not encoded:
        return text
    try:
        padded = text + "=" * (-len(text) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


def _checked(target: str, full_size: bool) -> str | None:
    try:
        parts = urlsplit(target)
        host = parts.hostname or ""
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not (
        host == "twimg.com" or host.endswith(".twimg.com")
    ):
        return None
    query = parts.query
    if full_size and parts.path.startswith("/media/"):
        kept = dict(parse_qsl(query))
        if _EXTENSION.search(parts.path):
            kept.pop("format", None)
        query = urlencode(kept | {"name": "orig"})
    return f"https://{host}{parts.path}" + (f"?{query}" if query else "")


def attachments(node: LexborNode) -> list[dict[str, Any]]:
    """The media below an element: ``{"kind": "photo"|"video"|"gif", "url", "thumb", "alt"}``.

    `url` is missing when the page does not give the file (playback switched off), `thumb` and
    `alt` when there are none.
    """
    all_gifs = "media-gif" in (node.attributes.get("class") or "")
    return [entry for box in node.css(".attachment") or [node] for entry in _of_box(box, all_gifs)]


def _of_box(box: LexborNode, all_gifs: bool) -> list[dict[str, Any]]:
    photos = box.css("a.still-image")
    if photos:
        return [_photo(link, box) for link in photos]
    video = box.css_first("video")
    if video is not None or box.css_first(".video-overlay") is not None:
        return [_moving(box, video, all_gifs)]
    image = box.css_first("img")
    if image is None:
        return []
    link = box.css_first("a[href]")
    return [_photo(link if link is not None else image, box)]


def _photo(link: LexborNode, box: LexborNode) -> dict[str, Any]:
    image = link.css_first("img") or link
    source = link.attributes.get("href") or image.attributes.get("src") or ""
    entry: dict[str, Any] = {"kind": "photo"}
    if url := canonical(source, full_size=True):
        entry["url"] = url
    return _with_alt(entry, box, image.attributes.get("alt"))


def _moving(box: LexborNode, video: LexborNode | None, all_gifs: bool) -> dict[str, Any]:
    image = box.css_first("img")
    thumb = (video.attributes.get("poster") if video is not None else None) or (
        image.attributes.get("src") if image is not None else None
    )
    marked = video is not None and "gif" in (video.attributes.get("class") or "").split()
    # A GIF with playback switched off has no mark of its own, but its still lies elsewhere.
    is_gif = all_gifs or marked or "tweet_video_thumb" in (thumb or "")
    entry: dict[str, Any] = {"kind": "gif" if is_gif else "video"}
    if url := _stream(box, video):
        entry["url"] = url
    if thumb and (still := canonical(thumb)):
        entry["thumb"] = still
    return _with_alt(entry, box, None)


def _stream(box: LexborNode, video: LexborNode | None) -> str | None:
    candidates: list[str | None] = []
    if video is not None:
        candidates += [source.attributes.get("src") for source in video.css("source")]
        candidates.append(video.attributes.get("src"))
    candidates += [link.attributes.get("href") for link in box.css("a.video-download")]
    if video is not None:
        candidates.append(video.attributes.get("data-url"))
    for candidate in candidates:
        if candidate and (url := canonical(candidate)):
            return url
    return None


def _with_alt(entry: dict[str, Any], box: LexborNode, alt: str | None) -> dict[str, Any]:
    described = box.css_first("p.alt-text")
    if described is not None:
        alt = described.text().strip().removeprefix("ALT").strip()
    if alt:
        entry["alt"] = alt
    return entry
