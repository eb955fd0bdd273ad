"""`cancel`, `retry`, `promote`: edits of tasks, of single ones by id or of many by a filter.

They write what `updateOne` in a shell would, bound to the state that was judged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from hotstream_reactive.cli.arguments import text
from hotstream_reactive.cli.complete import platforms
from hotstream_reactive.cli.complete import tasks as task_ids
from hotstream_reactive.cli.edit_run import Order, by_filter, by_id, tell
from hotstream_reactive.cli.listing import STATUS_WORDS
from hotstream_reactive.cli.session import Session
from hotstream_reactive.model.bounds import WHOLE
from hotstream_reactive.model.edits import EditName, Promotion, allowed
from hotstream_reactive.model.task import TaskStatus

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.argument("tasks", type=text, nargs=-1, metavar="[TASK]...", shell_complete=task_ids),
    click.option("--status", type=click.Choice(STATUS_WORDS), help="All tasks in this state."),
    click.option("--platform", type=text, shell_complete=platforms, help="All of this platform."),
    click.option("-y", "--yes", is_flag=True, help="Do not ask before many are changed."),
    click.option("--dry-run", is_flag=True, help="Only say what would be changed."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
)


def _selecting(command: F) -> F:
    """The arguments that say which tasks are meant."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@_selecting
@click.pass_obj
def cancel(session: Session, /, **given: Any) -> int:
    """Cancel tasks: what waits never starts, what runs stops at once.

    Name them, or choose many by --status and --platform; what runs and what waits is meant.

    \b
    Examples:
      hotstream cancel search_001
      hotstream cancel --platform twitter --status pending --dry-run

    \b
    The exit code is 3 for a task that is not there, 4 for one that has ended already.
    """
    return _edit(session, "cancel", given)


@click.command()
@_selecting
@click.pass_obj
def retry(session: Session, /, **given: Any) -> int:
    """Run tasks again that have failed, were cancelled or have completed; they start afresh.

    Name them, or choose many by --status and --platform; failed and cancelled ones are meant,
    completed ones only with --status completed.

    \b
    Examples:
      hotstream retry search_001
      hotstream retry --status failed --platform twitter --yes

    \b
    The exit code is 3 for a task that is not there, 4 for one that waits or runs already.
    """
    return _edit(session, "retry", given)


@click.command()
@_selecting
@click.option(
    "-p",
    "--priority",
    type=click.IntRange(WHOLE["priority"]["low"], WHOLE["priority"]["high"]),
    default=Promotion().priority,
    show_default=True,
    help="1 (first) to 10 (last).",
)
@click.option(
    "--immediate/--no-immediate", default=True, show_default=True, help="Before all others."
)
@click.option("--when-due", is_flag=True, help="Leave a later run_at as it is.")
@click.pass_obj
def promote(
    session: Session, /, *, priority: int, immediate: bool, when_due: bool, **given: Any
) -> int:
    """Let pending tasks start first, and at once, although they may not be due yet.

    \b
    Examples:
      hotstream promote search_001
      hotstream promote --platform twitter --priority 3 --no-immediate --when-due --yes

    \b
    The exit code is 3 for a task that is not there, 4 for one that does not wait any more.
    """
    how = Promotion(priority=priority, immediate=immediate, at_once=not when_due)
    return _edit(session, "promote", given, how)


def _edit(
    session: Session, name: EditName, given: dict[str, Any], promotion: Promotion | None = None
) -> int:
    ids: tuple[str, ...] = tuple(dict.fromkeys(given["tasks"]))
    chosen = given["status"] is not None or given["platform"] is not None
    if bool(ids) == chosen:
        raise click.UsageError(
            f"name the tasks to {name}, or choose them by --status and --platform"
            + (", not both" if ids else "")
        )
    state = TaskStatus[given["status"].upper()] if given["status"] else None
    if state is not None and not allowed(name, state):
        raise click.BadParameter(
            f"there is no way to {name} a {given['status']} task", param_hint="--status"
        )
    if given["platform"] is not None and not given["platform"].strip():
        # A slip in a script must not choose the tasks of all platforms.
        raise click.BadParameter("it is empty", param_hint="--platform")
    session.log(quiet=True)
    order = Order(name=name, promotion=promotion, dry_run=given["dry_run"], yes=given["yes"])
    if ids:
        report = by_id(session, order, ids)
    else:
        report = by_filter(session, order, state, given["platform"])
    return tell(report, as_json=given["as_json"])
