"""How a contract fails and skips without importing pytest before a test runs."""

from __future__ import annotations

from typing import NoReturn


def demand(fulfilled: object, otherwise: str) -> None:
    """Fail the test with these words; unlike `assert` also under ``python -O``.

    Raises:
        AssertionError: the contract is broken.
    """
    if not fulfilled:
        raise AssertionError(otherwise)


def skip(why: str) -> NoReturn:
    """End the test as one that does not apply."""
    import pytest

    pytest.skip(why)
