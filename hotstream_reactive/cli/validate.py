"""`validate`: task documents of a file, checked without running or writing anything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO

import click
import msgspec

from hotstream_reactive.cli import output
from hotstream_reactive.cli.fire_times import fire_times
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.session import Session
from hotstream_reactive.cli.task_check import unknown_names
from hotstream_reactive.cli.task_words import iso
from hotstream_reactive.model.contract import WRITER
from hotstream_reactive.model.task import Task, examine
from hotstream_reactive.plugins import Registry
from hotstream_reactive.settings import Settings, redacted
from hotstream_reactive.text import clean, redact

#: EX_DATAERR of sysexits.h.
WRONG = 65
_LARGEST = 256 * 1024 * 1024


class Checked(msgspec.Struct, kw_only=True):
    """One document of the file: what is wrong with it, or what a worker would make of it."""

    where: str
    task_id: str | None = None
    problems: list[str] = []
    task: dict[str, Any] | None = None
    defaults: list[str] = []
    fires: list[tuple[str, str]] = []


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--force", is_flag=True, help="Allow a platform or storage not known here.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def validate(session: Session, *, file: BinaryIO, force: bool, as_json: bool) -> int:
    """Check the task documents in FILE (- is stdin); nothing is run, nothing is written.

    FILE holds JSON or Extended JSON: one document, a list of them, or one per line. Of a good
    document you see the form a worker works with, and when its schedule fires next.

    \b
    Examples:
      hotstream validate tasks.json
      mongoexport -d hotstream -c tasks | hotstream validate - --json | jq '.documents[].problems'

    \b
    The exit code is 65 when any document is wrong.
    """
    from hotstream_reactive.app import load_registry

    session.log(quiet=True)
    raw = file.read(_LARGEST + 1)
    if len(raw) > _LARGEST:
        raise click.BadParameter(f"more than {_LARGEST >> 20} MiB", param_hint="FILE")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise click.BadParameter(
            f"it is not UTF-8 (byte {error.start})", param_hint="FILE"
        ) from None
    registry = None if force else load_registry(session.settings)
    checked = list(_check(text, registry, session.settings))
    if not checked:
        raise click.BadParameter("there is no document in it", param_hint="FILE")
    wrong = sum(bool(one.problems) for one in checked)
    if as_json:
        output.emit_json({"ok": not wrong, "documents": [_as_tree(one) for one in checked]})
    else:
        for one in checked:
            for line in _lines(one):
                output.line(line)
        output.say(f"{len(checked) - wrong} of {len(checked)} documents are right")
    return WRONG if wrong else 0


def _check(text: str, registry: Registry | None, settings: Settings) -> Iterator[Checked]:
    from hotstream_reactive.mongo.extended_json import NoDocument, documents

    first: dict[str, str] = {}
    for where, document in documents(text):
        if isinstance(document, NoDocument):
            yield Checked(where=where, problems=[clean(redact(str(document)), 300)])
            continue
        one = _one(where, document, registry, settings)
        if one.task_id is not None and first.setdefault(one.task_id, where) != where:
            there = first[one.task_id]
            one.problems.append(f"task_id: {clean(repr(one.task_id), 80)}, is that of {there} too")
        yield one


def _one(
    where: str, document: dict[str, Any], registry: Registry | None, settings: Settings
) -> Checked:
    from hotstream_reactive.mongo.extended_json import storable

    task, problems = examine(document, default_timeout_s=settings.scheduler.task_timeout)
    storage = task.storage_config.get("type", settings.storage.default_type)
    if not isinstance(storage, str):
        shown = clean(redact(repr(storage)), 80)
        problems.append(f"storage_config.type: {shown}, expected the name of a storage")
    elif registry is not None and task.platform:
        problems += unknown_names(task.platform, storage, registry)
    if (reason := storable(document)) is not None:
        problems.append(clean(reason, 300))
    checked = Checked(where=where, task_id=task.task_id or None, problems=problems)
    if not problems:
        checked.task = _normalised(task, storage)
        checked.defaults = [name for name in checked.task if document.get(name) is None]
        checked.fires = fire_times(
            *(task.schedule, task.timezone, datetime.now(UTC)),
            # Given together with a schedule this is the first time, see docs/task-document.md.
            first=None if task.armed_for else task.run_at,
            floor_s=settings.scheduler.schedule_floor,
        )
    return checked


def _normalised(task: Task, storage: str) -> dict[str, Any]:
    """The writer's fields as a worker takes them, without those that are not used."""
    fields = {name: getattr(task, name) for name in WRITER if hasattr(task, name)}
    fields["storage_config"] = {**task.storage_config, "type": storage}
    fields["options"] = {**task.options, "limit": task.limit}
    for name, value in fields.items():
        if isinstance(value, datetime):
            fields[name] = iso(value)
    return {name: value for name, value in fields.items() if value not in (None, [])}


def _as_tree(one: Checked) -> dict[str, Any]:
    return {
        "where": one.where,
        "task_id": one.task_id,
        "ok": not one.problems,
        "problems": one.problems,
        "task": redacted("", one.task or {}) or None,
        "defaults": one.defaults,
        "fires": [{"local": local, "utc": utc} for local, utc in one.fires],
    }


def _lines(one: Checked) -> Iterator[str]:
    name = f" ({output.shown(one.task_id, 80)})" if one.task_id else ""
    if one.problems:
        count = len(one.problems)
        wrong = tr("1 thing is wrong" if count == 1 else f"{count} things are wrong")
        yield f"{tr(one.where)}{name}: {wrong}"
        yield from (f"  {tr(problem)}" for problem in one.problems)
        return
    yield f"{tr(one.where)}{name}: ok"
    for field, value in redacted("", one.task or {}).items():
        text = value if isinstance(value, str) else output.to_json(value)
        default = f"  {tr('(default)')}" if field in one.defaults else ""
        yield f"  {field:<15} {output.shown(text, 500)}{default}"
    if one.fires:
        yield f"  {tr('it fires next:')}"
    for local, utc in one.fires:
        yield f"    {local}  {utc}"
