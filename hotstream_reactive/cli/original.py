"""The configuration of the original HotStream, key by key, as settings of this one.

The table is that of docs/migration.md. Nothing is guessed: what has no counterpart, cannot be used,
or may hold a secret is left out and named with the reason, never with its value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Any, NamedTuple

from hotstream_reactive.errors import ConfigError
from hotstream_reactive.settings import NAME_PATTERN, redacted
from hotstream_reactive.settings_file import problem_with
from hotstream_reactive.text import clean

#: Aliases of YAML can make a short file into an endless tree.
_MOST_VALUES = 10_000
#: What TOML can hold, besides tables and lists.
_PLAIN = (str, bool, int, float, datetime, date, time)
#: An integer of TOML has 64 bits.
_WIDEST = 2**63

_SAME = {
    "framework.log_level",
    "mongodb.uri",
    "mongodb.database",
    "scheduler.check_interval",
    "scheduler.max_concurrent_tasks",
    "storage.default_type",
    "storage.output_dir",
    "platforms.*.enabled",
    "platforms.*.rate_limit.requests_per_minute",
    "platforms.*.config",
    "plugins.plugin_dirs",
    "monitoring.log_file",
    "monitoring.log_rotation",
    "monitoring.log_retention",
}
_RENAMED = {
    "crawler.user_agent": "fetch.user_agent",
    "crawler.timeout": "fetch.timeout",
    "crawler.retry_count": "fetch.retries",
}


class Gone(NamedTuple):
    """A key of the original without a counterpart, and what to do instead."""

    reason: str


class LeftOut(NamedTuple):
    """A key that is not in the result, dotted, and why."""

    key: str
    reason: str


class Imported(NamedTuple):
    """The settings as a tree for TOML, and what is missing in it."""

    settings: dict[str, Any]
    left_out: list[LeftOut]


_GONE = {
    "framework.name": Gone(reason="is gone"),
    "framework.version": Gone(reason="is gone"),
    "mongodb.enabled": Gone(reason="is gone: there is always a database"),
    "mongodb.password": Gone(reason="belongs into the address, in MONGODB_URI in the environment"),
    "scheduler.enabled": Gone(
        reason="is gone: a worker that shall not work is not started, or paused with "
        "hotstream pause"
    ),
    "storage.compression": Gone(reason="has no counterpart"),
    "crawler.delay_range": Gone(
        reason="has no counterpart: set platforms.<name>.rate_limit.requests_per_minute"
    ),
    "crawler.concurrent_requests": Gone(
        reason="has no counterpart: set platforms.<name>.max_running, for the whole fleet"
    ),
    "platforms.*.rate_limit.requests_per_hour": Gone(
        reason="has no counterpart: the pace of a minute holds all the time"
    ),
    "plugins.auto_discover": Gone(reason="is gone: entry points are always looked at"),
    "security.proxy_rotation": Gone(
        reason="is gone: the proxies in fetch.proxies are used in turn as soon as there are several"
    ),
    "security.encrypt_credentials": Gone(reason="has no counterpart"),
    "security.user_agent_rotation": Gone(reason="has no counterpart"),
    "monitoring.enabled": Gone(
        reason="is gone: monitoring.metrics_address shows the figures, see docs/metrics.md"
    ),
    "monitoring.metrics_interval": Gone(
        reason="is gone: Prometheus asks when it wants to, see docs/metrics.md"
    ),
}
_SPECIAL = {"framework.debug", "security.respect_robots_txt"}
_UNKNOWN = Gone(reason="is no key of the original; set it by hand if it is one of here")
_NO_TABLE = Gone(reason="should hold keys and does not")
_NO_BOOLEAN = Gone(reason="is neither true nor false")
_NO_NAME = Gone(reason="a platform's name is made of 1 to 64 letters, digits, _ and -")
_NO_PLATFORM = Gone(
    reason="holds for each platform here, and none is named: set platforms.<name>.respect_robots"
)
_URI = Gone(reason="may hold a password; set MONGODB_URI in the environment")
_SECRET = Gone(reason="may hold a secret; set it in the environment, or write it by hand")
_NOT_IN_TOML = Gone(reason="holds a value that TOML cannot: null, bytes, a set or a huge number")
_TABLES = {
    key[: dot.start()]
    for key in {*_SAME, *_RENAMED, *_GONE, *_SPECIAL}
    for dot in re.finditer(r"\.", key)
}


def convert(document: Any) -> Imported:
    """The settings of a configuration of the original.

    Args:
        document: what the YAML holds.

    Raises:
        ConfigError: it is no table of settings, or without end.
    """
    if not isinstance(document, Mapping):
        raise ConfigError("holds no table of settings; name the YAML file of the original")
    _measure(document)
    importer = _Importer()
    for key, value in importer.leaves("", document):
        importer.take(key, value)
    importer.finish()
    return Imported(importer.settings, importer.left_out)


def _measure(document: Any) -> None:
    """Refuse what would not come to an end."""
    waiting, seen = [document], 0
    while waiting:
        node = waiting.pop()
        seen += 1
        if seen > _MOST_VALUES:
            raise ConfigError(f"holds more than {_MOST_VALUES} values; is it the right file?")
        if isinstance(node, Mapping):
            waiting += node.values()
        elif isinstance(node, list | tuple | set):
            waiting += node


class _Importer:
    def __init__(self) -> None:
        self.settings: dict[str, Any] = {}
        self.left_out: list[LeftOut] = []
        self._platforms: list[str] = []
        self._respect_robots: Any = None

    def leaves(self, table: str, content: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
        """The keys with their values; a key without a value is not set, as in the original."""
        for name, value in content.items():
            key = f"{table}.{name}" if table else str(name)
            # A dot in a name would look like a table: there is no such key.
            shape = "" if "." in str(name) else _shape(key)
            if value is None:
                continue
            if table == "platforms" and not re.search(NAME_PATTERN, str(name)):
                self._leave(key, _NO_NAME)
            elif shape not in _TABLES:
                yield (key, value) if shape else (f"{table}.{name!r}".lstrip("."), value)
            elif isinstance(value, Mapping):
                if table == "platforms":
                    self._platforms.append(str(name))
                yield from self.leaves(key, value)
            else:
                self._leave(key, _NO_TABLE)

    def take(self, key: str, value: Any) -> None:
        """Take one key of the original."""
        shape = _shape(key)
        if shape == "framework.debug":
            if value is True:
                self._set("framework.log_level", "DEBUG")
            elif value is not False:
                self._leave(key, _NO_BOOLEAN)
        elif shape == "security.respect_robots_txt":
            self._respect_robots = value
        elif shape == "platforms.*.config" and isinstance(value, Mapping):
            if kept := self._table(key, value):
                self._set(key, kept)
        elif shape in _SAME or shape in _RENAMED:
            self._move(key, _RENAMED.get(shape, key), value)
        else:
            self._leave(key, _GONE.get(shape, _UNKNOWN))

    def finish(self) -> None:
        """What needs to know all the rest."""
        if self._respect_robots is None:
            return
        for name in self._platforms:
            self._move(
                "security.respect_robots_txt",
                f"platforms.{name}.respect_robots",
                self._respect_robots,
            )
        if not self._platforms:
            self._leave("security.respect_robots_txt", _NO_PLATFORM)

    def _move(self, key: str, target: str, value: Any) -> None:
        problem = problem_with(key, target, value)
        if problem:
            self._leave(key, Gone(problem.removeprefix(key).lstrip(" =")))
        elif not _fits(value):
            self._leave(key, _NOT_IN_TOML)
        elif redacted(target, value) != value:
            self._leave(key, _URI if target == "mongodb.uri" else _SECRET)
        elif target != "framework.log_level" or "log_level" not in self._section("framework"):
            self._set(target, value)

    def _table(self, key: str, content: Mapping[Any, Any]) -> dict[str, Any]:
        """What may stand in the free table of a platform."""
        kept = {}
        for name, value in content.items():
            inner = f"{key}.{name}"
            if redacted(str(name), value) != value:
                self._leave(inner, _SECRET)
            elif isinstance(name, str) and _fits(value):
                kept[name] = value
            else:
                self._leave(inner, _NOT_IN_TOML)
        return kept

    def _section(self, name: str) -> dict[str, Any]:
        section: dict[str, Any] = self.settings.get(name, {})
        return section

    def _set(self, key: str, value: Any) -> None:
        *tables, name = key.split(".")
        node = self.settings
        for table in tables:
            node = node.setdefault(table, {})
        node[name] = value

    def _leave(self, key: str, why: Gone) -> None:
        left = LeftOut(clean(key, 100), why.reason)
        if left not in self.left_out:
            self.left_out.append(left)


def _shape(key: str) -> str:
    """The key with ``*`` in place of a platform's name."""
    section, _, rest = key.partition(".")
    _, dot, inner = rest.partition(".")
    return f"platforms.*{dot}{inner}" if section == "platforms" and rest else key


def _fits(value: Any) -> bool:
    """Whether TOML can hold the value, all the way down."""
    if isinstance(value, Mapping):
        return all(isinstance(name, str) and _fits(inner) for name, inner in value.items())
    if isinstance(value, list):
        return all(map(_fits, value))
    if isinstance(value, str):
        return value == value.encode("utf-8", "replace").decode()
    if isinstance(value, int):
        return -_WIDEST <= value < _WIDEST
    return isinstance(value, _PLAIN) and not (isinstance(value, float) and math.isnan(value))
