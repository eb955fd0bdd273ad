"""Running an adapter now: what `search`, `monitor` and `test-nitter` have in common."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from hotstream_reactive.app import PlatformTools
from hotstream_reactive.cli import export
from hotstream_reactive.cli.common import plain
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.output import console, say
from hotstream_reactive.cli.platforms import platform_class, registry_of
from hotstream_reactive.cli.session import Session, run_async
from hotstream_reactive.direct import DirectRun
from hotstream_reactive.errors import ScrapeError
from hotstream_reactive.model.task import Task, admit
from hotstream_reactive.plugins import Registry
from hotstream_reactive.settings import Settings
from hotstream_reactive.text import redact


class Output(msgspec.Struct, frozen=True):
    """Where the items go and in which format."""

    form: str = "table"
    path: Path | None = None


def output_of(form: str | None, *, as_json: bool, as_jsonl: bool, path: Path | None) -> Output:
    """What the options of a verb ask for; a file's ending says its format.

    Raises:
        UsageError: they contradict each other, or there is no folder for the file.
    """
    asked = {
        name for name, given in ((form, form), ("json", as_json), ("jsonl", as_jsonl)) if given
    }
    if len(asked) > 1:
        raise click.UsageError(f"give only one of {', '.join(sorted(map(str, asked)))}")
    export.check_target(path, "--output")
    chosen = asked.pop() if asked else (export.form_of(path) if path else "table")
    return Output(str(chosen), path)


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a verb that prints items as they come."""
    for option in (
        click.option(
            "-o",
            "--output",
            "path",
            type=click.Path(dir_okay=False, path_type=Path),
            help="A file; its ending (.json, .jsonl, .csv) says the format.",
        ),
        click.option("--jsonl", "as_jsonl", is_flag=True, help="One JSON object per line."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
        click.option(
            "--format", "form", type=click.Choice(export.FORMATS), help="table, unless told so."
        ),
    ):
        command = option(command)
    return command


def registry_with(session: Session, platform: str) -> Registry:
    """The plugins, among them one of this name.

    Raises:
        NotFound, PluginError: see `platform_class`.
    """
    registry = registry_of(session.settings)
    platform_class(registry, platform)
    return registry


def task_of(verb: str, platform: str, targets: list[str], options: dict[str, Any]) -> Task:
    """The task that a worker would run for this.

    Raises:
        InvalidTask: names what is wrong with the options.
    """
    words = "accounts" if verb == "monitor" else "keywords"
    document = {"task_id": verb, "platform": platform, "task_type": verb, words: targets}
    return admit({**document, "options": options})


def run_now(session: Session, registry: Registry, task: Task, output: Output) -> int:
    """Run a task, write its items, and say how it went.

    What was brought home before a failure is written all the same.

    Raises:
        ScrapeError: after that, when the run failed.
    """
    gathered = Gathered(session.settings, registry, task)

    # Lines of data between the frames of a bar would tear both.
    shares_terminal = output.path is None and sys.stdout.isatty()

    async def work() -> int:
        if shares_terminal and output.form != "jsonl":
            with progress(task) as show:
                found = [item async for item in gathered.items(show)]
            return await export.write(output.form, _again(found), sys.stdout, gathered.summary)
        hidden = shares_terminal
        with export.opened(output.path) as out, progress(task, hidden=hidden) as show:
            number = await export.write(output.form, gathered.items(show), out, gathered.summary)
            if gathered.error is not None and not number and output.path is not None:
                raise gathered.error  # a file that stands there from before is not emptied
            return number

    number = run_async(work)
    _say_how_it_went(gathered, number, output)
    if gathered.error is not None:
        raise gathered.error
    return 0


async def _again(items: list[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    """Items that have come already."""
    for item in items:
        yield item


class Gathered:
    """A run whose items are told from its failure.

    Attributes:
        error: what ended the run, once the items have ended.
    """

    def __init__(self, settings: Settings, registry: Registry, task: Task) -> None:
        self.run = DirectRun(task, PlatformTools(settings, registry))
        self.error: ScrapeError | None = None
        self._number = 0

    async def items(
        self, show: Callable[[int], None] = lambda _: None
    ) -> AsyncIterator[dict[str, Any]]:
        """The items as they come.

        Raises:
            InvalidTask: there is nothing to run.
        """
        try:
            async with aclosing(self.run.items()) as items:
                async for item in items:
                    self._number += 1
                    show(self._number)
                    yield msgspec.structs.asdict(item)
        except ScrapeError as error:
            self.error = error

    def summary(self) -> dict[str, Any]:
        """How the run went, for JSON."""
        outcome = self.error.kind if self.error else "ok" if self._number else "empty"
        message = redact(str(self.error)) if self.error else None
        return {"outcome": outcome, "message": message, "targets": self.run.report}


@contextmanager
def progress(task: Task, *, hidden: bool = False) -> Iterator[Callable[[int], None]]:
    """How many items have come, on stderr; hidden where that is no terminal."""
    targets = task.accounts if task.task_type == "monitor" else [""]
    shown = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        console=console(sys.stderr),
        transient=True,
        disable=hidden or plain() or not sys.stderr.isatty(),
    )
    line = shown.add_task(task.platform, total=task.limit * len(targets))
    with shown:
        yield lambda number: shown.update(line, completed=number)


def _say_how_it_went(gathered: Gathered, number: int, output: Output) -> None:
    """What is no data: targets that gave nothing, records that could not be read."""
    for target in gathered.run.report:
        if target["outcome"] == "empty":
            say(f"{target['target']}: nothing found")
        elif target["message"] and len(gathered.run.report) > 1:
            say(f"{target['outcome']}: {tr(target['message'])}")
    if left_out := gathered.run.left_out:
        say(f"{len(left_out)} records left out, the first because of {left_out[0]}")
    if output.path is not None:
        say(f"{number} items written to {output.path}")
    elif not number and not gathered.run.report and gathered.error is None:
        say("nothing found")
