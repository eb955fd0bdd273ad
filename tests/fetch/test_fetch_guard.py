"""Which addresses may be fetched."""

from __future__ import annotations

import pytest

from hotstream_reactive.errors import BlockedError, TransientError
from hotstream_reactive.fetch.guard import AddressGuard, is_public, without_credentials

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
async def test_public(address):
    assert is_public(address)


@pytest.mark.fault("H3", "addresses of private networks")
@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "no address",
    ],
)
async def test_private(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://localhost:8080/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "https://user:word@192.168.0.1/",
        "file:///etc/passwd",
        "ftp://1.1.1.1/",
        "javascript:alert(1)",
        "http:///x",
        "http://1.1.1.1:99999/",
    ],
)
async def test_forbidden(url):
    with pytest.raises(BlockedError) as caught:
        await AddressGuard([]).vet(url)
    assert caught.value.kind == "forbidden_address"
    assert "word" not in str(caught.value)


async def test_the_configured_ones_are_trusted_with_their_port():
    guard = AddressGuard(["http://user:word@127.0.0.1:8080/base", "https://intern"])
    assert await guard.vet("http://127.0.0.1:8080/anything") is None
    assert await guard.vet("https://INTERN./x") is None
    for other in ("http://127.0.0.1:27017/", "http://127.0.0.1/"):
        with pytest.raises(BlockedError):
            await guard.vet(other)


async def test_a_public_address_is_pinned():
    assert await AddressGuard([]).vet("http://1.1.1.1/x") == "1.1.1.1"


async def test_no_such_name():
    with pytest.raises(TransientError) as caught:
        await AddressGuard([]).vet("http://nowhere.invalid/")
    assert caught.value.kind == "dns"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@h.example:8/x?y#z", "https://h.example:8/x?y#z"),
        ("http://u:p%40@[::1]:8/", "http://[::1]:8/"),
        ("http://h.example", "http://h.example"),
        ("http://u:p@h.example:port/x", "h.example:port/x"),
    ],
)
async def test_credentials_are_never_shown(url, shown):
    assert without_credentials(url) == shown
