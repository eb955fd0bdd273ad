"""Carrying out `cancel`, `retry` and `promote`: judge, ask, write, report."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import click
import msgspec

from hotstream_reactive.cli import output
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.output import shown, status_word
from hotstream_reactive.cli.session import Session, run_async
from hotstream_reactive.cli.task_words import no_such
from hotstream_reactive.errors import (
    DatabaseError,
    HotStreamError,
    InvalidTask,
    NotFound,
    RefusedByState,
)
from hotstream_reactive.model.edits import USUAL, EditName, Promotion, allowed, state_of
from hotstream_reactive.model.task import TaskStatus, admit

if TYPE_CHECKING:
    from hotstream_reactive.mongo.client import Mongo

DONE = {"cancel": "cancelled", "retry": "put back", "promote": "promoted"}
#: So many ids are named of many.
_NAMED = 5
_LISTED = 1_000


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done, and how."""

    name: EditName
    promotion: Promotion | None = None
    dry_run: bool = False
    yes: bool = False


class Report(msgspec.Struct, kw_only=True):
    """What was done: fields for programs, lines for people, and what went wrong."""

    fields: dict[str, Any]
    lines: list[str] = []
    errors: list[HotStreamError] = []


def by_id(session: Session, order: Order, ids: Sequence[str]) -> Report:
    """Edit these tasks one by one; what is wrong with one does not keep the others back."""

    async def work() -> Report:
        report = Report(fields=_fields(order, matched=len(ids)))
        report.fields["tasks"] = []
        async with _connected(session) as mongo:
            for task_id in ids:
                entry = {"task_id": task_id, "was": None, "changed": False, "reason": None}
                try:
                    was = await _one(mongo, order, task_id, entry)
                except (NotFound, RefusedByState, InvalidTask) as error:
                    report.errors.append(error)
                    entry["reason"] = str(error)
                except DatabaseError as error:
                    report.errors.append(error)
                    break  # what was done so far is told all the same
                else:
                    entry["changed"] = not order.dry_run
                    before = tr("(was {})").format(was)
                    report.lines.append(f"{_done(order)}{shown(task_id)} {before}")
                report.fields["tasks"].append(entry)
        report.fields["changed"] = sum(task["changed"] for task in report.fields["tasks"])
        return report

    return run_async(work)


async def _one(mongo: Mongo, order: Order, task_id: str, entry: dict[str, Any]) -> str:
    """Edit one task; gives the word for the state it was in."""
    from hotstream_reactive.mongo import edits

    judged = await edits.find(mongo, task_id)
    if judged is None:
        raise no_such(task_id)
    entry["was"] = _word(judged)
    if not allowed(order.name, state_of(judged)):
        raise RefusedByState(_why_not(order.name, judged))
    if order.name == "retry":
        _demand_valid(judged)
    if order.dry_run:
        return _word(judged)
    before = await edits.edit(mongo, order.name, judged, order.promotion)
    if before is None:
        now = await edits.find(mongo, task_id)
        if now is None:
            raise no_such(task_id)
        if allowed(order.name, state_of(now)):
            raise RefusedByState(f"task {task_id!r} was written anew while you looked; try again")
        raise RefusedByState(_why_not(order.name, now))
    entry["was"] = _word(before)
    return _word(before)


def _demand_valid(document: dict[str, Any]) -> None:
    """Refuse to run again what would only be refused again."""
    try:
        admit({name: value for name, value in document.items() if name != "status"})
    except InvalidTask as error:
        raise InvalidTask(
            f"task {document['task_id']!r} would fail again: {error}\nMend it first, then retry."
        ) from None


def _why_not(name: EditName, document: dict[str, Any]) -> str:
    """Why a task in this state is not edited so, and what there is to do instead."""
    task = f"task {document.get('task_id')!r}"
    plain = shlex.quote(shown(document.get("task_id")))
    state = state_of(document)
    worker = shown(document.get("worker_id")) or "an unknown worker"
    again = f"run it again with: hotstream retry {plain}"
    match name, state:
        case "cancel", TaskStatus.CANCELLED:
            return f"{task} is cancelled already"
        case "cancel", _:
            return f"{task} has ended already ({_word(document)}): there is nothing to cancel"
        case "retry", TaskStatus.RUNNING:
            return f"{task} is running on {worker}; stop it first with: hotstream cancel {plain}"
        case "retry", _:
            return (
                f"{task} is pending already; start it first with: hotstream promote {plain}\n"
                f"or see what holds it with: hotstream explain {plain}"
            )
        case "promote", TaskStatus.RUNNING:
            return f"{task} is running already, on {worker}"
        case "promote", None:
            return f"{task} has a status that is none: {shown(repr(document.get('status')), 60)}"
        case _:
            return f"{task} has ended already ({_word(document)}); {again}"


def by_filter(
    session: Session, order: Order, state: TaskStatus | None, platform: str | None
) -> Report:
    """Edit all tasks of a state and a platform, after telling how many there are."""
    states = USUAL[order.name] if state is None else (state,)

    async def select() -> list[dict[str, Any]]:
        from hotstream_reactive.mongo import edits

        async with _connected(session) as mongo:
            return await edits.select(mongo, states, platform=platform)

    async def write() -> int:
        from hotstream_reactive.mongo import edits

        async with _connected(session) as mongo:
            return await edits.edit_all(mongo, order.name, judged, order.promotion)

    judged = run_async(select)
    report = Report(fields=_fields(order, matched=len(judged)))
    report.fields["task_ids"] = [document.get("task_id") for document in judged[:_LISTED]]
    if not judged:
        report.lines.append(tr("no task matches"))
        return report
    if order.dry_run:
        report.lines.append(f"{_done(order)}{_summary(judged)}")
        return report
    # Asked outside of any event loop, where Ctrl-C means no.
    if not order.yes and not _agreed(order.name, judged):
        report.lines.append(tr("nothing was changed"))
        return report
    changed = run_async(write)
    report.fields["changed"] = changed
    report.lines.append(f"{_done(order)}{_count(changed)}")
    if left := len(judged) - changed:
        report.lines.append(f"{tr('left alone, changed meanwhile')}{tr(': ')}{_count(left)}")
    return report


def _agreed(name: EditName, judged: list[dict[str, Any]]) -> bool:
    summary = _summary(judged)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError(f"{tr(name)} {summary}? Say --yes to do it, --dry-run to see which.")
    return click.confirm(f"{tr(name)} {summary}?", err=True)


def _summary(judged: list[dict[str, Any]]) -> str:
    """How many, in which states, and the first ids."""
    from hotstream_reactive.mongo.edits import MOST

    words = Counter(_word(document) for document in judged)
    states = ", ".join(f"{number} {word}" for word, number in words.most_common())
    names = ", ".join(shown(document.get("task_id"), 40) for document in judged[:_NAMED])
    more = ", …" if len(judged) > _NAMED else ""
    limit = tr(f"; {MOST} at a time, there may be more") if len(judged) == MOST else ""
    return f"{_count(len(judged))} ({states}): {names}{more}{limit}"


def _fields(order: Order, *, matched: int) -> dict[str, Any]:
    return {"action": order.name, "dry_run": order.dry_run, "matched": matched, "changed": 0}


def _done(order: Order) -> str:
    """What is done with the tasks, or would be."""
    done = DONE[order.name]
    return tr(f"would be {done}" if order.dry_run else done) + tr(": ")


def _count(number: int) -> str:
    return tr("1 task" if number == 1 else "{} tasks").format(number)


def _word(document: dict[str, Any]) -> str:
    state = state_of(document)
    return status_word(document.get("status")) if state is None else state.name.lower()


@asynccontextmanager
async def _connected(session: Session) -> AsyncIterator[Mongo]:
    from hotstream_reactive.mongo.client import connected

    async with (
        session.settings_with_database(create=False) as settings,
        connected(settings) as mongo,
    ):
        yield mongo


def tell(report: Report, *, as_json: bool) -> int:
    """Print the report; gives the exit code, the highest of what went wrong."""
    from hotstream_reactive.cli.main import fail

    if as_json:
        output.emit_json(report.fields)
    else:
        for line in report.lines:
            output.line(line)
    return max((fail(error) for error in report.errors), default=0)
