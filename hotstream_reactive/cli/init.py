"""`init`: collections and indexes, and a configuration file to begin with."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click
import msgspec

import hotstream_reactive
from hotstream_reactive.cli import output
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.output import padded
from hotstream_reactive.cli.session import Session, run_async
from hotstream_reactive.errors import NotFound
from hotstream_reactive.mongo import probes, roles
from hotstream_reactive.mongo.client import Mongo, connected
from hotstream_reactive.mongo.indexes import ensure_indexes

CONFIG_NAME = "config.toml"


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """Indexes as ``collection.index``; `problems` says what could not be made and why.

    `validator` is the level of the one that was set, ``none``, or None when it was left as it is.
    """

    existing: list[str]
    created: list[str]
    problems: list[str]
    validator: str | None = None
    roles: dict[str, str] = {}


@click.command()
@click.option(
    "--write-config",
    is_flag=True,
    help="Only write a commented config.toml into the working directory, if there is none.",
)
@click.option(
    "--validator/--no-validator",
    default=None,
    help="Let MongoDB refuse wrong task documents, whoever writes them; or not any more.",
)
@click.option("--strict", is_flag=True, help="Refuse also updates of tasks that are wrong already.")
@click.option(
    "--roles",
    "with_roles",
    is_flag=True,
    help="Create the roles hotstreamWorker, hotstreamProducer, hotstreamViewer for users.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def init(
    session: Session,
    *,
    write_config: bool,
    validator: bool | None,
    strict: bool,
    with_roles: bool,
    as_json: bool,
) -> int:
    """Create the collections and indexes; workers do the same when they start.

    Harmless when called again. The exit code is 1 when something could not be made, 4 when --strict
    cannot be had because there are wrong tasks.

    \b
    Examples:
      hotstream init
      hotstream init --validator
      hotstream init --roles
      hotstream init --write-config
    """
    if strict and not validator:
        raise click.UsageError("--strict needs --validator")
    if write_config:
        return _write_config(as_json=as_json)
    session.log(quiet=True)
    prepared = run_async(lambda: _prepare(session, validator, strict=strict, with_roles=with_roles))
    if as_json:
        output.emit_json(msgspec.structs.asdict(prepared) | {"ok": not prepared.problems})
    else:
        for word, names in (("exists", prepared.existing), ("created", prepared.created)):
            for name in names:
                output.line(f"{padded(tr(word), 8)} {tr('index {}').format(name)}")
        if prepared.validator is not None:
            done = padded(tr("set" if validator else "removed"), 8)
            output.line(f"{done} {tr(f'validator {prepared.validator}')}")
        for role, word in prepared.roles.items():
            output.line(f"{padded(tr(word), 8)} {tr('role {}').format(role)}")
        for problem in prepared.problems:
            output.line(f"{padded(tr('failed'), 8)} {tr(problem)}")
    return 1 if prepared.problems else 0


async def _prepare(
    session: Session, validator: bool | None, *, strict: bool, with_roles: bool
) -> Prepared:
    async with (
        session.settings_with_database() as settings,
        connected(settings) as mongo,
    ):
        before = await probes.indexes(mongo)
        problems = await ensure_indexes(
            mongo, runs_retention_days=settings.monitoring.runs_retention_days
        )
        after = await probes.indexes(mongo)
        return Prepared(
            existing=sorted(before),
            created=sorted(after - before),
            problems=problems,
            validator=await _set_validator(mongo, validator, strict=strict),
            roles=await roles.install(mongo) if with_roles else {},
        )


async def _set_validator(mongo: Mongo, wanted: bool | None, *, strict: bool) -> str | None:
    from hotstream_reactive.mongo import validator

    if wanted is None:
        return None
    if not wanted:
        await validator.remove(mongo)
        return "none"
    level: validator.Level = "strict" if strict else "moderate"
    await validator.install(mongo, level=level)
    return level


def _write_config(*, as_json: bool) -> int:
    """Write the file with all defaults, unless there is one already."""
    path = Path(CONFIG_NAME)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(default_config())
        created = True
    except FileExistsError:
        created = False
    if as_json:
        output.emit_json({"config_file": str(path.absolute()), "created": created})
    elif created:
        output.line(f"{padded(tr('created'), 8)} {path}")
    else:
        output.line(f"{padded(tr('exists'), 8)} {path} {tr('(left as it is)')}")
    return 0


def default_config() -> str:
    """The commented configuration file: in a wheel inside the package, else of the checkout.

    Raises:
        NotFound: the installation is incomplete.
    """
    packaged = files(hotstream_reactive) / CONFIG_NAME
    checkout = Path(hotstream_reactive.__file__).parent.parent / CONFIG_NAME
    for place in (packaged, checkout):
        if place.is_file():
            return place.read_text(encoding="utf-8")
    raise NotFound(f"this installation has no {CONFIG_NAME}.\nInstall hotstream-reactive again.")
