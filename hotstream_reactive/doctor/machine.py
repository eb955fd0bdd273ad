"""Trials on this machine: plugins, browser, instances, disk."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from hotstream_reactive.doctor.finding import Finding, fail, in_thread, ok, warn
from hotstream_reactive.errors import BlockedError
from hotstream_reactive.fetch import chromium
from hotstream_reactive.plugins import load_plugins
from hotstream_reactive.settings import Settings
from hotstream_reactive.settings_file import LoadedSettings

if TYPE_CHECKING:
    from playwright.async_api import Playwright

_LITTLE_SPACE = 2**30  # bytes
_INSTALL = "Run `playwright install chromium`, install Chromium, or name one in fetch.chromium."
_CLOSE_S = 3.0


def configuration(loaded: LoadedSettings) -> Finding:
    """Where the settings come from; that they can be used is known by now."""
    changed = sum(source != "default" for source in loaded.sources.values())
    where = "no file" if loaded.path is None else str(loaded.path.absolute())
    return ok("configuration", f"{where}; {changed} settings are not from the defaults")


async def plugins(settings: Settings) -> list[Finding]:
    """Load all plugins, as a worker does."""
    folders = [Path(folder) for folder in settings.plugins.plugin_dirs]
    registry = await in_thread(lambda: load_plugins(folders))
    broken = [
        fail("plugins", str(plugin), "Mend this plugin, or remove it.")
        for plugin in registry.broken
    ]
    known = ", ".join(sorted(registry.platforms)) or "none"
    stores = ", ".join(sorted(registry.storages)) or "none"
    return [*broken, ok("plugins", f"platforms: {known}; storages: {stores}")]


async def instances(settings: Settings) -> list[Finding]:
    """Whether Twitter can be read at all."""
    twitter = settings.platform("twitter")
    if not twitter.enabled:
        return [ok("twitter", "switched off")]
    if not twitter.instances:
        return [
            warn(
                "twitter",
                "no Nitter instance is configured, so tasks of this platform fail",
                "Set platforms.twitter.instances; `hotstream test-nitter NASA` tries them.",
            )
        ]
    return [ok("twitter", f"{len(twitter.instances)} Nitter instances are configured")]


async def disk(settings: Settings) -> list[Finding]:
    """Whether storages can write files."""
    return [await in_thread(lambda: _disk(Path(settings.storage.output_dir)))]


def _disk(folder: Path) -> Finding:
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    remedy = "Set storage.output_dir to a folder that this user may write."
    if not place.is_dir():
        return fail("output_dir", f"{place} is no folder", remedy)
    try:
        if place == folder.absolute():
            with tempfile.TemporaryFile(dir=place) as file:
                file.write(b"hotstream")
        elif not os.access(place, os.W_OK | os.X_OK):
            return fail("output_dir", f"{folder} cannot be made in {place}", remedy)
    except OSError as error:
        return fail("output_dir", f"{folder}: {error.strerror or error}", remedy)
    free = shutil.disk_usage(place).free
    message = f"{folder} can be written, {free / 2**30:.1f} GiB free"
    if free < _LITTLE_SPACE:
        return warn("output_dir", message, "Free some space, or set storage.output_dir elsewhere.")
    return ok("output_dir", message)


async def browser(settings: Settings) -> list[Finding]:
    """Start Chromium and load an empty page, as the fetch layer would."""
    from playwright.async_api import Error, async_playwright

    playwright = await async_playwright().start()
    try:
        path = chromium.find(settings.fetch.chromium, playwright.chromium.executable_path)
        version = await _launch(playwright, path)
    except BlockedError:
        message = "no Chromium found: pages that need a browser cannot be read"
        if settings.fetch.chromium:
            return [fail("browser", f"no file at {settings.fetch.chromium}", _INSTALL)]
        return [warn("browser", message, _INSTALL)]
    except Error as error:
        reason = str(error).partition("\n")[0]
        return [warn("browser", f"{path} does not start: {reason}", _INSTALL)]
    finally:
        with anyio.move_on_after(_CLOSE_S, shield=True):
            await playwright.stop()
    whose = "playwright's" if path == playwright.chromium.executable_path else "system's"
    return [ok("browser", f"Chromium {version} starts (the {whose}, {path})")]


async def _launch(playwright: Playwright, path: str) -> str:
    browser = await playwright.chromium.launch(
        executable_path=path, headless=True, args=chromium.arguments()
    )
    try:
        page = await browser.new_page()
        await page.goto("about:blank")
        return browser.version
    finally:
        with anyio.move_on_after(_CLOSE_S, shield=True):
            await browser.close()
