"""Items into MongoDB by batch size, and HTML parsing against BeautifulSoup on the same page."""

from __future__ import annotations

import time

from benchmarks import rig
from benchmarks.report import Figure
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.indexes import ensure_indexes
from hotstream_reactive.mongo.items import ItemStore
from hotstream_reactive.platforms.twitter import parse_page
from hotstream_reactive.platforms.twitter.demo_site import NitterSite
from hotstream_reactive.settings import FetchSettings, MongoSettings


async def run(driver: str, scale: float) -> list[Figure]:
    """Items per second through the fenced storage; pages per second of the parser."""
    figures = []
    with rig.server() as uri:
        mongo = Mongo(MongoSettings(uri=uri, database="items", driver=driver), app_name="bench")
        await mongo.connect()
        await ensure_indexes(mongo, runs_retention_days=1)
        await mongo.tasks.insert_one(rig.task("t", status=1, lease_id="L"))
        task = await mongo.tasks.find_one({"task_id": "t"})
        assert task is not None
        store = ItemStore(mongo)
        for size in (10, 100, 500):
            number = max(1000, int(10_000 * scale)) // size * size
            began = time.monotonic()
            for first in range(0, number, size):
                items = [_item(size, n) for n in range(first, first + size)]
                await store.save(items, task_id="t", lease=(task["_id"], "L"))
            rate = number / (time.monotonic() - began)
            figures.append(
                Figure(part="items", name=f"items stored, batches of {size}", value=rate, unit="/s")
            )
        await mongo.close()
    return figures + await _parsing(int(200 * scale) or 20)


def _item(size: int, n: int) -> DataItem:
    return DataItem(
        id=f"twitter_{size}_{n}",
        platform="twitter",
        content="x" * 280,
        author="somebody",
        metadata={"likes": n, "reposts": 1},
        raw_data={"text": "x" * 280, "n": n},
    )


async def _parsing(number: int) -> list[Figure]:
    from hotstream_reactive.fetch.http import HttpClient

    async with NitterSite() as site, HttpClient(FetchSettings(), trusted=[site.url]) as http:
        page = (await http.get(f"{site.url}/nightdome")).text
    ours = _rate(lambda: parse_page(page, url="http://x/nightdome"), number)
    try:
        from bs4 import BeautifulSoup
    except ImportError:
        theirs = None
    else:
        theirs = _rate(lambda: BeautifulSoup(page, "html.parser"), max(5, number // 10))
    return [
        Figure(
            part="items",
            name="pages parsed to records; floor: BeautifulSoup, parsed only",
            value=ours,
            unit="/s",
            floor=theirs,
        )
    ]


def _rate(work: object, number: int) -> float:
    began = time.monotonic()
    for _ in range(number):
        work()  # type: ignore[operator] # a callable of no interest
    return number / (time.monotonic() - began)
