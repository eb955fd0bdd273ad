"""What is sent to a site beside the address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from hotstream_reactive.errors import TransientError

_KEEPING_METHOD = frozenset({307, 308})
# With a Retry-After these say that the request was not taken and should come later.
_NOT_TAKEN = frozenset({429, 503})


class Question(NamedTuple):
    """A request without its address: with a `body` it is a POST.

    `repeatable` says whether asking twice does no harm.
    """

    headers: Mapping[str, str] = {}
    body: bytes | None = None
    repeatable: bool = True

    @property
    def method(self) -> str:
        """The HTTP method."""
        return "GET" if self.body is None else "POST"

    def may_follow_answer(self, status: int, retry_after: str | None) -> bool:
        """Whether it may be sent again after an answer of this status."""
        return self.repeatable or (status in _NOT_TAKEN and bool(retry_after))

    def may_follow_error(self, error: TransientError) -> bool:
        """Whether it may be sent again after a fault: for sure when nothing reached the site."""
        return self.repeatable or error.kind == "connect"

    def redirected(self, status: int, target: str, *, leaves: bool) -> Question:
        """The question to send to the target of a redirect.

        Raises:
            TransientError: (`redirects`) the body would go to another scheme, host or port.
        """
        if self.body is None:
            return self
        if status not in _KEEPING_METHOD:
            kept = {k: v for k, v in self.headers.items() if k.lower() != "content-type"}
            return Question(kept)
        if leaves:
            raise TransientError(
                f"what was sent shall be sent to {target} instead, which is not done by itself; "
                "if that is right, let the configured address begin so",
                kind="redirects",
            )
        return self
