"""What the engine relies on in an adapter, as tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, ClassVar

import anyio
import msgspec

from hotstream_reactive.errors import PluginError, ScrapeError
from hotstream_reactive.extractors.base import UNUSABLE, DataExtractor
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.platforms.base import PlatformAdapter
from hotstream_reactive.plugins import PLATFORMS, check
from hotstream_reactive.testing.demand import demand, skip
from hotstream_reactive.testing.run import AdapterRun
from hotstream_reactive.testing.site import REFUSALS, RecordedSite

_PLENTY = 1000
_LARGEST_CHECKPOINT = 200_000  # characters; the engine refuses more


class PlatformAdapterContract:
    """Subclass this, name the class ``Test…``, and fill in what it asks for.

    The site behind `site` must hold at least two records for `keywords`, and for each of
    `accounts`: limits and checkpoints cannot be tested with less.

    Attributes:
        adapter: the class under test.
        extractor: reads its records; None when it yields `DataItem`.
        keywords: find something on the site.
        accounts: exist on the site; empty when the platform has none to monitor.
        options: of every task here, e.g. ``{"sort_by": "new"}``.
        saves_checkpoints: whether a retry can begin behind the front; an adapter whose lists are
            one page each has no need of it.
        refusals: by which names of `REFUSALS` the site may answer; each must become an error.
    """

    adapter: ClassVar[type[PlatformAdapter]]
    extractor: ClassVar[type[DataExtractor] | None] = None
    keywords: ClassVar[list[str]] = []
    accounts: ClassVar[list[str]] = []
    options: ClassVar[Mapping[str, Any]] = {}
    saves_checkpoints: ClassVar[bool] = True
    refusals: ClassVar[tuple[str, ...]] = tuple(REFUSALS)

    def site(self) -> RecordedSite | None:
        """The site to read from; None for an adapter that reads from no site."""
        return None

    def make(self) -> PlatformAdapter:
        """A fresh adapter that shares nothing with those before."""
        return self.adapter()

    def platform(self, site: RecordedSite | None) -> Mapping[str, Any]:
        """The settings of the platform that lead to the site."""
        return {"base_url": site.url} if site else {}

    def test_the_engine_takes_the_class(self) -> None:
        """It has a good name, all its methods, and generators where they must be."""
        name = getattr(self.adapter, "platform_name", "")
        demand(name, f'{self.adapter.__name__} lacks `platform_name = "…"`')
        try:
            check(name, PLATFORMS, self.adapter)
        except PluginError as error:
            raise AssertionError(str(error)) from error

    def test_a_search_gives_items(self) -> None:
        """Every record becomes an item of this platform, with the source's own id."""

        async def act(site: RecordedSite | None) -> None:
            run = await self._search(site)
            demand(len(run.got) > 1, f"search({self.keywords}) gave {len(run.got)} records, not 2")
            self._judge(await self._items(run))

        self._on_site(act)

    def test_accounts_give_items(self) -> None:
        """So it is with accounts, and each of them gets its own limit."""
        self._needs_accounts()

        async def act(site: RecordedSite | None) -> None:
            run = self._run(site)
            await run.monitor(*self.accounts, limit=_PLENTY)
            number = len(run.got)
            demand(number > 1, f"monitor_accounts({self.accounts}) gave {number} records, not 2")
            self._judge(await self._items(run))
            one = self._run(site)
            await one.monitor(self.accounts[0], limit=1)
            demand(
                len(one.got) == 1,
                f"monitor_accounts([{self.accounts[0]!r}], 1) gave {len(one.got)} records: "
                "`limit` is the exact number wanted of each account",
            )

        self._on_site(act)

    def test_the_limit_of_a_search_is_exact(self) -> None:
        """`options.limit` is the number wanted, of all keywords together."""

        async def act(site: RecordedSite | None) -> None:
            run = await self._search(site, limit=1)
            demand(
                len(run.got) == 1,
                f"with options.limit 1 the search gave {len(run.got)} records: stop at the limit",
            )

        self._on_site(act)

    def test_the_ids_stay_the_same(self) -> None:
        """Storing twice leaves one item only when an item keeps its id."""

        async def act(site: RecordedSite | None) -> None:
            first, second = [
                [item.id for item in await self._items(await self._search(site))] for _ in "12"
            ]
            demand(
                sorted(first) == sorted(second),
                f"two runs gave different ids, e.g. {sorted(set(first) ^ set(second))[:2]}: "
                "take the source's own id, not a number of your own or a hash of the text",
            )

        self._on_site(act)

    def test_a_retry_goes_on_at_the_checkpoint(self) -> None:
        """What came before a checkpoint and what a run from there gives is all, once."""
        if not self.saves_checkpoints:
            skip("saves_checkpoints is False")

        async def act(site: RecordedSite | None) -> None:
            whole = await self._ids(await self._search(site))
            run = self._run(site)
            saved = await _read_to_checkpoint(run, self.keywords)
            before = len(run.got)
            demand(
                0 < before < len(whole),
                "no checkpoint was saved between two records: after each page await "
                "self.context.save_checkpoint(…), or set saves_checkpoints = False where a list "
                "is one page",
            )
            _judge_checkpoint(saved)
            again = self._run(site, checkpoint=saved)
            await again.search(*self.keywords)
            got = await self._ids(run) + await self._ids(again)
            demand(
                sorted(got) == sorted(whole),
                f"of {len(whole)} records {before} came before the checkpoint {saved!r} and "
                f"{len(again.got)} in a run from there: begin where the checkpoint says",
            )

        self._on_site(act)

    def test_a_run_may_end_early(self) -> None:
        """Closing before, in the middle and twice is harmless."""

        async def act(site: RecordedSite | None) -> None:
            run = self._run(site)
            records: Any = run.adapter.search(list(self.keywords), run.adapter.context.options)
            async with aclosing(records):
                async for _ in records:
                    break
            await run.adapter.close()
            await run.adapter.close()
            unused = self._run(site)
            await unused.adapter.close()

        self._on_site(act)

    def test_refusals_are_errors(self) -> None:
        """A site that says no is told as an error with a kind, never as an empty list."""

        async def act(site: RecordedSite | None) -> None:
            if site is None:
                skip("the adapter reads from no site")
            for name in self.refusals:
                site.behave()
                site.misbehave("/", REFUSALS[name])
                run = self._run(site)
                error: BaseException | None = None
                try:
                    await run.search(*self.keywords)
                except Exception as raised:
                    error = raised
                demand(
                    isinstance(error, ScrapeError),
                    f"refusal {name!r}: the run ended with {error!r} and {len(run.got)} records: "
                    "raise BlockedError, RateLimited, TransientError or PermanentError",
                )

        self._on_site(act)

    def _needs_accounts(self) -> None:
        if not self.accounts:
            skip("the class names no accounts")

    def _run(self, site: RecordedSite | None, **more: Any) -> AdapterRun:
        given = {"limit": _PLENTY, **self.options, **more}
        return AdapterRun(self.make(), platform=self.platform(site), **given)

    async def _search(self, site: RecordedSite | None, **more: Any) -> AdapterRun:
        run = self._run(site, **more)
        await run.search(*self.keywords)
        return run

    async def _items(self, run: AdapterRun) -> list[DataItem]:
        try:
            return await run.items(self.extractor() if self.extractor else None)
        except (*UNUSABLE, ScrapeError) as error:
            raise AssertionError(f"a record is no item: {error!r}") from error

    async def _ids(self, run: AdapterRun) -> list[str]:
        return [item.id for item in await self._items(run)]

    def _judge(self, items: list[DataItem]) -> None:
        name = self.adapter.platform_name
        for item in items:
            demand(item.platform == name, f"item {item.id!r} is of {item.platform!r}, not {name!r}")
            demand(item.id.startswith(f"{name}_"), f"item id {item.id!r} begins not with '{name}_'")
        ids = [item.id for item in items]
        demand(len(set(ids)) == len(ids), "an item was given twice: leave out the ids seen before")

    def _on_site(self, act: Callable[[RecordedSite | None], Awaitable[None]]) -> None:
        async def main() -> None:
            site = self.site()
            if site is None:
                await act(None)
                return
            async with site:
                await act(site)

        anyio.run(main)


async def _read_to_checkpoint(run: AdapterRun, keywords: list[str]) -> dict[str, Any]:
    """Read until a checkpoint is saved behind some record, and stop there; gives the checkpoint."""
    saved: dict[str, Any] = {}
    records: Any = run.adapter.search(list(keywords), run.adapter.context.options)
    async with aclosing(records):
        async for record in records:
            if run.got and run.saved:
                saved = run.saved[-1]
                break
            run.got.append(record)
    await run.adapter.close()
    return saved


def _judge_checkpoint(checkpoint: Mapping[str, Any]) -> None:
    try:
        msgspec.json.encode(checkpoint)
    except (TypeError, ValueError) as error:
        raise AssertionError(f"the checkpoint cannot be stored: {error}") from error
    demand(
        len(repr(checkpoint)) <= _LARGEST_CHECKPOINT,
        f"the checkpoint has {len(repr(checkpoint))} characters, more than {_LARGEST_CHECKPOINT}: "
        "keep a cursor in it, not the items",
    )
