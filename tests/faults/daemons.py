"""Real daemons: processes of their own, told by signals, read by their log."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from checker import Step, Verdict, check, read_ledger
from pymongo.database import Database
from pymongo.errors import AutoReconnect

Document = dict[str, Any]

#: A platform that takes its time, and writes down what it did where a killed process cannot.
PLUGIN = """
import os
import time

import anyio

from hotstream_reactive.engine.running import current_run
from hotstream_reactive.model.item import DataItem
from hotstream_reactive.platforms.base import PlatformAdapter


class SlowAdapter(PlatformAdapter):
    platform_name = "slow"

    def note(self, kind):
        run = current_run.get()
        who = f"{os.getpid()} {run.lease_id} {run.task.run_number} {time.monotonic()}"
        with open(os.environ["EFFECTS"], "a") as effects:
            effects.write(f"{kind} {self.context.task_id} {who}\\n")

    async def search(self, keywords, options):
        task_id = self.context.task_id
        self.note("start")
        first = self.context.checkpoint.get("next", 0)
        for number in range(first, options.get("n", 10)):
            await anyio.sleep(options.get("pause", 0.0))
            self.note("step")
            yield DataItem(id=f"{task_id}_{number}", platform="slow", content=str(os.getpid()))
            if options.get("checkpoints"):
                await self.context.save_checkpoint({"next": number + 1})
        self.note("end")
"""

#: Leases short enough for a test, and items stored in small batches.
SHORT = {"SCHEDULER_ZOMBIE_TIMEOUT": "4", "SCHEDULER_HEARTBEAT_INTERVAL": "1"}
SETTLED = {"status": {"$in": [2, 3, 4]}}


def slow_task(task_id: str, **options: Any) -> Document:
    fields = {name: options.pop(name) for name in ("priority", "timeout") if name in options}
    return {
        "task_id": task_id,
        "platform": "slow",
        "keywords": ["x"],
        "status": 0,
        "priority": 5,
        "immediate": False,
        "created_at": datetime.now(UTC),
        "options": {"limit": 1000, **options},
        **fields,
    }


def wait_until(condition: Callable[[], Any], timeout_s: float = 30.0, what: str = "") -> Any:
    """Wait until the condition holds; a database that is away just now is asked again."""
    deadline = time.monotonic() + timeout_s
    while True:
        with suppress(AutoReconnect):
            if value := condition():
                return value
        assert time.monotonic() < deadline, f"it did not happen within {timeout_s:g} s: {what}"
        time.sleep(0.02)


class Daemon:
    """`hotstream start-daemon` as a process; its whole output is in `log`.

    `inside` is put before the command, `environ` into the environment.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        uri: str,
        database: str,
        *,
        inside: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
        **settings: str,
    ) -> None:
        self.name = name
        self._folder = folder
        self._log_path = folder / f"{name}.log"
        plugins = folder / "plugins"
        plugins.mkdir(exist_ok=True)
        (plugins / "slow.py").write_text(PLUGIN)
        settings = {
            "MONGODB_URI": uri,
            "MONGODB_DATABASE": database,
            "FRAMEWORK_WORKER_ID": name,
            "PLUGINS_PLUGIN_DIRS": str(plugins),
            "STORAGE_BATCH_SIZE": "3",
            **settings,
        }
        ours = ("HOTSTREAM_", "MONGO")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        with self._log_path.open("wb") as output:
            self.process = subprocess.Popen(
                [*inside, sys.executable, "-m", "hotstream_reactive", "start-daemon"],
                cwd=folder,
                env={
                    **inherited,
                    **(environ or {}),
                    **{f"HOTSTREAM_{key}": value for key, value in settings.items()},
                    "EFFECTS": str(folder / "effects"),
                    "NO_COLOR": "1",
                },
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self._log_path.read_text(errors="replace")

    @property
    def pid(self) -> int:
        return self.process.pid

    def says(self, text: str, times: int = 1, timeout_s: float = 30.0) -> float:
        """Wait until the log has the text so often; gives the monotonic time of seeing it."""
        deadline = time.monotonic() + timeout_s
        while self.log.count(text) < times:
            assert self.process.poll() is None, f"{self.name} ended, log:\n{self.log[-4000:]}"
            assert time.monotonic() < deadline, f"no {text!r} in:\n{self.log[-4000:]}"
            time.sleep(0.02)
        return time.monotonic()

    def ready(self) -> Daemon:
        self.says("ready slots")
        return self

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, timeout_s: float = 30.0) -> int:
        """Wait for the end; gives the exit code."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} does not end:\n{self.log[-4000:]}") from None

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def stamps(self, text: str) -> list[float]:
        """The times of day in seconds at which lines with this text were logged."""
        found = re.findall(rf"T(\d\d):(\d\d):(\d\d\.\d+)Z [^\n]*{re.escape(text)}", self.log)
        return [int(h) * 3600 + int(m) * 60 + float(s) for h, m, s in found]


class Yard:
    """Daemons on one database, and what they left there."""

    def __init__(self, folder: Path, uri: str, database: Database[Document]) -> None:
        self.folder = folder
        self.uri = uri
        self.database = database
        self.tasks = database.tasks
        self.daemons: list[Daemon] = []

    def daemon(self, name: str, **how: Any) -> Daemon:
        """Start a daemon; `ready()` waits for it."""
        daemon = Daemon(name, self.folder, self.uri, self.database.name, **how)
        self.daemons.append(daemon)
        return daemon

    def close(self) -> None:
        for daemon in self.daemons:
            daemon.close()

    def owner(self, task_id: str) -> Daemon:
        """The daemon that runs the task now."""

        def running() -> Document | None:
            return self.tasks.find_one({"task_id": task_id, "status": 1})

        worker_id = wait_until(running, what=f"{task_id} runs")["worker_id"]
        return next(d for d in self.daemons if worker_id.startswith(d.name))

    def stored(self, task_id: str) -> list[Document]:
        return list(self.database.data_items.find({"task_id": task_id}))

    def reaches(self, task_id: str, status: int, timeout_s: float = 30.0) -> Document:
        """Wait until the task has the status."""

        def there() -> Document | None:
            return self.tasks.find_one({"task_id": task_id, "status": status})

        logs = "\n".join(f"-- {d.name}\n{d.log[-1500:]}" for d in self.daemons)
        document: Document = wait_until(there, timeout_s, f"{task_id} → {status}\n{logs}")
        return document

    def outcomes(self, task_id: str) -> list[str]:
        runs = self.database.task_runs.find({"task_id": task_id}, sort=[("claimed_at", 1)])
        return [run["outcome"] for run in runs]

    def ledger(self) -> list[Step]:
        """What the plugins wrote down."""
        return read_ledger(self.folder / "effects")

    def effects(self) -> list[list[str]]:
        """Starts and ends alone: kind, task, pid."""
        return [
            [step.kind, step.task_id, str(step.pid)]
            for step in self.ledger()
            if step.kind != "step"
        ]

    def check(
        self,
        acknowledged: Collection[str] | None = None,
        *,
        items: int | None = None,
        paused: Collection[int] = (),
        late_steps: int = 1,
    ) -> Verdict:
        """Let the checker look at everything, and fail when a promise was broken.

        `acknowledged` is all tasks there are unless given; `items` is what each task stores.
        """
        if acknowledged is None:
            acknowledged = [task["task_id"] for task in self.tasks.find({}, {"task_id": 1})]
        verdict = check(
            self.database,
            acknowledged,
            self.ledger(),
            expected_items=items,
            paused=paused,
            late_steps=late_steps,
        )
        assert not verdict.violations, "\n".join(verdict.violations[:20])
        return verdict


@contextmanager
def yard(folder: Path, uri: str, database: Database[Document]) -> Iterator[Yard]:
    place = Yard(folder, uri, database)
    try:
        yield place
    finally:
        place.close()
