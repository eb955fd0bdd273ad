"""Items by batch size, alone and through a whole run, and the reading of pages.

The pages are the demonstration site's own. BeautifulSoup reads the same posts from them, by the
same selectors, as short as a user would write it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import anyio

from benchmarks import rig
from benchmarks.report import Found
from hotstream_reactive.fetch.http import HttpClient
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.indexes import ensure_indexes
from hotstream_reactive.mongo.items import ItemStore
from hotstream_reactive.platforms.twitter import parse_page
from hotstream_reactive.platforms.twitter.demo_site import NitterSite
from hotstream_reactive.settings import FetchSettings, MongoSettings


async def run(driver: str, scale: float) -> Found:
    """Items per second, and pages per second of the parser."""
    found = Found(part="items")
    with rig.server() as uri:
        for size in (1, 10, 100, 500):
            number = max(500, int(min(10_000, 1_000 * size) * scale)) // size * size
            rate = await _stored(uri, driver, size, number)
            found.add(f"items stored, batches of {size}", rate, "/s")
        number = max(1000, int(10_000 * scale))
        found.add("items of one run, adapter to storage", await _run(uri, driver, number), "/s")
    await _parsing(found, int(200 * scale) or 5)
    return found


async def _stored(uri: str, driver: str, size: int, number: int) -> float:
    """Items per second into the fenced storage, one batch after another."""
    mongo = Mongo(MongoSettings(uri=uri, database=f"items{size}", driver=driver), app_name="bench")
    await mongo.connect()
    await ensure_indexes(mongo, runs_retention_days=1)
    await mongo.tasks.insert_one(rig.task("t", status=1, lease_id="L"))
    task = await mongo.tasks.find_one({"task_id": "t"})
    assert task is not None
    store = ItemStore(mongo)
    began = time.monotonic()
    for first in range(0, number, size):
        items = [_item(size, n) for n in range(first, first + size)]
        await store.save(items, task_id="t", lease=(task["_id"], "L"))
    rate = number / (time.monotonic() - began)
    await mongo.close()
    return rate


async def _run(uri: str, driver: str, number: int) -> float:
    """Items per second of a run: adapter, extractor, storage, progress, outcome."""
    async with rig.client(uri) as outside, rig.workers(uri, "run", driver=driver):
        tasks = outside["run"].tasks
        await tasks.insert_one(rig.task("t", keywords=["items"], options={"limit": number}))
        while not (ended := await tasks.find_one({"task_id": "t", "status": {"$in": [2, 3]}})):
            await anyio.sleep(0.02)
    assert ended["result_count"] == number, ended.get("error_message")
    return float(number / (ended["completed_at"] - ended["started_at"]).total_seconds())


def _item(size: int, n: int) -> DataItem:
    return DataItem(
        id=f"twitter_{size}_{n}",
        platform="twitter",
        content="x" * 280,
        author="somebody",
        metadata={"likes": n, "reposts": 1},
        raw_data={"text": "x" * 280, "n": n},
    )


async def _parsing(found: Found, number: int) -> None:
    async with NitterSite() as site, HttpClient(FetchSettings(), trusted=[site.url]) as http:
        page = (await http.get(f"{site.url}/nightdome")).text
    posts = len(parse_page(page, url="http://x/nightdome").records)
    ours = _rate(lambda: parse_page(page, url="http://x/nightdome"), number)
    theirs = None
    try:
        from bs4 import BeautifulSoup
    except ImportError:
        found.notes.append("BeautifulSoup is not installed: pip install -e '.[bench]'")
    else:
        assert len(_with_soup(BeautifulSoup, page)) == posts
        theirs = _rate(lambda: _with_soup(BeautifulSoup, page), max(3, number // 10))
    name = f"pages of {posts} posts parsed (floor: BeautifulSoup, four fields)"
    found.add(name, ours, "/s", floor=theirs)


def _with_soup(parse: Any, page: str) -> list[dict[str, str]]:
    return [
        {
            "link": post.select_one(".tweet-link")["href"],
            "content": post.select_one(".tweet-content").get_text(),
            "author": post.select_one(".username").get_text(),
            "created_at": post.select_one(".tweet-date a")["title"],
        }
        for post in parse(page, "html.parser").select(".timeline-item")
        if post.select_one(".tweet-content") is not None
    ]


def _rate(work: Callable[[], object], number: int) -> float:
    began = time.monotonic()
    for _ in range(number):
        work()
    return number / (time.monotonic() - began)
