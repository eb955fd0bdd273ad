"""A stage for tests of the dashboard: a snapshot that is fed with events, and its screen."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Any

from hotstream_reactive.dashboard.facts import WorkerRow
from hotstream_reactive.dashboard.focus import Focus
from hotstream_reactive.dashboard.fold import fold
from hotstream_reactive.dashboard.look import Look
from hotstream_reactive.dashboard.snapshot import LIVE, Server, Snapshot
from hotstream_reactive.dashboard.view import Screen, draw

NOW = 1_800_000_000.0
HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07\x9b31m\x00\r\n\u202eevil\u2066 [/x] [bold red]no[/] [link=http://x]"
    " \ud800 任务"
)


def date(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


class Stage:
    """A fleet of two workers whose events a test writes; times count from `NOW`."""

    def __init__(self) -> None:
        self.snapshot = Snapshot(
            server=Server(
                host="db1.example:27017",
                database="hotstream",
                replica_set="rs0",
                primary="db1.example:27017",
                seen=3,
                members=3,
                ahead_s=0.003,
            ),
            stream=LIVE,
            queue_known=True,
            read_at=NOW,
            workers=[
                WorkerRow(
                    worker_id=f"web-{n}-a1b2c3",
                    host=f"web-{n}",
                    version="0.1.0",
                    slots=4,
                    beat=NOW - 1,
                    started=NOW - 7_000,
                    stream="live",
                    memory=58_400_000,
                    platforms=["twitter", "zhihu"],
                )
                for n in (1, 2)
            ],
        )
        self.order = 0

    def event(self, kind: str, key: Any, *, at: float = 0.0, **fields: Any) -> None:
        """Fold an event of a task that took place `at` seconds after `NOW`."""
        self.order += 1
        event = {"kind": kind, "key": key, "order": self.order, "at": NOW + at, "fields": fields}
        fold(self.snapshot, event)

    def insert(self, key: Any, *, at: float = 0.0, **fields: Any) -> None:
        """A task is inserted."""
        task = {
            "task_id": str(key),
            "name": f"name of {key}",
            "platform": "twitter",
            "task_type": "search",
            "status": 0,
            "priority": 5,
            "immediate": False,
            "created_at": date(NOW + at),
            "limit": 100,
            "timeout": 3600,
        }
        self.event("insert", key, at=at, **(task | fields))

    def update(self, key: Any, *, at: float = 0.0, **fields: Any) -> None:
        """Fields of a task are changed."""
        self.event("update", key, at=at, **fields)

    def claim(self, key: Any, *, at: float = 0.0, worker: str = "web-1-a1b2c3") -> None:
        """A worker claims a task."""
        self.update(key, at=at, status=1, worker_id=worker, started_at=date(NOW + at))

    def told(self) -> list[str]:
        """What the ticker says, oldest first."""
        return [f"{told.what} {told.label}" for told in self.snapshot.happenings]

    def screen(
        self,
        width: int = 120,
        height: int = 40,
        *,
        now: float = NOW,
        look: Look | None = None,
        focus: Focus | None = None,
    ) -> Screen:
        """The screen, checked for what must hold of any."""
        screen = draw(
            self.snapshot,
            width=width,
            height=height,
            now=now,
            look=look or Look(),
            focus=focus or Focus(),
        )
        for text in screen.lines:
            assert text.cell_len <= width, (width, text.plain)
            assert harmless(text.plain), repr(text.plain)
        assert len(screen.lines) in (1, height)
        return screen

    def text(self, *size: int, **how: Any) -> str:
        """The screen as text."""
        return "\n".join(line.plain.rstrip() for line in self.screen(*size, **how).lines)


def harmless(text: str) -> bool:
    """Whether a terminal shows the text and obeys nothing in it."""
    bidi = set("\u061c\u200e\u200f") | {
        chr(c) for c in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
    }
    return not any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} or c in bidi for c in text)


def busy() -> Stage:
    """A fleet in the middle of its work, with names of many kinds."""
    stage = Stage()
    names = ["AI 与数据库 每日搜索", HOSTILE, "a long name that goes on " * 4, "深夜观星", "plain"]
    for n in range(30):
        stage.insert(
            f"search_{n:03}" if n != 1 else "监控_微博_热点_很长的标识符_001",
            at=n - 60,
            name=names[n % 5],
            platform=["twitter", "zhihu"][n % 2],
            priority=1 if n == 7 else 5,
            immediate=n == 11,
        )
    for n, progress in enumerate((0.1, 0.35, 0.62, 0.85)):
        key = f"search_{n:03}" if n != 1 else "监控_微博_热点_很长的标识符_001"
        stage.claim(key, at=-30 + n)
        stage.update(key, at=-5, progress=progress, result_count=int(progress * 100))
    stage.claim("search_004", at=-20)
    stage.update("search_004", at=-4, status=2, completed_at=date(NOW - 4), result_count=100)
    stage.claim("search_005", at=-20)
    stage.update(
        "search_005", at=-3, status=3, completed_at=date(NOW - 3), error_message=f"Oops: {HOSTILE}"
    )
    stage.claim("search_006", at=-20)
    stage.update(
        "search_006",
        at=-2,
        status=0,
        current_retry=1,
        retry_count=3,
        run_at=date(NOW + 40),
        error_message="rate_limited: HTTP 429, the site asks for 40 s",
    )
    return stage
