"""Writes docs/errors.md from the errors, the judge of runs, and the codes in the source.

A code in the source without a meaning in docs/error_codes.py ends this with a message, and so does
a meaning without a code.

Usage: python docs/make_error_reference.py [--check]
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from error_codes import MEANINGS, PATTERNS
from generated import write_or_check

from hotstream_reactive import errors
from hotstream_reactive.engine.retry import cause, judge
from hotstream_reactive.errors import HotStreamError, LoginRequired, ScrapeError
from hotstream_reactive.fetch.session_file import SessionNeeded
from hotstream_reactive.model.outcome import Failed, LeaseLost, Retry
from hotstream_reactive.model.page import PageOutcome
from hotstream_reactive.model.task import Task
from hotstream_reactive.platforms.site import failure_of
from hotstream_reactive.settings import SchedulerSettings

TARGET = Path(__file__).with_name("errors.md")
PACKAGE = Path(__file__).parents[1] / "hotstream_reactive"
#: The engine, what fetches, and the platforms give codes; the rest only hands them on.
_PLACES = ("engine", "extractors", "fetch", "platforms")
_CLASSES = {
    name: kind
    for name, kind in {**vars(errors), "SessionNeeded": SessionNeeded}.items()
    if isinstance(kind, type) and issubclass(kind, ScrapeError)
}
#: Records of which the second value is a code, the first being what the page is.
_VERDICTS = {"Verdict", "Wall", "Panel"}
#: Functions that choose the code of an error before they make it.
_MAKERS = {
    "_transient": errors.TransientError,
    "dialled": errors.TransientError,
    "nothing_read": errors.PermanentError,
    "all_refused": errors.BlockedError,
}
#: Errors that end no run.
_NOT_OF_RUNS = {
    *("HotStreamError", "NotFound", "RefusedByState", "EmbeddedMongoError"),
    *("FeedUnsupported", "FeedEnded", "HistoryLost"),
}
_HONEST = {PageOutcome.OK, PageOutcome.EMPTY}
_HEAD = """\
# Errors

<!-- Written by docs/make_error_reference.py from the source and error_codes.py; do not edit. -->

What a run failed of stands in the task's `error_message` and in `task_runs`, as `code: what
happened, where, and what to do`. The code is for programs to compare and does not change; the
sentence may. Exit codes of the command line are on [its own page](cli.md#exit-codes), lines of the
log in [the runbook](runbook.md).

## Classes

The class says whether trying again helps. A plugin raises the same ([errors of
plugins](plugins/errors.md)). The cause is the label of `hotstream_failures_total` and stands in the
event of the log.

| class | cause | then | what to do |
|---|---|---|---|
"""
_BELOW = """
*Tried again* is: back to pending with `run_at`, after a random pause that grows from
`scheduler.retry_base_delay` to `scheduler.retry_max_delay`, up to `retry_count` times; *later* is
five times as long. The last failure ends the task as failed, with `(gave up after …)` behind the
message. A retry goes on at the checkpoint. Any other exception of a plugin has the cause `crashed`
and is tried again.

## Codes

Where several targets are read (accounts, keywords, instances), one that fails does not end the
others: the code of the run is that of the targets when they agree. With several Nitter instances
the next one is asked first.

| code | meaning | then | what to do |
|---|---|---|---|
"""


def reference() -> str:
    """The whole page."""
    found = codes()
    nameless = {code for code in found if code not in MEANINGS and not _pattern(code)}
    assert not nameless, f"codes without a meaning in docs/error_codes.py: {sorted(nameless)}"
    gone = MEANINGS.keys() - found.keys()
    assert not gone, f"meanings in docs/error_codes.py of codes that are gone: {sorted(gone)}"
    rows = [_HEAD + "\n".join(_class_rows()), _BELOW.rstrip("\n")]
    for code in sorted(MEANINGS):
        meaning, remedy = MEANINGS[code]
        rows.append(f"| `{code}` | {meaning} | {_then(found[code])} | {remedy} |")
    for code, (meaning, then, remedy) in PATTERNS.items():
        rows.append(f"| `{code}` | {meaning} | {then} | {remedy} |")
    return "\n".join(rows) + "\n"


def _class_rows() -> Iterator[str]:
    drawing = (errors.__doc__ or "").split("\n\n")[1]
    remedies = dict(re.findall(r"^[│├└─ ]*(\w+) {2,}(.+)$", drawing, re.M))
    for name, kind in vars(errors).items():
        known = isinstance(kind, type) and issubclass(kind, HotStreamError)
        if known and name in remedies and name not in _NOT_OF_RUNS:
            yield f"| `{name}` | `{cause(kind('x'))}` | {_after(kind('x'))} | {remedies[name]} |"


def _after(error: HotStreamError) -> str:
    """What the engine makes of an error, by asking it."""
    settings = SchedulerSettings()
    task = Task(document_id=1, task_id="x", platform="x", keywords=["x"], retry_count=3)
    outcome = judge(error, task, settings, result_count=0)
    if isinstance(outcome, Failed):
        waits = isinstance(error, LoginRequired)
        return "fails; waits for the session file where there can be one" if waits else "fails"
    if isinstance(outcome, LeaseLost):
        return "nothing is written"
    assert isinstance(outcome, Retry)
    if isinstance(error, errors.RateLimited):
        return "tried again, not before the site's time"
    return "tried again later" if isinstance(error, errors.BlockedError) else "tried again"


def _then(raised: set[type[ScrapeError]]) -> str:
    said = {_after(kind("x")) for kind in raised}
    return "; or ".join(sorted(said)) or "next instance, else tried again later"


def codes() -> dict[str, set[type[ScrapeError]]]:
    """Every code that stands in the source, with the classes in which it can come."""
    found: dict[str, set[type[ScrapeError]]] = defaultdict(set)
    for path in (path for place in _PLACES for path in sorted((PACKAGE / place).rglob("*.py"))):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            for code, kinds in _codes_of(node, path.parent.name):
                found[code] |= kinds
    return dict(found)


def _codes_of(node: ast.AST, place: str) -> Iterator[tuple[str, set[type[ScrapeError]]]]:
    match node:
        case ast.Call(
            func=ast.Name(id=name) | ast.Attribute(attr=name), args=args, keywords=keywords
        ):
            given = {one.arg: one.value for one in keywords}
            if name in _CLASSES and "kind" in given:
                yield from ((code, {_CLASSES[name]}) for code in _texts(given["kind"]))
            elif "failure_kind" in given and "outcome" in given:
                final = place == "twitter" and "retry_elsewhere" not in given
                yield from _judged(given["outcome"], given["failure_kind"], place, final=final)
            elif name in _VERDICTS and len(args) > 1:
                final = name == "Panel" and ast.unparse(args[2]) == "False"
                yield from _judged(args[0], args[1], place, final=final)
            elif name == "Refusal" and len(args) > 2:
                yield from ((code, set()) for code in _texts(args[2]))
        case ast.Tuple(elts=[ast.Attribute() as outcome, code, *_]) if _outcomes(outcome):
            yield from _judged(outcome, code, place)
        case ast.FunctionDef(name=name, body=body) if name in _MAKERS:
            for inner in ast.walk(ast.Module(body, [])):
                match inner:
                    case ast.Assign(targets=[ast.Name(id="kind")], value=value):
                        yield from ((code, {_MAKERS[name]}) for code in _texts(value))


def _judged(
    outcome: ast.expr, code: ast.expr, place: str, *, final: bool = False
) -> Iterator[tuple[str, set[type[ScrapeError]]]]:
    match outcome, code:
        case ast.IfExp(test=asked), ast.IfExp(test=again) if ast.dump(asked) == ast.dump(again):
            yield from _judged(outcome.body, code.body, place, final=final)
            yield from _judged(outcome.orelse, code.orelse, place, final=final)
            return
    known = _outcomes(outcome)
    if known - _HONEST or not known:
        for text in _texts(code):
            kinds = {_class_of(one, place, final=final) for one in known - _HONEST}
            yield text, kinds


def _class_of(outcome: PageOutcome, place: str, *, final: bool) -> type[ScrapeError]:
    """As `platforms.site`, the refusals of Zhihu and the client of Nitter make errors of pages."""
    if final:
        return errors.PermanentError
    if outcome is PageOutcome.RATE_LIMITED:
        return errors.RateLimited
    if place == "zhihu" and outcome in (PageOutcome.CHALLENGE, PageOutcome.BLOCKED):
        return errors.RateLimited
    return type(failure_of(outcome, "", ""))


def _outcomes(node: ast.expr) -> set[PageOutcome]:
    return {
        PageOutcome[inner.attr]
        for inner in ast.walk(node)
        if isinstance(inner, ast.Attribute) and getattr(inner.value, "id", "") == "PageOutcome"
    }


def _texts(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from (*_texts(one), *_texts(other))
        case ast.JoinedStr(values=values):
            yield "".join(str(v.value) if isinstance(v, ast.Constant) else "…" for v in values)


def _pattern(code: str) -> bool:
    return any(re.fullmatch(re.escape(one).replace("…", ".*"), code) for one in PATTERNS)


if __name__ == "__main__":
    sys.exit(write_or_check(TARGET, reference(), made_by=Path(__file__).name))
