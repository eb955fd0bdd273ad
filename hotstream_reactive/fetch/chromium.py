"""Where Chromium is and how it is started."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from hotstream_reactive.errors import BlockedError

_ON_PATH = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find(configured: str, bundled: str) -> str:
    """The Chromium to start.

    Args:
        configured: `fetch.chromium`; an operator who names one means it.
        bundled: where Playwright would have put its own.

    Raises:
        BlockedError: (`no_browser`) there is none.
    """
    if configured:
        if not Path(configured).is_file():
            raise BlockedError(
                f"fetch.chromium names {configured}, which is no file", kind="no_browser"
            )
        return configured
    if bundled and Path(bundled).is_file():
        return bundled
    for name in _ON_PATH:
        if found := shutil.which(name):
            return found
    raise BlockedError(
        "the page needs a browser and there is none: install Chromium, run `playwright install "
        "chromium`, or name one in fetch.chromium",
        kind="no_browser",
    )


def arguments() -> list[str]:
    """Command-line switches for a quiet browser in a container."""
    quiet = [
        "--disable-dev-shm-usage",  # /dev/shm has 64 MB in a container
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-default-apps",
        "--disable-extensions",
        "--disable-sync",
        "--disable-gpu",
        "--no-first-run",
        "--mute-audio",
        # Connections of other kinds would pass by the gateway, which vets them.
        "--webrtc-ip-handling-policy=disable_non_proxied_udp",
        "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",  # its name before 2025
        "--disable-quic",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        quiet.append("--no-sandbox")  # the sandbox refuses to work for root
    return quiet
