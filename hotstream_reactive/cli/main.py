"""The `hotstream` command: its verbs, its common options, and what its exit codes mean."""

from __future__ import annotations

import difflib
import importlib
import sys
from pathlib import Path
from typing import Any, NoReturn

import click
from loguru import logger

from hotstream_reactive import __version__
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
    StorageFull,
)
from hotstream_reactive.text import clean, redact

#: verb → (module below `cli`, name of the command in it)
VERBS = {
    "demo": ("demo", "demo"),
    "start-daemon": ("daemon", "start_daemon"),
}

#: The numbers follow sysexits.h where one fits.
EXIT_CODES: list[tuple[type[HotStreamError], int]] = [
    (NotFound, 3),
    (RefusedByState, 4),
    (InvalidTask, 65),
    (DatabaseUnavailable, 69),
    (EmbeddedMongoError, 69),
    (StorageFull, 74),
    (DatabaseRefused, 77),
    (ConfigError, 78),
    (HotStreamError, 70),
]
INTERNAL = 70
INTERRUPTED = 130


class Verbs(click.Group):
    """Loads a verb's module when the verb is called, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs."""
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a verb, None for an unknown one."""
        if cmd_name not in VERBS:
            return None
        module, name = VERBS[cmd_name]
        command: click.Command = getattr(
            importlib.import_module(f"hotstream_reactive.cli.{module}"), name
        )
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, or say which one may have been meant."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], VERBS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            ctx.fail(f"No such command {clean(args[0], 40)!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.command(
    cls=Verbs,
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
@click.version_option(__version__, prog_name="hotstream")
@click.pass_context
def hotstream(
    ctx: click.Context,
    config: Path | None,
    mongodb_uri: str | None,
    database: str | None,
    log_level: str | None,
    debug: bool,
) -> None:
    """HotStream Reactive: write a task into MongoDB, and it is scraped at once.

    \b
    Examples:
      hotstream demo
      hotstream start-daemon
      hotstream create-task search_001 search twitter -k "AI,MongoDB" -l 30 --immediate
    """
    overrides: dict[str, Any] = {
        "mongodb.uri": mongodb_uri,
        "mongodb.database": database,
        "framework.log_level": log_level.upper() if log_level else None,
    }
    ctx.obj = Session(config=config, overrides=overrides, debug=debug)


def main() -> NoReturn:
    """Run the command line and exit with the documented code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command line; gives the exit code."""
    debug = "--debug" in arguments
    try:
        result = hotstream.main(args=arguments, prog_name="hotstream", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # Somebody closed our output, e.g. `| head`: nothing is wrong.
        sys.stderr.close()
        return 0
    except HotStreamError as error:
        if debug:
            logger.opt(exception=error).debug("traceback")
        return fail(error)
    except Exception as error:
        if debug:
            raise
        click.echo(
            f"error: internal: {type(error).__name__}: {redact(clean(str(error), 300))}\n"
            f"  run again with --debug for the traceback",
            err=True,
        )
        return INTERNAL
    return result if isinstance(result, int) else 0


def fail(error: HotStreamError) -> int:
    """Say what happened, in a few lines, and give the exit code."""
    text = "\n  ".join(clean(line, 500) for line in redact(str(error)).splitlines()[:40])
    click.echo(f"error: {text}", err=True)
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))
