"""The checker: what must hold on a database and in the ledger after any faults, in any order.

The ledger is what the adapters themselves wrote down: one line per step of a run, appended by the
process that did it. A killed process loses nothing that it has written. Its times are those of the
machine's monotonic clock, which all processes share.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pymongo.database import Database

Document = dict[str, Any]
TERMINAL = (2, 3, 4)


class Step(NamedTuple):
    """A line of the ledger: `kind` is start, step or end."""

    kind: str
    task_id: str
    pid: int
    lease_id: str
    run_number: int
    at: float


@dataclass
class Verdict:
    """What the checker found; `violations` must be empty."""

    tasks: int = 0
    lost: int = 0
    items: int = 0
    runs: int = 0
    #: Executions beyond the first of each task, and steps of a run that another had followed.
    repeated: int = 0
    late_steps: int = 0
    violations: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, int]:
        """The counts, for a report."""
        return {name: value for name, value in vars(self).items() if isinstance(value, int)} | {
            "violations": len(self.violations)
        }


def read_ledger(path: Path) -> list[Step]:
    """All steps in the order of time."""
    lines = path.read_text().splitlines() if path.exists() else []
    steps = []
    for line in lines:
        kind, task_id, pid, lease_id, run_number, at = line.split()
        steps.append(Step(kind, task_id, int(pid), lease_id, int(run_number), float(at)))
    return sorted(steps, key=lambda step: step.at)


def check(
    database: Database[Document],
    acknowledged: Collection[str],
    ledger: Iterable[Step],
    *,
    expected_items: Mapping[str, int] | int | None = None,
    paused: Collection[int] = (),
    late_steps: int = 1,
) -> Verdict:
    """Hold the database and the ledger against the promises.

    Args:
        acknowledged: ids of the tasks whose insert was acknowledged with majority.
        expected_items: what each completed task must have stored; None does not look.
        paused: pids of processes that were stopped and went on, or whose server's clock jumped:
            each of their runs may still take `late_steps`, the one that was under way; they are
            counted.
    """
    verdict = Verdict(tasks=len(acknowledged))
    tasks = {task["task_id"]: task for task in database.tasks.find({})}
    _every_task_ends(verdict, acknowledged, tasks)
    _effects_are_once(verdict, database, tasks, expected_items)
    _leases_have_an_order(verdict, database)
    _runs_do_not_overlap(verdict, list(ledger), set(paused), late_steps)
    return verdict


def _every_task_ends(
    verdict: Verdict, acknowledged: Iterable[str], tasks: Mapping[str, Document]
) -> None:
    for task_id in acknowledged:
        task = tasks.get(task_id)
        if task is None or task["status"] not in TERMINAL:
            verdict.lost += 1
            state = "is gone" if task is None else f"has status {task['status']}"
            verdict.violations.append(f"lost: {task_id} {state}")


def _effects_are_once(
    verdict: Verdict,
    database: Database[Document],
    tasks: Mapping[str, Document],
    expected: Mapping[str, int] | int | None,
) -> None:
    keys = [
        (item["platform"], item["id"], task_id)
        for item in database.data_items.find({}, {"platform": 1, "id": 1, "task_ids": 1})
        for task_id in item.get("task_ids", ())
    ]
    verdict.items = len({key[:2] for key in keys})
    verdict.violations += [f"twice: {key}" for key, count in Counter(keys).items() if count > 1]
    stored = Counter(task_id for *_, task_id in keys)
    for task_id, task in tasks.items():
        if task["status"] != 2:
            continue
        if task["result_count"] != stored[task_id]:
            verdict.violations.append(
                f"count: {task_id} says {task['result_count']}, {stored[task_id]} are stored"
            )
        wanted = expected.get(task_id) if isinstance(expected, Mapping) else expected
        if wanted is not None and stored[task_id] != wanted:
            verdict.violations.append(f"items: {task_id} has {stored[task_id]}, not {wanted}")


def _leases_have_an_order(verdict: Verdict, database: Database[Document]) -> None:
    """Run numbers rise with the times of the claims, and a task is completed once."""
    runs = defaultdict(list)
    for run in database.task_runs.find({}, sort=[("run_number", 1)]):
        runs[run["task_id"]].append(run)
        verdict.runs += 1
    for task_id, of_task in runs.items():
        numbers = [run["run_number"] for run in of_task]
        claims = [run["claimed_at"] for run in of_task]
        if len(set(numbers)) < len(numbers) or claims != sorted(claims):
            verdict.violations.append(f"order: {task_id} has runs {numbers} claimed at {claims}")
        if sum(run["outcome"] == "completed" for run in of_task) > 1:
            verdict.violations.append(f"completed twice: {task_id}")


def _runs_do_not_overlap(
    verdict: Verdict, ledger: list[Step], paused: set[int], late_steps: int
) -> None:
    """Once a later run of a task has begun, an earlier one takes no step any more."""
    newest: dict[str, Step] = {}
    late: Counter[str] = Counter()
    for step in ledger:
        last = newest.get(step.task_id)
        if last is None or step.run_number > last.run_number:
            verdict.repeated += last is not None
            newest[step.task_id] = step
        elif step.run_number == last.run_number and step.lease_id != last.lease_id:
            verdict.violations.append(f"two leases for run {step.run_number} of {step.task_id}")
        elif step.run_number < last.run_number:
            verdict.late_steps += 1
            late[step.lease_id] += 1
            if step.pid not in paused or late[step.lease_id] > late_steps:
                verdict.violations.append(
                    f"overlap: {step.task_id} run {step.run_number} took a step "
                    f"{step.at - last.at:.1f} s after run {last.run_number} had begun"
                )
