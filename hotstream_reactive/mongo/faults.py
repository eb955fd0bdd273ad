"""The driver's exceptions, translated into HotStream's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from bson.errors import BSONError
from pymongo import errors as driver

from hotstream_reactive.errors import (
    DatabaseError,
    DatabaseRefused,
    DatabaseUnavailable,
    HotStreamError,
)
from hotstream_reactive.text import clean

_NOISE = re.compile(r" \(configured timeouts|, Timeout: |, full error: ")
#: Unauthorized, AuthenticationFailed, and Atlas' own code for the latter.
_REFUSED = frozenset({13, 18, 8000})
#: The operation went beyond its deadline; whether it was applied is unknown.
_LATE = frozenset({50, 64, 262})


def translate(error: driver.PyMongoError, doing: str) -> DatabaseError:
    """Give the error the class that says what to do about it.

    The text is the driver's, without anything that could hold credentials.
    """
    # What follows is the state of every server and every configured time-out, for nobody to read.
    text = clean(_NOISE.split(str(error), maxsplit=1)[0], 300)
    code = getattr(error, "code", None)
    if code in _REFUSED:
        return DatabaseRefused(
            f"MongoDB refused while {doing}: {text} (code {code}). "
            f"Check user, password, authSource and roles in mongodb.uri."
        )
    if isinstance(error, driver.ConnectionFailure | driver.WTimeoutError) or code in _LATE:
        return DatabaseUnavailable(f"MongoDB did not answer while {doing}: {text}")
    if error.timeout:
        return DatabaseUnavailable(f"MongoDB was too slow while {doing}: {text}")
    return DatabaseError(f"MongoDB failed while {doing}: {text} (code {code})")


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Let errors of the driver leave the block as errors of HotStream.

    Raises:
        DatabaseUnavailable, DatabaseRefused, DatabaseError: see `translate`.
    """
    try:
        yield
    except driver.PyMongoError as error:
        raise translate(error, doing) from error
    except (BSONError, OverflowError, UnicodeError) as error:
        raise DatabaseError(
            f"a value cannot be stored while {doing}: {clean(str(error), 300)}"
        ) from error
    except HotStreamError:
        raise
