"""Which addresses may be fetched: configured ones always, those from pages only in public."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

import anyio

from hotstream_reactive.errors import BlockedError, TransientError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressGuard:
    """Decides about the addresses of one client.

    Args:
        trusted: addresses from the operator's configuration. Their host and port may be asked
            wherever they are, loopback and private networks included.
    """

    def __init__(self, trusted: Iterable[str]) -> None:
        self._trusted = {endpoint(address) for address in trusted}

    def is_trusted(self, url: str) -> bool:
        """Whether the address has host and port of a configured one."""
        return endpoint(url) in self._trusted

    async def vet(self, url: str, *, by_proxy: bool = False) -> str | None:
        """Check an address before it is asked.

        Args:
            url: the address.
            by_proxy: a proxy will look the name up: it need not mean anything here.

        Returns:
            The IP address to connect to, so that a name cannot mean another machine a moment
            later; None for a configured address, which is taken as it is, and for a name that
            only the proxy knows.

        Raises:
            BlockedError: (`forbidden_address`) no http or https, or a private address.
            TransientError: (`dns`) the name cannot be resolved.
        """
        if self.is_trusted(url):
            return None
        host, port = endpoint(url)
        if port is None or not host:
            raise _forbidden(url, "only http and https may be fetched")
        try:
            addresses = await _addresses(host, port)
        except (OSError, UnicodeError) as error:
            if by_proxy:
                return None
            raise TransientError(f"{host} has no address: {error}", kind="dns") from error
        private = next((text for text in addresses if not is_public(text)), None)
        if private is not None:
            raise _forbidden(url, f"{private} is no public address")
        if not addresses:
            raise TransientError(f"{host} has no address", kind="dns")
        return addresses[0]


async def is_local(url: str) -> bool:
    """Whether the address is in a private network of this machine, where no proxy can reach it."""
    host, port = endpoint(url)
    try:
        addresses = await _addresses(host, port)
    except (OSError, UnicodeError):
        return False
    return any(not is_public(text) for text in addresses)


async def _addresses(host: str, port: int | None) -> list[str]:
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]).split("%", 1)[0] for entry in found]


def endpoint(url: str) -> tuple[str, int | None]:
    """Host and port of an address; the port is None when it is neither http nor https."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return "", None
    if parts.scheme not in _DEFAULT_PORTS:
        port = None
    return (parts.hostname or "").lower().rstrip("."), port


def is_public(text: str) -> bool:
    """Whether an IP address belongs to the public internet, also when wrapped in IPv6."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            address = inner
    return address.is_global and not address.is_multicast


def without_credentials(url: str) -> str:
    """The address without user and password, fit for messages and for storing."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return url.rsplit("@", 1)[-1]
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    return urlunsplit((parts.scheme, host + port, parts.path, parts.query, parts.fragment))


def _forbidden(url: str, why: str) -> BlockedError:
    return BlockedError(
        f"will not go to {without_credentials(url)}: {why}", kind="forbidden_address"
    )
