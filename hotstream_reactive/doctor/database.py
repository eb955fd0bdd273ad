"""Trials on MongoDB: is it there, what is it, what may this user do, is it quick."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import msgspec

from hotstream_reactive.doctor.finding import Finding, fail, in_thread, ok, warn, within
from hotstream_reactive.errors import (
    ConfigError,
    DatabaseError,
    DatabaseRefused,
    EmbeddedMongoError,
    HotStreamError,
)
from hotstream_reactive.mongo import probes, reads, validator
from hotstream_reactive.mongo.client import Mongo, connected
from hotstream_reactive.mongo.embedded import EmbeddedReplicaSet
from hotstream_reactive.settings import Settings
from hotstream_reactive.text import redact_uri

_PROBE_S = 5.0
_EMBEDDED_START_S = 10.0
_OLDEST_VERSION = (4, 4)
_SKEW_S = 1.0
_SHORT_OPLOG_S = 3600.0
_URI = "Mend mongodb.uri (or MONGODB_URI), or start the server."
_ROLE = "Grant the user the role readWrite on the database."


async def database(settings: Settings, *, temporary: bool) -> list[Finding]:
    """All trials on the server; the first failure to connect ends them.

    `temporary` starts an embedded replica set for the time of the trials, away from any data.
    """
    try:
        async with _server(settings, temporary) as reachable, connected(reachable) as mongo:
            findings = [_server_finding(mongo, reachable, temporary)]
            return findings + await _trials(mongo, reachable, temporary)
    except DatabaseRefused as error:
        return [fail("authentication", str(error), "Check user, password and authSource.")]
    except EmbeddedMongoError as error:
        return [fail("server", str(error), "Install mongod, or set MONGODB_URI.")]
    except (DatabaseError, ConfigError) as error:
        return [fail("server", str(error), _URI)]


@asynccontextmanager
async def _server(settings: Settings, temporary: bool) -> AsyncIterator[Settings]:
    if not temporary:
        yield settings
        return
    embedded = EmbeddedReplicaSet()
    try:
        with anyio.fail_after(_EMBEDDED_START_S):
            await in_thread(embedded.start)
        mongodb = msgspec.structs.replace(settings.mongodb, uri=embedded.uri)
        yield msgspec.structs.replace(settings, mongodb=mongodb)
    except TimeoutError:
        raise EmbeddedMongoError(
            f"the embedded MongoDB did not start within {_EMBEDDED_START_S:g} s"
        ) from None
    finally:
        with anyio.move_on_after(_PROBE_S, shield=True):
            await in_thread(embedded.stop)


def _server_finding(mongo: Mongo, settings: Settings, temporary: bool) -> Finding:
    server = mongo.server
    assert server is not None
    where = "embedded, started for this check" if temporary else redact_uri(settings.mongodb.uri)
    message = f"MongoDB {server.version}, {server.topology}; {where}"
    numbers = tuple(int(part) for part in server.version.split(".")[:2] if part.isdigit())
    if numbers < _OLDEST_VERSION:
        return fail("server", message, "Use MongoDB 4.4 or newer.")
    if not server.reactive:
        return warn(
            "server",
            f"{message}: no change stream and no transactions, so tasks are found by polling",
            "Run it as a replica set (one node is enough): mongod --replSet rs0, rs.initiate().",
        )
    return ok("server", message)


async def _trials(mongo: Mongo, settings: Settings, temporary: bool) -> list[Finding]:
    own = probes.new_trial()
    reading: list[tuple[str, Callable[[], Awaitable[list[Finding]]]]] = [
        ("clock", lambda: _clock(mongo)),
        ("oplog", lambda: _oplog(settings)),
    ]
    if not temporary:
        reading += [
            ("indexes", lambda: _indexes(mongo)),
            ("validator", lambda: _validator(mongo)),
            ("workers", lambda: _workers(mongo, settings)),
        ]
    found: dict[str, list[Finding]] = {}

    async def read(name: str, trial: Callable[[], Awaitable[list[Finding]]]) -> None:
        found[name] = await within(_PROBE_S, name, trial)

    async with anyio.create_task_group() as group:
        for name, trial in reading:
            group.start_soon(read, name, trial)
        written = await _writing_trials(mongo, own)
    return written + [finding for name, _ in reading for finding in found[name]]


async def _writing_trials(mongo: Mongo, trial: str) -> list[Finding]:
    """One after the other, so that none disturbs the time that another takes."""
    try:
        findings = await within(_PROBE_S, "privileges", lambda: _privileges(mongo, trial))
        if mongo.transactional:
            findings += await within(_PROBE_S, "stream", lambda: _stream(mongo, trial))
            findings += await within(_PROBE_S, "transactions", lambda: _transactions(mongo, trial))
    finally:
        left: list[Finding] = []
        with anyio.move_on_after(_PROBE_S, shield=True):
            left = await within(_PROBE_S, "scratch", lambda: _clean_up(mongo, trial))
    return findings + left


async def _privileges(mongo: Mongo, trial: str) -> list[Finding]:
    tried = await probes.privileges(mongo, trial)
    may = ", ".join(name for name, reason in tried.items() if reason is None)
    findings = [ok("privileges", f"this user may {may}")] if may else []
    for name, reason in tried.items():
        if reason is None:
            continue
        if name == "createIndex":
            findings.append(warn("privileges", reason, "Run `hotstream init` as another user."))
        else:
            findings.append(fail("privileges", f"{name}: {reason}", _ROLE))
    return findings


async def _stream(mongo: Mongo, trial: str) -> list[Finding]:
    try:
        took_ms = await probes.stream_round_trip_ms(mongo, trial)
    except DatabaseRefused as error:
        return [warn("stream", f"{error} Tasks are found by polling.", _ROLE)]
    except HotStreamError as error:
        return [warn("stream", f"{error} Tasks are found by polling.", "See the server's log.")]
    return [ok("stream", f"insert to change event in {took_ms:.1f} ms")]


async def _transactions(mongo: Mongo, trial: str) -> list[Finding]:
    took_ms = await probes.transaction_ms(mongo, trial)
    return [ok("transactions", f"one in {took_ms:.1f} ms")]


async def _clean_up(mongo: Mongo, trial: str) -> list[Finding]:
    try:
        await probes.clean_up(mongo, trial)
    except DatabaseError as error:
        return [warn("scratch", str(error), f"Remove them by hand: db.{probes.TRIALS}.drop()")]
    return []


async def _indexes(mongo: Mongo) -> list[Finding]:
    missing = await probes.missing_indexes(mongo)
    if missing:
        message = f"missing: {', '.join(missing)}"
        return [warn("indexes", message, "Run `hotstream init`; a worker creates them too.")]
    return [ok("indexes", "all are there")]


async def _validator(mongo: Mongo) -> list[Finding]:
    found = await validator.installed(mongo)
    if found is None:
        message = "none: wrong tasks are refused by workers; see hotstream init --validator"
        return [ok("validator", message)]
    message = f"wrong tasks are refused when they are written ({found.level}, {found.action})"
    if not found.current:
        message = "it is not that of this version"
        return [warn("validator", message, "Run `hotstream init --validator`.")]
    return [ok("validator", message)]


async def _clock(mongo: Mongo) -> list[Finding]:
    offset = await probes.clock_offset(mongo)
    off, about = f"{abs(offset.ahead_s):.3f}", f"{offset.uncertainty_s:.3f}"
    message = (
        f"the server's clock is {off} s ahead of this machine's (± {about} s)"
        if offset.ahead_s >= 0
        else f"the server's clock is {off} s behind this machine's (± {about} s)"
    )
    if abs(offset.ahead_s) - offset.uncertainty_s > _SKEW_S:
        return [warn("clock", message, "Let NTP set both clocks; due times go by the server's.")]
    return [ok("clock", message)]


async def _oplog(settings: Settings) -> list[Finding]:
    try:
        window_s = await probes.oplog_window_s(settings.mongodb)
    except DatabaseRefused:
        return [ok("oplog", "its window is not known: this user may not read it, as is usual")]
    if window_s is None:
        return [ok("oplog", "there is none")]
    message = f"spans {window_s / 3600:.1f} h"
    if window_s < _SHORT_OPLOG_S:
        # A young server has a short one, too, and nothing is lost by it: a gap orders a sweep.
        return [ok("oplog", f"{message} (a young or very busy server)")]
    return [ok("oplog", message)]


async def _workers(mongo: Mongo, settings: Settings) -> list[Finding]:
    seen = await reads.workers(mongo)
    if not seen:
        return [ok("workers", "none is running now; start one with: hotstream start-daemon")]
    limit_s = settings.scheduler.zombie_timeout
    silent = [w for w in seen if w.heartbeat_age_s is None or w.heartbeat_age_s > limit_s]
    findings = (
        [ok("workers", f"alive: {len(seen) - len(silent)}")] if len(silent) < len(seen) else []
    )
    if silent:
        oldest = silent[0]
        age = "never" if oldest.heartbeat_age_s is None else f"{oldest.heartbeat_age_s:.0f} s ago"
        findings.append(
            warn(
                "workers",
                f"{len(silent)} silent for more than {limit_s:g} s, "
                f"e.g. {oldest.worker_id} (heard of {age}, {oldest.running} tasks)",
                "Living workers take their tasks over; start one if there is none.",
            )
        )
    return findings
