"""The browser's way out, spoken to directly and by a real Chromium."""

from __future__ import annotations

import asyncio
import base64
import re

import pytest

from hotstream_reactive.errors import BlockedError
from hotstream_reactive.fetch.browser import BrowserPool
from hotstream_reactive.fetch.gateway import Gateway, Pass, Policy
from hotstream_reactive.fetch.guard import AddressGuard
from hotstream_reactive.fetch.http import DEFAULT_USER_AGENT
from hotstream_reactive.settings import FetchSettings
from tests.fetch.surroundings import CHROMIUM, needs_chromium
from tests.site.nitter import MisbehavingSite

pytestmark = pytest.mark.anyio


@pytest.fixture
async def site():
    async with MisbehavingSite() as running:
        yield running


@pytest.fixture
async def gateway():
    running = Gateway()
    await running.start()
    yield running
    await running.close()


async def no_proxy(_: str) -> None:
    return None


def policy(site: MisbehavingSite, limit: int | None = None) -> Policy:
    return Policy(AddressGuard([site.url]).vet, no_proxy, limit)


async def say(
    ticket: Pass, request: str, password: str | None = None, *, hangs_up: bool = False
) -> bytes:
    """What comes back, as far as it belongs to the answer."""
    pair = f"{ticket.username}:{ticket.password if password is None else password}"
    token = base64.b64encode(pair.encode()).decode()
    port = int(ticket.server.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.replace("AUTH", f"Proxy-Authorization: Basic {token}").encode())
    await writer.drain()
    if hangs_up:
        writer.write_eof()
    try:
        return await asyncio.wait_for(_whole(reader, is_tunnel="CONNECT" in request), 10)
    except (ConnectionResetError, asyncio.IncompleteReadError):
        return b""
    finally:
        writer.close()


async def _whole(reader: asyncio.StreamReader, *, is_tunnel: bool) -> bytes:
    if is_tunnel:
        return await reader.read(-1)
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return head + await (reader.readexactly(int(length[1])) if length else reader.read(-1))


async def test_a_plain_request(site, gateway):
    with gateway.open(policy(site)) as ticket:
        request = (
            f"GET {site.url}/about HTTP/1.1\r\nHost: h\r\nAUTH\r\nConnection: keep-alive\r\n\r\n"
        )
        answer = await say(ticket, request)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in answer.split(b"\r\n\r\n")[0]
    seen = site.headers_seen[0]
    assert seen["connection"] == "close"
    assert "proxy-authorization" not in seen
    assert ticket.received_bytes > 0


async def test_a_tunnel(site, gateway):
    with gateway.open(policy(site)) as ticket:
        inner = "GET /about HTTP/1.1\r\nHost: h\r\n\r\n"
        site.misbehave("cut")
        answer = await say(ticket, f"CONNECT 127.0.0.1:{site.port} HTTP/1.1\r\nAUTH\r\n\r\n{inner}")
    assert answer.startswith(b"HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200")


@pytest.mark.parametrize(
    "request_line",
    [
        "GET http://10.0.0.1/ HTTP/1.1",
        "GET http://127.0.0.1:9/ HTTP/1.1",
        "GET http://[::1]:9/ HTTP/1.1",
        "GET ftp://1.1.1.1/ HTTP/1.1",
        "CONNECT 169.254.169.254:80 HTTP/1.1",
        "CONNECT localhost:27017 HTTP/1.1",
        "CONNECT [::ffff:10.0.0.1]:443 HTTP/1.1",
        "CONNECT 0x7f.1:443 HTTP/1.1",
    ],
)
async def test_private_addresses_are_not_reached(site, gateway, request_line):
    with gateway.open(policy(site)) as ticket:
        assert await say(ticket, f"{request_line}\r\nAUTH\r\n\r\n") == b""
    assert isinstance(ticket.refusals[0], BlockedError)
    assert site.requests == []


async def test_nobody_else_may_use_it(site, gateway):
    with gateway.open(policy(site)) as ticket:
        request = f"GET {site.url}/ HTTP/1.1\r\nAUTH\r\n\r\n"
        assert (await say(ticket, request, password="guessed")).startswith(b"HTTP/1.1 407")
        assert (await say(ticket, request.replace("AUTH", "X: y"))).startswith(b"HTTP/1.1 407")
    assert (await say(ticket, request)).startswith(b"HTTP/1.1 407"), "the pass has expired"
    assert site.requests == []


@pytest.mark.parametrize("rubbish", ["\r\n\r\n", "GET\r\n\r\n", "GET a b c\r\nAUTH\r\n\r\n", "x"])
async def test_rubbish(site, gateway, rubbish):
    with gateway.open(policy(site)) as ticket:
        await say(ticket, rubbish, hangs_up=True)
        good = f"GET {site.url}/about HTTP/1.1\r\nAUTH\r\n\r\n"
        assert (await say(ticket, good)).startswith(b"HTTP/1.1 200")


async def test_what_comes_in_is_counted_and_cut(site, gateway):
    site.misbehave("huge", mebibytes="8")
    with gateway.open(policy(site, limit=2**20)) as ticket:
        answer = await say(ticket, f"GET {site.url}/ HTTP/1.1\r\nAUTH\r\n\r\n")
    assert len(answer) <= 2**20
    assert ticket.is_exceeded


@pytest.mark.parametrize("head", ["x\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "\r\n\r\n", ""])
async def test_a_server_that_speaks_something_else(gateway, head):
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head.encode())
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with gateway.open(Policy(AddressGuard([url]).vet, no_proxy)) as ticket:
        await say(ticket, f"GET {url}/ HTTP/1.1\r\nAUTH\r\n\r\n")
    server.close()


async def test_a_long_question(site, gateway):
    site.misbehave("page", text="ok")
    with gateway.open(policy(site)) as ticket:
        request = f"POST {site.url}/x HTTP/1.1\r\nAUTH\r\nContent-Length: 5\r\n\r\nhello"
        assert (await say(ticket, request)).startswith(b"HTTP/1.1 200")
        unknown = f"POST {site.url}/x HTTP/1.1\r\nAUTH\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert await say(ticket, unknown) == b""


FETCHER = """<html><body><script>
const wanted = %s;
Promise.allSettled(wanted.map(one => one.startsWith("ws")
  ? new Promise((_, failed) => { const s = new WebSocket(one); s.onerror = s.onclose = failed; })
  : one === "frame"
  ? new Promise(done => { const f = document.createElement("iframe"); f.onload = done;
      f.src = "/leads-away"; document.body.append(f); })
  : fetch(one, {mode: "no-cors"})
)).then(all => {
  document.body.insertAdjacentHTML("beforeend",
    "<p class=ready>" + all.map(one => one.status).join() + "</p>");
});
</script></body></html>"""


@needs_chromium
@pytest.mark.fault("H3", "pages that reach for private networks")
async def test_a_page_reaches_nothing_private_by_any_way(site):
    """Directly, by redirects, in frames, by web sockets: nothing arrives."""
    async with MisbehavingSite() as secret, BrowserPool().lease() as pool:
        site.misbehave("redirect", path="/leads-away", to=f"{secret.url}/taken")
        wanted = [
            f"{secret.url}/direct",
            f"{site.url}/leads-away",
            f"ws://127.0.0.1:{secret.port}/socket",
            f"wss://127.0.0.1:{secret.port}/socket",
            "frame",
            f"http://localhost:{secret.port}/named",
        ]
        site.misbehave("page", path="/start", text=FETCHER % wanted)
        visit = await pool.fetch(
            f"{site.url}/start",
            settings=FetchSettings(timeout=10, chromium=CHROMIUM),
            user_agent=DEFAULT_USER_AGENT,
            ready=".ready",
            guard=AddressGuard([site.url]),
        )
        assert 'class="ready"' in visit.response.text, "all of them were tried"
        assert secret.requests == []


class Listener(asyncio.DatagramProtocol):
    """Hears what is sent to a UDP port."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.heard.append(data)


@needs_chromium
async def test_webrtc_does_not_pass_by(site):
    """It would connect past the gateway, and not by HTTP at all."""
    loop = asyncio.get_running_loop()
    transport, listener = await loop.create_datagram_endpoint(Listener, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    page = """<html><body><script>
    const link = new RTCPeerConnection({iceServers: [{urls: "stun:127.0.0.1:%d"}]});
    link.createDataChannel("x");
    link.createOffer().then(offer => link.setLocalDescription(offer));
    setTimeout(() => { document.body.innerHTML = "<p class=ready></p>"; }, 1500);
    </script></body></html>"""
    site.misbehave("page", path="/start", text=page % port)
    async with BrowserPool().lease() as pool:
        visit = await pool.fetch(
            f"{site.url}/start",
            settings=FetchSettings(timeout=10, chromium=CHROMIUM),
            user_agent=DEFAULT_USER_AGENT,
            ready=".ready",
            guard=AddressGuard([site.url]),
        )
    transport.close()
    assert '<p class="ready">' in visit.response.text
    assert listener.heard == []
