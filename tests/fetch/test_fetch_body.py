"""Bodies: compression within a limit, character sets."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotstream_reactive.errors import TransientError
from hotstream_reactive.fetch.body import Body

LIMIT = 2**20


def collected(data: bytes, encoding: str = "", *, step: int = 7, limit: int = LIMIT) -> Body:
    body = Body(encoding, limit)
    for start in range(0, len(data), step):
        body.feed(data[start : start + step])
    return body


def raw_deflate(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


@given(st.binary(max_size=3000), st.integers(1, 4000))
def test_every_encoding_gives_back_what_was_sent(data: bytes, step: int) -> None:
    text = data.decode("latin-1")
    sent = text.encode()
    for encoding, packed in (
        ("", sent),
        ("identity", sent),
        ("gzip", gzip.compress(sent)),
        ("GZIP", gzip.compress(sent[:10]) + gzip.compress(sent[10:])),
        ("deflate", zlib.compress(sent)),
        ("deflate", raw_deflate(sent)),
    ):
        body = collected(packed, encoding, step=step)
        assert body.text("text/html; charset=utf-8") == sent.decode("utf-8-sig")


@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
def test_too_much_is_refused(encoding: str) -> None:
    data = b"0" * (LIMIT + 1)
    packed = {"": data, "gzip": gzip.compress(data), "deflate": zlib.compress(data)}[encoding]
    with pytest.raises(TransientError, match="1 MiB") as caught:
        collected(packed, encoding, step=4096)
    assert caught.value.kind == "body_too_large"
    collected(data[:LIMIT], step=4096)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b"0" * (64 * LIMIT))
    body = Body("gzip", LIMIT)
    with pytest.raises(TransientError):
        body.feed(bomb)
    assert len(body._content) == LIMIT + 1


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zstd"])
def test_encodings_nobody_asked_for(encoding: str) -> None:
    with pytest.raises(TransientError) as caught:
        Body(encoding, LIMIT)
    assert caught.value.kind == "content_encoding"


def test_broken_data() -> None:
    with pytest.raises(TransientError) as caught:
        collected(b"this is no gzip", "gzip")
    assert caught.value.kind == "content_encoding"


@pytest.mark.parametrize(
    ("content", "content_type", "expected"),
    [
        ("é".encode(), "text/html; charset=utf-8", "é"),
        ("é".encode(), "text/html", "é"),
        ("é".encode("latin-1"), "text/html; charset=ISO-8859-1", "é"),
        (b"\x93x\x94", "text/html; charset=iso-8859-1", "“x”"),
        ("时间".encode("gbk"), 'text/html; charset="gb2312"', "时间"),
        ("<meta charset=gbk>时间".encode("gbk"), "text/html", "<meta charset=gbk>时间"),
        (
            "<?xml version='1.0' encoding='latin-1'?>é".encode("latin-1"),
            "text/xml",
            "<?xml version='1.0' encoding='latin-1'?>é",
        ),
        (b"\xef\xbb\xbfx", "text/html; charset=latin-1", "x"),
        ("x".encode("utf-16"), "text/html", "x"),
        (b"a\xffb", "text/html", "a\ufffdb"),
        (b"x", "text/html; charset=no-such-thing", "x"),
        (b"78", "text/html; charset=hex", "78"),
    ],
)
def test_character_sets(content: bytes, content_type: str, expected: str) -> None:
    assert collected(content).text(content_type) == expected
