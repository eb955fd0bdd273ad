"""Options that stand before or after a verb: how its output is to look."""

from __future__ import annotations

from typing import Any

import click

from hotstream_reactive.cli.help import Help


class CommonOption(click.Option):
    """An option that every verb has."""


def common_options() -> list[click.Option]:
    """The options; what was given is asked for by `plain` and `in_utc`."""
    return [
        CommonOption(
            ["--lang"],
            type=click.Choice(["en", "zh"]),
            expose_value=False,
            help="Language for people (default: $HOTSTREAM_LANG, then the locale).",
        ),
        CommonOption(
            ["--plain"],
            is_flag=True,
            expose_value=False,
            callback=_note,
            help="Without colours and bars; tables as lines with tabs, nothing cut.",
        ),
        CommonOption(
            ["--utc"],
            is_flag=True,
            expose_value=False,
            callback=_note,
            help="Times in UTC instead of relative ones.",
        ),
    ]


def _note(ctx: click.Context, param: click.Parameter, given: bool) -> None:
    if given:
        # One dictionary for the command and the group around it.
        ctx.meta[f"hotstream.{param.name}"] = True


class HelpContext(click.Context):
    """A context whose help is in the language in use."""

    formatter_class = Help


def equip(command: click.Command) -> click.Command:
    """Give a command the options of every verb, and help in the language in use."""
    command.context_class = HelpContext
    if not any(isinstance(param, CommonOption) for param in command.params):
        command.params += common_options()
    if isinstance(command, click.Group):
        for below in command.commands.values():
            equip(below)
    return command


def plain() -> bool:
    """Whether output is for scripts and screen readers: --plain."""
    return _given("plain")


def in_utc() -> bool:
    """Whether times are shown in UTC: --utc."""
    return _given("utc")


def _given(name: str) -> bool:
    context: Any = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(f"hotstream.{name}"))
