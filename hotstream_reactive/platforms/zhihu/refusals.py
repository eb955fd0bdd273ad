"""What a refusal means for the run and for all that the process would ask next."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from hotstream_reactive.errors import (
    BlockedError,
    PermanentError,
    RateLimited,
    ScrapeError,
    TransientError,
)
from hotstream_reactive.fetch.session_file import SessionFile, SessionNeeded
from hotstream_reactive.model.page import PageOutcome, ParsedPage

#: After a restriction of the account or the address.
RESTRICTED_S = 8 * 3600.0
#: After any other refusal.
REFUSED_S = 2 * 3600.0
_RESTRICTIONS = frozenset({"zhihu_40362", "zhihu_40352"})
_LONGEST_WAIT_S = 24 * 3600.0
_HOW = (
    "Sign in by hand once: `playwright codegen --save-storage={path} {site}/signin`, and close the "
    'window when signed in; name the file in platforms.zhihu.storage_state (now: "{now}") and put '
    "the task back to pending. See docs/platforms/zhihu.md."
)


class _Refusal(NamedTuple):
    until: float
    kind: str
    message: str


class Refusals:
    """What the process knows about refusals; times are monotonic seconds.

    One refusal stands for all: asking on in the same session makes a restriction longer.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._refused: dict[str, _Refusal] = {}
        self._signed_out: dict[tuple[str, str], tuple[int | None, str]] = {}

    def check(self, site: str, page_kind: str, file: SessionFile, what: str) -> None:
        """Say no before anything is asked, when the answer is known.

        Raises:
            RateLimited: the site refused a while ago.
            SessionNeeded: this kind of page needs another session than the one that is there.
        """
        refusal = self._refused.get(site)
        if refusal is not None and (wait := refusal.until - self._clock()) > 0:
            raise RateLimited(
                f"{what}: not asked, as Zhihu refused before: {refusal.message}",
                kind=refusal.kind,
                retry_after=wait,
            )
        signed_out = self._signed_out.get((site, page_kind))
        if signed_out is not None and signed_out[0] == file.version():
            raise session_needed(f"{what}: not asked again", signed_out[1], site, file)

    def note(
        self,
        page: ParsedPage,
        *,
        site: str,
        page_kind: str,
        file: SessionFile,
        what: str,
        headers: Mapping[str, str],
    ) -> ScrapeError:
        """The error of a page that is no content, remembered where it concerns others too."""
        kind, said = page.failure_kind or str(page.outcome), page.message or str(page.outcome)
        message = f"{what}: {said} ({kind})"
        match page.outcome:
            case PageOutcome.LOGIN_REQUIRED:
                self._signed_out[site, page_kind] = (file.version(), f"{said} ({kind})")
                return session_needed(message, "", site, file, kind=kind)
            case PageOutcome.CHALLENGE | PageOutcome.BLOCKED | PageOutcome.RATE_LIMITED:
                wait = RESTRICTED_S if kind in _RESTRICTIONS else REFUSED_S
                wait = max(wait, _retry_after(headers))
                self._refused[site] = _Refusal(self._clock() + wait, kind, f"{said} ({kind})")
                return RateLimited(message, kind=kind, retry_after=wait)
            case PageOutcome.NOT_FOUND:
                return PermanentError(message, kind="not_found")
            case PageOutcome.EMPTY_SUSPECT:
                return BlockedError(message, kind=kind)
        return TransientError(message, kind=kind)


def session_needed(
    message: str, said: str, site: str, file: SessionFile, *, kind: str = "login_required"
) -> SessionNeeded:
    """The error that names the session file and how to make it."""
    how = _HOW.format(path=file.path or "zhihu-session.json", site=site, now=file.path)
    told = f"{message}: {said}" if said else message
    return SessionNeeded(f"{told}. {how}", kind=kind, path=file.path, version=file.version())


def _retry_after(headers: Mapping[str, str]) -> float:
    given = headers.get("retry-after", "").strip()
    return min(float(given), _LONGEST_WAIT_S) if given.isascii() and given.isdigit() else 0.0
