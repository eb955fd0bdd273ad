"""`doctor`: every part tried out, each with its remedy."""

from __future__ import annotations

import sys

import click
import msgspec
from rich.text import Text

from hotstream_reactive.cli import output
from hotstream_reactive.cli.common import plain
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.session import Session, run_async
from hotstream_reactive.doctor import Finding, examine
from hotstream_reactive.doctor.finding import fail, harmless
from hotstream_reactive.errors import ConfigError

_GLYPHS = {"ok": "✓", "warn": "!", "fail": "✗"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def doctor(session: Session, *, as_json: bool) -> int:
    """Check configuration, MongoDB, browser, plugins and disk; takes half a minute at most.

    The exit code is 1 when something failed; warnings do not count.

    \b
    Examples:
      hotstream doctor
      hotstream doctor --json | jq '.checks[] | select(.state != "ok")'
    """
    findings: list[Finding] = []

    def tell(finding: Finding) -> None:
        findings.append(finding)
        if not as_json:
            _print(finding)

    try:
        loaded = session.loaded
        session.log(quiet=True)
        reachable = session.settings_if_reachable()
    except ConfigError as error:
        for line in str(error).splitlines():
            tell(fail("configuration", line.strip(), "Mend it; the other checks need it."))
    else:
        run_async(lambda: examine(loaded, reachable, tell))
    failed = any(finding.state == "fail" for finding in findings)
    if as_json:
        checks = [msgspec.structs.asdict(finding) for finding in findings]
        output.emit_json({"ok": not failed, "checks": checks})
    return 1 if failed else 0


def _print(finding: Finding) -> None:
    glyph = _GLYPHS[finding.state] if _writes_unicode() else "-"
    style = output.STYLES[finding.state]
    out = output.console()
    message, remedy = harmless(tr(finding.message)), harmless(tr(finding.remedy))
    if plain():
        output.line("\t".join((finding.state, finding.name, message, remedy)).rstrip())
        return
    head = Text.assemble((f"{glyph} {finding.state:<6}", style), f"{finding.name:<15}")
    # Lines as long as they are: the terminal folds them, and `grep` finds them whole.
    out.print(head + Text(message), soft_wrap=True)
    if remedy:
        arrow = "→" if _writes_unicode() else "->"
        out.print(Text(f"{'':{len(head)}}{arrow} {remedy}"), soft_wrap=True)


def _writes_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
