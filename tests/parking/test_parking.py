"""A task that needs a login waits for the session file instead of failing."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotstream_reactive.engine.parking import PARKED, demand_new_session, park
from hotstream_reactive.engine.retry import judge
from hotstream_reactive.engine.running import ActiveRun
from hotstream_reactive.errors import LoginRequired
from hotstream_reactive.model.outcome import Failed, Retry
from hotstream_reactive.model.task import Task
from hotstream_reactive.settings import SchedulerSettings

pytestmark = pytest.mark.anyio


def active_run() -> ActiveRun:
    task = Task(document_id=1, task_id="t", platform="zhihu", checkpoint={"page": 3})
    return ActiveRun(task, "lease")


async def test_without_a_session_file_it_fails() -> None:
    outcome = judge(
        LoginRequired("sign in"), active_run().task, SchedulerSettings(), result_count=0
    )
    assert isinstance(outcome, Failed)


async def test_with_a_session_file_it_waits_and_uses_up_no_retry() -> None:
    error = LoginRequired("sign in", path="/sessions/zhihu.json", version=7)
    outcome = judge(error, active_run().task, SchedulerSettings(), result_count=2)
    assert isinstance(outcome, Retry)
    assert not outcome.counts
    assert "sign in" in outcome.reason


async def test_the_same_file_is_not_tried_again_and_a_new_one_is(tmp_path: Path) -> None:
    session = tmp_path / "session.json"
    active = active_run()
    park(active, LoginRequired("sign in", path=str(session), version=None))
    parked = dict(active.checkpoint)
    with pytest.raises(LoginRequired, match="sign in"):
        await demand_new_session(active)
    active.checkpoint = parked
    session.write_text("{}", encoding="utf-8")
    await demand_new_session(active)
    assert active.checkpoint == {"page": 3}, "it goes on where it was"


async def test_what_an_outsider_wrote_there_does_no_harm() -> None:
    for odd in ("x", 5, {"path": 5}, {"path": "a" * 10_000, "version": 1}):
        active = active_run()
        active.checkpoint = {PARKED: odd}
        await demand_new_session(active)
        assert PARKED not in active.checkpoint
