"""The `hotstream` command: its verbs, its common options, and what its exit codes mean."""

from __future__ import annotations

import difflib
import importlib
import io
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import click

from hotstream_reactive.cli.common import HelpContext, common_options, equip
from hotstream_reactive.cli.language import choose, tr, use
from hotstream_reactive.cli.session import Session
from hotstream_reactive.errors import (
    ConfigError,
    DatabaseRefused,
    DatabaseUnavailable,
    EmbeddedMongoError,
    HotStreamError,
    InvalidTask,
    NotFound,
    RefusedByState,
    ScrapeError,
    StorageError,
)
from hotstream_reactive.text import clean, redact
from hotstream_reactive.version import __version__


class Verb(NamedTuple):
    """Where a verb is: the module below `cli` and the command in it; `help` is its short help."""

    module: str
    command: str
    help: str


#: The short help stands here, so that `--help` need not load a single verb.
VERBS = {
    "cancel": Verb("edit", "cancel", "Cancel tasks: what waits, and what runs, at once."),
    "completion": Verb("completion", "completion", "Print a script that completes words."),
    "config": Verb("config", "config", "Show every setting in force and where it comes from."),
    "create-task": Verb("create", "create_task", "Write a task; a worker starts it at once."),
    "dashboard": Verb("dashboard", "dashboard", "Show live what runs, waits and fails."),
    "demo": Verb("demo", "demo", "Show the main job end to end; needs nothing."),
    "doctor": Verb("doctor", "doctor", "Check this installation and say how to mend it."),
    "explain": Verb("explain", "explain", "Say what keeps a task from starting."),
    "health": Verb("health", "health", "Say whether the workers of this folder are alive."),
    "history": Verb("history", "history", "Show what happened to a task, also edits of others."),
    "info": Verb("info", "info", "Show versions, database and plugins."),
    "init": Verb("init", "init", "Create the collections and indexes in MongoDB."),
    "limit": Verb("control", "limit", "Limit a platform in the whole fleet, at once."),
    "list": Verb("listing", "list_tasks", "List tasks: what waits, runs, is done, failed."),
    "list-platforms": Verb("platforms", "list_platforms", "List the platforms tasks can name."),
    "monitor": Verb("look", "monitor", "Read the newest posts of accounts now, no queue."),
    "parse": Verb("parse", "parse", "Read a saved page as its platform would."),
    "pause": Verb("control", "pause", "Start no more tasks, of a platform or at all."),
    "plugins": Verb("plugins", "plugins", "Begin, list and check plugins."),
    "promote": Verb("edit", "promote", "Let pending tasks start first, and at once."),
    "query-data": Verb("query", "query_data", "Show or export collected items."),
    "resume": Verb("control", "resume", "Start tasks again after a pause."),
    "retry": Verb("edit", "retry", "Run failed, cancelled or completed tasks again."),
    "schema": Verb("schema", "schema", "Print the JSON Schema of a task document."),
    "search": Verb("look", "search", "Search a platform now, no queue."),
    "show": Verb("show", "show", "Show a task, its last runs and their log."),
    "start-daemon": Verb("daemon", "start_daemon", "Run tasks until told to stop."),
    "task-stats": Verb("stats", "task_stats", "Count tasks: waiting, running, done, failed."),
    "test-nitter": Verb("nitter", "test_nitter", "Ask each Nitter instance for an account."),
    "validate": Verb("validate", "validate", "Check task documents in a file; runs nothing."),
    "watch": Verb("watch", "watch", "Follow a task live, to its end."),
}

#: The numbers follow sysexits.h where one fits.
EXIT_CODES: list[tuple[type[HotStreamError], int]] = [
    (ScrapeError, 1),
    (NotFound, 3),
    (RefusedByState, 4),
    (InvalidTask, 65),
    (DatabaseUnavailable, 69),
    (EmbeddedMongoError, 69),
    (StorageError, 74),
    (DatabaseRefused, 77),
    (ConfigError, 78),
    (HotStreamError, 70),
]
#: Said after messages that come from the driver and name no remedy themselves.
_UNAVAILABLE = "Start MongoDB or mend mongodb.uri (MONGODB_URI); `hotstream doctor` tells more."
INTERNAL = 70
INPUT_OUTPUT = 74
WAITED_TOO_LONG = 124
INTERRUPTED = 130


class OutputClosed(Exception):
    """Whoever read our output has gone away."""


class Verbs(click.Group):
    """Loads a verb's module when the verb is called, so that `--help` is quick."""

    context_class = HelpContext

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Click would end the process with the code of a failure.
            raise OutputClosed from None
        return result

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs."""
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a verb, None for an unknown one."""
        if cmd_name not in VERBS:
            return None
        verb = VERBS[cmd_name]
        module = importlib.import_module(f"hotstream_reactive.cli.{verb.module}")
        command: click.Command = getattr(module, verb.command)
        return equip(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.help) for name, verb in sorted(VERBS.items())])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """The verbs that begin like this, without loading them; else the options."""
        from click.shell_completion import CompletionItem

        fit = [name for name in sorted(VERBS) if name.startswith(incomplete)]
        if fit and not incomplete.startswith("-"):
            return [CompletionItem(name, help=tr(VERBS[name].help)) for name in fit]
        return click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, or say which one may have been meant."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], VERBS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            ctx.fail(f"No such command {clean(redact(args[0]), 40)!r}.{hint}")
        return super().resolve_command(ctx, args)


def _print_version(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    lines = [f"hotstream, version {__version__}", f"Python {sys.version.split()[0]}"]
    for package in ("pymongo", "motor"):
        try:
            lines.append(f"{package} {version(package)}")
        except PackageNotFoundError:  # a copy without its metadata
            lines.append(f"{package} unknown")
    click.echo("\n".join(lines))
    ctx.exit()


@click.command(
    cls=Verbs,
    params=common_options(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Documentation: docs/, or README.md to begin with.",
)
@click.option(
    "-c",
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Configuration file (default: $HOTSTREAM_CONFIG, then ./config.toml).",
)
@click.option("--mongodb-uri", metavar="URI", help="MongoDB to use (mongodb.uri).")
@click.option("--database", metavar="NAME", help="Database to use (mongodb.database).")
@click.option(
    "--log-level",
    type=click.Choice(["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    help="How much to log (framework.log_level).",
)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.option("-q", "--quiet", is_flag=True, help="Log errors only; print no messages but them.")
@click.option("-v", "--verbose", is_flag=True, help="Log everything (--log-level DEBUG).")
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the versions of HotStream, Python and the drivers.",
)
@click.pass_context
def hotstream(
    ctx: click.Context,
    config: Path | None,
    mongodb_uri: str | None,
    database: str | None,
    log_level: str | None,
    debug: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """HotStream Reactive: write a task into MongoDB, and it is scraped at once.

    \b
    Examples:
      hotstream demo
      hotstream start-daemon
      hotstream create-task search_001 search twitter -k "AI,MongoDB" -l 30 --immediate
    """
    if quiet and verbose:
        raise click.UsageError("give --quiet or --verbose, not both")
    log_level = log_level or ("ERROR" if quiet else "DEBUG" if verbose else None)
    overrides: dict[str, Any] = {
        "mongodb.uri": mongodb_uri,
        "mongodb.database": database,
        "framework.log_level": log_level.upper() if log_level else None,
    }
    ctx.obj = Session(config=config, overrides=overrides, debug=debug or verbose, quiet=quiet)


def main() -> NoReturn:
    """Run the command line and exit with the documented code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that is not UTF-8 shows escapes instead of ending the command.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    use(choose(sys.argv[1:], os.environ, sys.stdout))
    if "_HOTSTREAM_COMPLETE" in os.environ:  # a shell asks, see `completion`
        from hotstream_reactive.cli.completion import answer

        answer(hotstream)
    code = run(sys.argv[1:])
    if code == INTERRUPTED:
        _leave(code)
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run the command line; gives the exit code."""
    debug = "--debug" in arguments
    try:
        result = hotstream.main(args=arguments, prog_name="hotstream", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        said = io.StringIO()
        error.show(said)
        click.echo(redact(tr(said.getvalue())), err=True, nl=False)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo(tr("interrupted"), err=True)
        return INTERRUPTED
    except OutputClosed:
        _give_up_stdout()
        return 0
    except Exception as error:
        if debug:
            click.echo(_traceback(error), err=True)
        return _failed(error)
    return result if isinstance(result, int) else 0


def fail(error: HotStreamError) -> int:
    """Say what happened, in a few lines, and give the exit code."""
    lines = redact(str(error)).splitlines()[:40]
    if type(error) is DatabaseUnavailable and len(lines) == 1:
        lines.append(_UNAVAILABLE)
    text = "\n  ".join(clean(tr(line), 2000) for line in lines)
    click.echo(tr("error: {}").format(text), err=True)
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))


def _failed(error: Exception) -> int:
    """Say what kind of failure this is and give its exit code."""
    if isinstance(error, HotStreamError):
        return fail(error)
    text = redact(clean(str(error), 300))
    if isinstance(error, OSError):
        remedy = tr("name another file or mend its permissions")
        click.echo(tr("error: {}").format(f"{text}\n  {remedy}"), err=True)
        return INPUT_OUTPUT
    remedy = tr("run again with `hotstream --debug …` for the traceback")
    problem = f"internal: {type(error).__name__}: {text}\n  {remedy}"
    click.echo(tr("error: {}").format(problem), err=True)
    return INTERNAL


def _traceback(error: Exception) -> str:
    text = redact("".join(traceback.format_exception(error)))
    return "\n".join(clean(line, 500) for line in text.splitlines())


def _leave(code: int) -> NoReturn:
    """End now: a thread of the driver may still wait for a server that says nothing."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)


def _give_up_stdout() -> None:
    """Somebody closed our output, e.g. `| head`: nothing is wrong, but nothing can be flushed."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
