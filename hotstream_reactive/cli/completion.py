"""`completion`: the script for a shell, and the answers that the script asks for."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NoReturn

import click

from hotstream_reactive.cli import output

PROGRAM = "hotstream"
#: Set by the script of a shell when somebody presses Tab, e.g. to ``bash_complete``.
VARIABLE = "_HOTSTREAM_COMPLETE"
_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def completion(ctx: click.Context, *, shell: str, as_json: bool) -> int:
    """Print the script that lets SHELL complete verbs, options, ids of tasks and platforms.

    Ids are looked up in the database of the other options and of config.toml, within 0.3 s.

    \b
    Examples:
      eval "$(hotstream completion bash)"    # in ~/.bashrc; the same with zsh in ~/.zshrc
      hotstream completion fish > ~/.config/fish/completions/hotstream.fish
    """
    script = _script(ctx.find_root().command, shell)
    if as_json:
        output.emit_json({"shell": shell, "script": script})
    else:
        click.echo(script)
    return 0


def _script(command: click.Command, shell: str) -> str:
    from click.shell_completion import ShellComplete, get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None, "click has it built in"
    # Bash's own `source` starts a shell to look at its version, and may complain.
    return ShellComplete.source(kind(command, {}, PROGRAM, VARIABLE))


def answer(command: click.Command) -> NoReturn:
    """Print what may stand where somebody pressed Tab, and end; whatever goes wrong stays quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    # What ends early here is half a line of a person who sees that nothing is offered.
    with suppress(Exception, SystemExit):
        sys.stdout.write(_answer(command, *os.environ[VARIABLE].rsplit("_", 1)))
    with suppress(OSError):
        sys.stdout.flush()
    # A look-up that took too long may still be going on in its thread.
    os._exit(0)


def _answer(command: click.Command, shell: str, wanted: str) -> str:
    from click.shell_completion import get_completion_class

    if wanted == "source":
        return f"{_script(command, shell)}\n"
    kind = get_completion_class(shell)
    assert kind is not None, "any other shell is an error that stays quiet"
    return f"{kind(command, {}, PROGRAM, VARIABLE).complete()}\n"
