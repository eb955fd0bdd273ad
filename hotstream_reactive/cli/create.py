"""`create-task`: write a task document, and wait for its end if asked to."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime
from typing import Any

import click

from hotstream_reactive.app import load_registry
from hotstream_reactive.cli import output
from hotstream_reactive.cli.arguments import key_value, moment, text, words
from hotstream_reactive.cli.complete import platforms
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.session import Session, run_async
from hotstream_reactive.cli.task_check import check
from hotstream_reactive.cli.wait import wait_for
from hotstream_reactive.errors import RefusedByState
from hotstream_reactive.model.task import DEFAULT_PRIORITY, DEFAULT_RETRIES, TaskStatus
from hotstream_reactive.mongo import reads
from hotstream_reactive.mongo.client import Mongo, connected
from hotstream_reactive.mongo.submit import submit
from hotstream_reactive.settings import redacted


@click.command()
@click.argument("task_id", type=text)
@click.argument("task_type", type=text, metavar="{search|monitor}")
@click.argument("platform", type=text, shell_complete=platforms)
@click.option("-k", "--keywords", type=text, multiple=True, help='Words to search: "a,b".')
@click.option("-a", "--accounts", type=text, multiple=True, help='Accounts to monitor: "a,b".')
@click.option("-l", "--limit", type=int, default=50, show_default=True, help="Items wanted.")
@click.option("-n", "--name", type=text, help="Name for people (default: the id).")
@click.option(
    "-p",
    "--priority",
    type=int,
    default=DEFAULT_PRIORITY,
    show_default=True,
    help="1 (first) to 10 (last).",
)
@click.option("--immediate", is_flag=True, help="Start before all that are not immediate.")
@click.option(
    "--storage",
    type=text,
    help="mongodb, jsonl, json, csv or a plugin's (default: storage.default_type).",
)
@click.option("--schedule", type=text, help='Run again and again: a cron line, "0 9 * * *".')
@click.option("--timezone", type=text, help="Time zone of the schedule, e.g. Asia/Shanghai.")
@click.option("--run-at", type=moment, help="Not before: ISO 8601 in UTC, or +10m.")
@click.option(
    "--retries", type=int, default=DEFAULT_RETRIES, show_default=True, help="Retries at most."
)
@click.option(
    "--timeout", type=float, default=3600.0, show_default=True, help="Longest run, seconds."
)
@click.option(
    "--option", "options", type=key_value, multiple=True, help="More options; JSON is understood."
)
@click.option("--force", is_flag=True, help="Allow a platform or storage not known here.")
@click.option("--wait", is_flag=True, help="Wait for the end; the exit code is the task's.")
@click.option("--wait-timeout", type=click.FloatRange(min=0), help="Stop waiting, seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def create_task(session: Session, /, **given: Any) -> int:
    """Write a task; an idle worker starts it within milliseconds.

    \b
    Examples:
      hotstream create-task search_001 search twitter -k "AI,MongoDB" -l 30 --immediate
      hotstream create-task daily monitor twitter -a nasa --schedule "0 9 * * *"

    \b
    With --wait the exit code is 0 completed, 1 failed or cancelled, 124 waited too long.
    """
    if given["wait_timeout"] is not None and not given["wait"]:
        raise click.UsageError("--wait-timeout needs --wait")
    if given["wait"] and given["schedule"]:
        raise click.UsageError("a task with --schedule has no end to --wait for; leave one out")
    session.log(quiet=True)
    document = _document(given, session.settings.storage.default_type)
    check(document, load_registry(session.settings), session.settings, force=given["force"])
    return run_async(lambda: _create(session, document, given))


def _document(given: dict[str, Any], default_storage: str) -> dict[str, Any]:
    """The document with the fields of the published contract."""
    now = datetime.now(UTC)
    timeout = given["timeout"]
    document: dict[str, Any] = {
        "task_id": given["task_id"],
        "name": given["name"] or given["task_id"],
        "platform": given["platform"],
        "task_type": given["task_type"],
        "keywords": words(given["keywords"]),
        "accounts": words(given["accounts"]),
        "status": int(TaskStatus.PENDING),
        "priority": given["priority"],
        "immediate": given["immediate"],
        "options": {"limit": given["limit"], **dict(given["options"])},
        "storage_config": {"type": given["storage"] or default_storage},
        "retry_count": given["retries"],
        "current_retry": 0,
        "timeout": int(timeout) if timeout == timeout // 1 else timeout,
        "created_at": now,
        "updated_at": now,
        "result_count": 0,
        "progress": 0.0,
    }
    extra = {name: given[name] for name in ("schedule", "timezone", "run_at")}
    return document | {name: value for name, value in extra.items() if value is not None}


async def _create(session: Session, document: dict[str, Any], given: dict[str, Any]) -> int:
    async with (
        session.settings_with_database() as settings,
        connected(settings) as mongo,
    ):
        try:
            await submit(mongo, document)
        except RefusedByState as error:
            raise await _exists(mongo, document["task_id"], error) from None
        if not given["as_json"]:
            output.line(tr(f"created task {document['task_id']}"))
        if not given["wait"]:
            _report(document, given)
            return 0
        final, code = await wait_for(mongo, document["task_id"], timeout_s=given["wait_timeout"])
        _report(final, given)
        return code


def _report(document: dict[str, Any], given: dict[str, Any]) -> None:
    status = output.status_word(document.get("status"))
    if given["as_json"]:
        task = redacted("", {name: value for name, value in document.items() if name != "_id"})
        output.emit_json({"task_id": document["task_id"], "status": status, "task": task})
    elif given["wait"]:
        error = document.get("error_message")
        count = output.shown(document.get("result_count"))
        output.line(f"{status}: {tr('{} items').format(count)}" + (f", {error}" if error else ""))


async def _exists(mongo: Mongo, task_id: str, error: RefusedByState) -> RefusedByState:
    """Tell what the other task does, and how to run it again."""
    from hotstream_reactive.cli.main import VERBS

    other = await reads.task(mongo, task_id) or {}
    shell = f"db.tasks.updateOne({{task_id: {json.dumps(task_id)}}}, {{$set: {{status: 0}}}})"
    again = f"hotstream retry {shlex.quote(task_id)}" if "retry" in VERBS else shell
    return RefusedByState(
        f"{error} ({output.status_word(other.get('status'))}).\n"
        f"Choose another id, or run it again with: {again}"
    )
