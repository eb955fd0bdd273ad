"""`parse`: a saved page, read as the platform's adapter would read it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import IO, Any

import click
import msgspec

from hotstream_reactive.app import load_registry
from hotstream_reactive.cli import output
from hotstream_reactive.cli.arguments import text
from hotstream_reactive.cli.items import make_items, print_items
from hotstream_reactive.cli.language import tr
from hotstream_reactive.cli.output import padded
from hotstream_reactive.cli.platforms import platform_class
from hotstream_reactive.cli.session import Session, run_async
from hotstream_reactive.errors import NotFound
from hotstream_reactive.fetch.body import decoded
from hotstream_reactive.model.page import ParsedPage
from hotstream_reactive.plugins import Registry


@click.command()
@click.argument("platform", type=text)
@click.argument("file", type=click.File("rb"))
@click.option("--url", type=text, help="The address the page came from.")
@click.option("--status", type=click.IntRange(100, 599), help="The HTTP status it came with.")
@click.option("--content-type", type=text, help="The Content-Type header it came with.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def parse(
    session: Session,
    *,
    platform: str,
    file: IO[bytes],
    url: str | None,
    status: int | None,
    content_type: str | None,
    as_json: bool,
) -> int:
    """Read a saved page as its platform would: what is it, and which items are on it?

    FILE may be - for standard input. The exit code is 0 whenever the page could be read, whatever
    it turned out to be.

    \b
    Examples:
      hotstream parse twitter page.html --url https://nitter.example/NASA
      curl -s http://localhost:8080/NASA/rss | hotstream parse twitter - --json
    """
    session.log(quiet=True)
    registry = load_registry(session.settings)
    parse_page = _parser(registry, platform)
    limit_mb = session.settings.fetch.max_body_mb
    body = file.read(limit_mb * 2**20 + 1)
    if len(body) > limit_mb * 2**20:
        raise click.BadParameter(f"more than {limit_mb} MiB (fetch.max_body_mb)", param_hint="FILE")
    page = parse_page(_text(body, content_type), url=url, status=status, content_type=content_type)
    items = run_async(lambda: make_items(registry, platform, page.records))
    if as_json:
        output.emit_json(_as_json(platform, page, items))
    else:
        _show(page, items)
    return 0


def _text(body: bytes, content_type: str | None) -> str:
    """A saved page as text; most are saved as UTF-8, whatever they say of themselves."""
    if content_type is None:
        try:
            return body.decode("utf-8-sig")
        except UnicodeDecodeError:
            pass
    return decoded(body, content_type or "")


def _parser(registry: Registry, platform: str) -> Callable[..., ParsedPage]:
    """`parse_page` of the module of the platform's class, or of a package around it.

    Raises:
        NotFound: there is no such platform, or it reads no saved pages.
    """
    module = platform_class(registry, platform).__module__
    while module:
        found = getattr(sys.modules.get(module), "parse_page", None)
        if callable(found):
            parser: Callable[..., ParsedPage] = found
            return parser
        module = module.rpartition(".")[0]
    raise NotFound(
        f"platform {platform!r} offers no parse_page.\n"
        f"Define parse_page(text, *, url, status, content_type) -> ParsedPage beside its class."
    )


def _as_json(platform: str, page: ParsedPage, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "platform": platform,
        "page_kind": page.page_kind,
        "outcome": page.outcome,
        "failure_kind": page.failure_kind,
        "message": page.message,
        "items": items,
        "item_count": len(items),
        "next_cursor": page.next_cursor,
        "retry_elsewhere": page.retry_elsewhere,
        "info": page.info,
    }


def _show(page: ParsedPage, items: list[dict[str, Any]]) -> None:
    facts = msgspec.structs.asdict(page) | {"items": len(items)}
    for name in ("outcome", "page_kind", "failure_kind", "message", "items", "next_cursor"):
        if facts[name] is not None:
            output.line(f"{padded(tr(name.replace('_', ' ')) + ':', 14)}{facts[name]}")
    if page.retry_elsewhere:
        advice = tr("another instance, proxy or session may do better")
        output.line(f"{padded(tr('advice') + ':', 14)}{advice}")
    for name, value in page.info.items():
        shown = value if isinstance(value, str) else output.to_json(value)
        output.line(f"{name + ':':<14}{shown}")
    if items:
        click.echo()
        print_items(items)
