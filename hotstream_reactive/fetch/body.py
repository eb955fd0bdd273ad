"""Response bodies: decompressed within a limit, decoded with the right character set."""

from __future__ import annotations

import codecs
import re
import zlib

from hotstream_reactive.errors import TransientError

_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.I)
_XML_ENCODING = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']""")
_HEADER_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOOKED_AT_BYTES = 2048
# Labels that browsers read as the wider set they are nearly always meant for.
_WIDER = {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}
_ZLIB_HEAD_BYTES = 2
_ANY_ZLIB = zlib.MAX_WBITS | 32


class Body:
    """Collects a body chunk by chunk; what counts for the limit is the decompressed size.

    Args:
        encoding: the Content-Encoding header.
        limit_bytes: the most the decompressed body may have.

    Raises:
        TransientError: (`content_encoding`) an encoding that was not asked for.
    """

    def __init__(self, encoding: str, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._content = bytearray()
        names = [name.strip().lower() for name in encoding.split(",")]
        names = [name for name in names if name not in ("", "identity")]
        if len(names) > 1 or not set(names) <= {"gzip", "x-gzip", "deflate"}:
            raise TransientError(
                f"the answer is encoded as {encoding!r}, which was not asked for",
                kind="content_encoding",
            )
        self._inflate = zlib.decompressobj(_ANY_ZLIB) if names else None
        # "deflate" is sent with and without the zlib frame: its first two bytes tell.
        self._head: bytes | None = b"" if names == ["deflate"] else None

    def feed(self, chunk: bytes) -> None:
        """Add a chunk as it came.

        Raises:
            TransientError: (`body_too_large`, `content_encoding`) over the limit, or broken data.
        """
        if self._head is not None:
            chunk = self._head + chunk
            if len(chunk) < _ZLIB_HEAD_BYTES:
                self._head = chunk
                return
            self._head = None
            if chunk[0] & 0x0F != zlib.DEFLATED or int.from_bytes(chunk[:2], "big") % 31:
                self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        while chunk:
            if self._inflate is None:
                self._content += chunk
                chunk = b""
            else:
                # One byte more than allowed is enough to know; a bomb is never unpacked further.
                room = self._limit - len(self._content) + 1
                self._content += self._inflated(chunk, room)
                chunk = self._rest()
            if len(self._content) > self._limit:
                raise TransientError(
                    f"the body has more than {self._limit // 2**20} MiB (fetch.max_body_mb)",
                    kind="body_too_large",
                )

    def text(self, content_type: str) -> str:
        """The body as text, see `decoded`."""
        return decoded(bytes(self._content), content_type)

    def _inflated(self, chunk: bytes, room: int) -> bytes:
        assert self._inflate is not None
        try:
            return self._inflate.decompress(chunk, room)
        except zlib.error as error:
            raise TransientError(f"the body is broken: {error}", kind="content_encoding") from error

    def _rest(self) -> bytes:
        assert self._inflate is not None
        if self._inflate.eof and self._inflate.unused_data:
            rest = self._inflate.unused_data
            self._inflate = zlib.decompressobj(_ANY_ZLIB)  # gzip members may follow each other
            return rest if rest.strip(b"\x00") else b""
        return self._inflate.unconsumed_tail


def decoded(content: bytes, content_type: str) -> str:
    """A document as text.

    The character set is taken from a byte order mark, the header, the document itself, else UTF-8;
    undecodable bytes become U+FFFD.
    """
    for mark, name in _BOMS:
        if content.startswith(mark):
            return content.decode(name, "replace")
    return content.decode(_charset(content, content_type), "replace")


def _charset(content: bytes, content_type: str) -> str:
    head = content[:_LOOKED_AT_BYTES]
    named = _HEADER_CHARSET.search(content_type)
    candidates = [named[1]] if named else []
    for pattern in (_XML_ENCODING, _META_CHARSET):
        if match := pattern.search(head):
            candidates.append(match[1].decode("ascii", "replace"))
    for candidate in candidates:
        try:
            found = codecs.lookup(candidate)
        except LookupError:
            continue
        # Some codecs turn bytes into bytes; a page must not choose those.
        if found.name in _WIDER or getattr(found, "_is_text_encoding", True):
            return _WIDER.get(found.name, found.name)
    return "utf-8"
