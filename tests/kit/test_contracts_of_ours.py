"""What we ask of plugins, asked of our own adapters, extractors and storages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from hotstream_reactive.extractors.juejin import JuejinExtractor
from hotstream_reactive.extractors.medium import MediumExtractor
from hotstream_reactive.extractors.twitter import TwitterExtractor
from hotstream_reactive.extractors.zhihu import ZhihuExtractor
from hotstream_reactive.loopback import LoopbackServer
from hotstream_reactive.mongo.client import Mongo
from hotstream_reactive.mongo.indexes import ensure_indexes
from hotstream_reactive.mongo.items import ItemStore
from hotstream_reactive.platforms import juejin, medium, twitter, zhihu
from hotstream_reactive.platforms.base import PlatformAdapter
from hotstream_reactive.platforms.juejin import JuejinAdapter
from hotstream_reactive.platforms.medium import MediumAdapter
from hotstream_reactive.platforms.site import SharedPace
from hotstream_reactive.platforms.twitter import TwitterAdapter
from hotstream_reactive.platforms.twitter.client import Shared
from hotstream_reactive.platforms.twitter.demo_site import NitterSite
from hotstream_reactive.settings import MongoSettings
from hotstream_reactive.storages.base import StorageAdapter, StorageContext
from hotstream_reactive.storages.csv import CsvStorage
from hotstream_reactive.storages.json import JsonStorage
from hotstream_reactive.storages.jsonl import JsonLinesStorage
from hotstream_reactive.storages.mongodb import MongoStorage
from hotstream_reactive.testing import (
    DataExtractorContract,
    PlatformAdapterContract,
    RecordedSite,
    Reply,
    Request,
    StorageAdapterContract,
)
from tests.site.juejin import USER, JuejinSite
from tests.site.medium import MediumSite
from tests.site.zhihu import ZhihuSite
from tests.site.zhihu_content import answer, article


class RecordedNitter(RecordedSite, NitterSite):
    """The demo site, refusing as any recorded site can."""

    async def page(self, request: Request) -> Reply:
        return await NitterSite.answer(self, request)


class TestTwitterAdapter(PlatformAdapterContract):
    adapter = TwitterAdapter
    extractor = TwitterExtractor
    keywords = ["fog"]
    accounts = ["nightdome", "harbour_lamp"]

    def site(self) -> RecordedSite:
        return RecordedNitter()

    def make(self) -> PlatformAdapter:
        made = TwitterAdapter()
        made.shared = Shared()
        return made

    def platform(self, site: RecordedSite | None) -> Mapping[str, Any]:
        return {"instances": [site.url] if site else []}


class TestJuejinAdapter(PlatformAdapterContract):
    adapter = JuejinAdapter
    extractor = JuejinExtractor
    keywords = ["雾"]
    accounts = [USER]

    def site(self) -> RecordedSite:
        return JuejinSite()

    def make(self) -> PlatformAdapter:
        made = JuejinAdapter()
        made.shared = SharedPace()
        return made

    def platform(self, site: RecordedSite | None) -> Mapping[str, Any]:
        return {"api_url": site.url} if site else {}


class TestMediumAdapter(PlatformAdapterContract):
    adapter = MediumAdapter
    extractor = MediumExtractor
    keywords = ["fog"]
    accounts = ["@ada"]
    saves_checkpoints = False  # without a browser a search is the ten entries of a feed

    def site(self) -> RecordedSite:
        return MediumSite()

    def make(self) -> PlatformAdapter:
        made = MediumAdapter()
        made.shared = type(MediumAdapter.shared)()
        return made


def given(site: LoopbackServer, target: str, body: bytes = b"") -> str:
    """What a site answers, without a connection."""
    path, _, query = target.partition("?")
    pairs = dict(pair.split("=") for pair in query.split("&") if pair)
    method = "POST" if body else "GET"
    request = Request(method=method, target=target, path=path, query=pairs, headers={}, body=body)
    text = anyio.run(site.answer, request).body
    return text if isinstance(text, str) else text.decode()


class TestTwitterExtractor(DataExtractorContract):
    extractor = TwitterExtractor
    platform = "twitter"

    def records(self) -> Sequence[dict[str, Any]]:
        return twitter.parse_page(given(NitterSite(), "/nightdome")).records[:6]


class TestJuejinExtractor(DataExtractorContract):
    extractor = JuejinExtractor
    platform = "juejin"

    def records(self) -> Sequence[dict[str, Any]]:
        site = JuejinSite()
        lists = [
            given(site, "/search_api/v1/search", b'{"cursor": "0", "limit": 2}'),
            given(site, "/recommend_api/v1/short_msg/recommend", b'{"cursor": "0", "limit": 2}'),
        ]
        return [record for text in lists for record in juejin.parse_page(text).records[:2]]


class TestMediumExtractor(DataExtractorContract):
    extractor = MediumExtractor
    platform = "medium"

    def records(self) -> Sequence[dict[str, Any]]:
        site = MediumSite()
        feed = medium.parse_page(given(site, "/feed/@ada")).records[:2]
        listed = medium.parse_page(given(site, "/@bo/latest?format=json")).records[:2]
        return [*feed, *listed]


class TestZhihuExtractor(DataExtractorContract):
    extractor = ZhihuExtractor
    platform = "zhihu"

    def records(self) -> Sequence[dict[str, Any]]:
        import json

        hot = zhihu.parse_page(given(ZhihuSite(), "/billboard")).records[:1]
        single = [zhihu.parse_page(json.dumps(one)).records for one in (answer(1), article(2))]
        return [*hot, *(record for records in single for record in records)]


class TestJsonStorage(StorageAdapterContract):
    storage = JsonStorage


class TestJsonLinesStorage(StorageAdapterContract):
    storage = JsonLinesStorage


class TestCsvStorage(StorageAdapterContract):
    storage = CsvStorage


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
class TestMongoStorage(StorageAdapterContract):
    storage = MongoStorage

    @pytest.fixture(autouse=True)
    def _server(self, mongo_server: Any, database_name: str, driver: Any) -> None:
        self.settings = MongoSettings(uri=mongo_server.uri, database=database_name, driver=driver)

    @asynccontextmanager
    async def opened(self, directory: Path, task_id: str) -> AsyncIterator[StorageAdapter]:
        mongo = Mongo(self.settings, app_name="hotstream/test")
        await mongo.connect()
        await ensure_indexes(mongo, runs_retention_days=30)
        made = MongoStorage()
        store = ItemStore(mongo)
        made.context = StorageContext(task_id=task_id, output_dir=directory, database=store)
        yield made
        await made.close()
        await mongo.close()
