"""Kept pages: where, how many, and nothing secret in them."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotstream_reactive.fetch import evidence as module
from hotstream_reactive.fetch.evidence import Evidence
from hotstream_reactive.fetch.response import Response

pytestmark = pytest.mark.anyio


def response(text="<p>no</p>", url="http://h.example:8/x") -> Response:
    return Response(
        url=url,
        final_url=url,
        status=403,
        headers={"set-cookie": "c4n4ry=1"},
        text=text,
        content_type="text/html",
    )


async def test_a_page_and_its_picture(tmp_path):
    folder = tmp_path / "evidence" / "twitter"
    file = await Evidence(folder, 50).keep(response(), "login_wall", picture=b"\x89PNG")
    assert file is not None
    text = file.read_text()
    assert text.startswith("<!-- login_wall: HTTP 403 from http://h.example:8/x, ")
    assert text.endswith("<p>no</p>")
    assert "c4n4ry" not in text
    assert file.with_suffix(".png").read_bytes() == b"\x89PNG"
    assert {stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_the_oldest_make_room(tmp_path):
    kept = Evidence(tmp_path, 4)
    files = [await kept.keep(response(), "k", picture=b"p") for _ in range(5)]
    assert len(list(tmp_path.iterdir())) == 4
    assert files[-1].exists()
    assert files[-2].exists()
    assert not files[0].exists()


async def test_bytes_are_bounded_too(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_MOST_BYTES", 3000)
    kept = Evidence(tmp_path, 50)
    for _ in range(6):
        await kept.keep(response("x" * 900), "k")
    assert sum(one.stat().st_size for one in tmp_path.iterdir()) <= 3000


async def test_one_page_is_bounded(tmp_path):
    file = await Evidence(tmp_path, 50).keep(response("é" * 2**22), "k")
    assert file.stat().st_size <= 2 * 2**20


async def test_other_files_are_left_alone(tmp_path):
    mine = tmp_path / "notes.html"
    mine.write_text("mine")
    for _ in range(3):
        await Evidence(tmp_path, 1).keep(response(), "k")
    assert mine.read_text() == "mine"


@pytest.mark.parametrize(("folder", "most"), [(None, 50), ("e", 0)])
async def test_nothing_is_kept_where_nothing_is_wanted(tmp_path, folder, most):
    kept = Evidence(tmp_path / folder if folder else None, most)
    assert not kept.is_kept
    assert await kept.keep(response(), "k") is None
    assert list(tmp_path.iterdir()) == []


async def test_what_cannot_be_written_hides_nothing(tmp_path):
    (tmp_path / "file").write_text("x")
    assert await Evidence(tmp_path / "file" / "below", 50).keep(response(), "k") is None


async def test_a_link_is_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "evidence").symlink_to(elsewhere)
    assert await Evidence(tmp_path / "evidence", 50).keep(response(), "k") is None
    assert list(elsewhere.iterdir()) == []


async def test_secrets_are_blotted_out(tmp_path):
    text = "<script>document.cookie='res=s3cr3t&amp;x'</script>hello s3cr3t&x pass-w0rd ab"
    file = await Evidence(tmp_path, 50).keep(
        response(text, url="http://h/?token=abcdefgh"),
        "k",
        secrets_sent=["s3cr3t&x", "pass-w0rd", "ab", ""],
    )
    kept = file.read_text()
    assert "s3cr3t" not in kept
    assert "pass-w0rd" not in kept
    assert "abcdefgh" not in kept
    assert kept.endswith("hello *** *** ab")


@given(st.text(max_size=300), st.text(max_size=100))
def test_names_are_harmless(url, kind):
    name = module._name(url, kind)
    assert re.fullmatch(r"[\w.-]+", name, re.ASCII)
    assert len(name) < 150
    assert ".." not in name.replace("...", "..") or "/" not in name
    assert Path("/a/b", name).parent == Path("/a/b")
    assert os.sep not in name


@given(st.text(max_size=60))
def test_the_comment_cannot_be_left(kind):
    page = module._page(response(), kind, ()).decode()
    first = page.partition("\n")[0]
    assert first.count("-->") == 1
    assert first.endswith("-->")
