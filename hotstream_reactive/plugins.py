"""The registry of platforms, extractors and storages: built in, installed, or a file.

Sources, in the order in which they may take a name: HotStream's own, installed distributions by
name (entry points `hotstream.platforms`, `hotstream.extractors`, `hotstream.storages`), files of
`plugins.plugin_dirs` by path. A later plugin cannot replace an earlier one of the same name.

Every ``*.py`` of a plugin directory whose name does not begin with ``_`` is imported, and each
public class it defines with one of the three bases is registered under the first of these:

1. its attribute `platform_name` (platforms, extractors), `storage_type` (storages), or `name`;
2. an extractor: the platform of the same file, if that is exactly one;
3. its class name in lower case without the ending `PlatformAdapter`, `Adapter`, `DataExtractor`,
   `Extractor`, `StorageAdapter` or `Storage`: ``MyDataExtractor`` is ``my``.

A plugin that fails is named in `Registry.broken` and left out; the others live.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from hotstream_reactive.errors import PluginError
from hotstream_reactive.extractors.base import DataExtractor
from hotstream_reactive.platforms.base import PlatformAdapter
from hotstream_reactive.settings import NAME_PATTERN
from hotstream_reactive.storages.base import StorageAdapter
from hotstream_reactive.text import clean, redact

DISTRIBUTION = "hotstream-reactive"
PLATFORMS, EXTRACTORS, STORAGES = (
    "hotstream.platforms",
    "hotstream.extractors",
    "hotstream.storages",
)

#: The entry points of `pyproject.toml`, for a checkout that is not installed.
BUILT_IN = {
    PLATFORMS: {
        "twitter": "hotstream_reactive.platforms.twitter:TwitterAdapter",
        "medium": "hotstream_reactive.platforms.medium:MediumAdapter",
        "juejin": "hotstream_reactive.platforms.juejin:JuejinAdapter",
        "zhihu": "hotstream_reactive.platforms.zhihu:ZhihuAdapter",
    },
    EXTRACTORS: {
        "twitter": "hotstream_reactive.extractors.twitter:TwitterExtractor",
        "medium": "hotstream_reactive.extractors.medium:MediumExtractor",
        "juejin": "hotstream_reactive.extractors.juejin:JuejinExtractor",
        "zhihu": "hotstream_reactive.extractors.zhihu:ZhihuExtractor",
    },
    STORAGES: {
        "mongodb": "hotstream_reactive.storages.mongodb:MongoStorage",
        "json": "hotstream_reactive.storages.json:JsonStorage",
        "jsonl": "hotstream_reactive.storages.jsonl:JsonLinesStorage",
        "csv": "hotstream_reactive.storages.csv:CsvStorage",
    },
}

_BASES: dict[str, type] = {
    PLATFORMS: PlatformAdapter,
    EXTRACTORS: DataExtractor,
    STORAGES: StorageAdapter,
}
_NAME_ATTRIBUTES = {
    PLATFORMS: ("platform_name", "name"),
    EXTRACTORS: ("platform_name", "name"),
    STORAGES: ("storage_type", "name"),
}
_ENDING = re.compile(
    r"(?<=.)(PlatformAdapter|StorageAdapter|Adapter|DataExtractor|Extractor|Storage)$"
)


class BrokenPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin that was left out.

    `group` is the entry point group, or "" when a file or directory as a whole is broken. `origin`
    is the distribution or the path.
    """

    name: str
    group: str
    origin: str
    reason: str

    def __str__(self) -> str:
        kind = self.group.removeprefix("hotstream.").removesuffix("s") or "plugin"
        return f"{kind} {self.name!r} of {self.origin} is left out: {self.reason}"


class Registry(msgspec.Struct, kw_only=True):
    """What tasks can name, by that name, and what could not be loaded."""

    platforms: dict[str, type[PlatformAdapter]] = {}
    extractors: dict[str, type[DataExtractor]] = {}
    storages: dict[str, type[StorageAdapter]] = {}
    broken: list[BrokenPlugin] = []


def load_plugins(plugin_dirs: Sequence[Path] = ()) -> Registry:
    """Load all plugins; never fails because of one.

    Args:
        plugin_dirs: directories of plugin files; their code runs in this process.
    """
    loader = _Loader()
    for entry in _entries():
        loader.add_entry(entry)
    seen: set[Path] = set()
    for directory in plugin_dirs:
        for file in loader.files(Path(directory).expanduser()):
            if file.resolve() not in seen:
                seen.add(file.resolve())
                loader.add_file(file)
    return loader.registry


def _entries() -> list[EntryPoint]:
    """All entry points, ours first; the table stands in where the package is not installed."""
    found = [entry for group in _BASES for entry in entry_points(group=group)]
    if not any(_origin(entry) == DISTRIBUTION for entry in found):
        found += [
            EntryPoint(name=name, value=value, group=group)
            for group, names in BUILT_IN.items()
            for name, value in names.items()
        ]
    return sorted(found, key=lambda e: (_origin(e) != DISTRIBUTION, _origin(e), e.group, e.name))


def _origin(entry: EntryPoint) -> str:
    """The distribution of an entry point in its normal form."""
    name = entry.dist.name if entry.dist else DISTRIBUTION
    return re.sub(r"[-_.]+", "-", name).lower()


class _Loader:
    def __init__(self) -> None:
        self.registry = Registry()
        self._taken: dict[tuple[str, str], str] = {}
        self._names: dict[str, dict[str, Any]] = {
            PLATFORMS: self.registry.platforms,
            EXTRACTORS: self.registry.extractors,
            STORAGES: self.registry.storages,
        }

    def add_entry(self, entry: EntryPoint) -> None:
        """Load one entry point."""
        self._attempt(
            entry.name,
            entry.group,
            _origin(entry),
            lambda: self._register(entry.name, entry.group, _origin(entry), entry.load()),
        )

    def files(self, directory: Path) -> list[Path]:
        """The plugin files of a directory, by name."""
        try:
            return sorted(
                file
                for file in directory.iterdir()
                if file.suffix == ".py" and not file.name.startswith("_") and file.is_file()
            )
        except OSError as error:
            reason = f"{error.strerror or error}; mend [plugins] plugin_dirs"
            self._leave_out(directory.name, "", str(directory), reason)
            return []

    def add_file(self, file: Path) -> None:
        """Import one file and register the classes it defines."""
        self._attempt(file.stem, "", str(file), lambda: self._add_classes(file))

    def _add_classes(self, file: Path) -> None:
        module = _import(file)
        found = [(group, cls) for group, base in _BASES.items() for cls in _defined(module, base)]
        if not found:
            raise PluginError(
                "defines no PlatformAdapter, DataExtractor or StorageAdapter; "
                "begin the name of a helper with _"
            )
        platforms = [_name(cls, group) for group, cls in found if group == PLATFORMS]
        only = platforms[0] if len(platforms) == 1 else ""
        for group, cls in found:
            name = _name(cls, group, only if group == EXTRACTORS else "")
            register = functools.partial(self._register, name, group, str(file), cls)
            self._attempt(name, group, str(file), register)

    def _attempt(self, name: str, group: str, origin: str, step: Callable[[], None]) -> None:
        """Do the step; note the plugin as broken when it fails, whatever it raises."""
        try:
            step()
        except KeyboardInterrupt:
            raise
        except PluginError as error:
            self._leave_out(name, group, origin, str(error))
        except BaseException as error:  # a plugin may call sys.exit
            reason = "".join(traceback.format_exception_only(error)).strip()
            self._leave_out(name, group, origin, reason)

    def _leave_out(self, name: str, group: str, origin: str, reason: str) -> None:
        self.registry.broken.append(
            BrokenPlugin(
                name=clean(name),
                group=group,
                origin=clean(origin),
                reason=clean(redact(reason), 500),
            )
        )

    def _register(self, name: str, group: str, origin: str, cls: Any) -> None:
        check(name, group, cls)
        if taken := self._taken.get((group, name)):
            raise PluginError(f"the name is already taken by {taken}; give it another")
        if group == PLATFORMS and not hasattr(cls, "platform_name"):
            cls.platform_name = name
        self._taken[group, name] = origin
        self._names[group][name] = cls


def check(name: str, group: str, cls: Any) -> None:
    """Hold a class against the contract of its group.

    Raises:
        PluginError: says what it lacks.
    """
    base = _BASES[group]
    if not re.search(NAME_PATTERN, name):
        raise PluginError("a name is made of 1 to 64 letters, digits, _ and -")
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise PluginError(f"{cls!r} is no subclass of {base.__module__}.{base.__qualname__}")
    if left := sorted(getattr(cls, "__abstractmethods__", ())):
        raise PluginError(f"class {cls.__qualname__} lacks the methods {', '.join(left)}")
    for method in ("search", "monitor_accounts"):
        if inspect.iscoroutinefunction(getattr(cls, method, None)):
            raise PluginError(
                f"{cls.__qualname__}.{method} must be an async generator: `yield` each item"
            )


def _import(file: Path) -> ModuleType:
    """Import a file under a name of its own, so that equal file names never meet."""
    digest = hashlib.sha256(str(file.resolve()).encode("utf-8", "surrogateescape")).hexdigest()
    name = f"_hotstream_plugin_{digest[:16]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise PluginError("Python does not know how to import this file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses, msgspec and pickle look their module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _defined(module: ModuleType, base: type) -> Iterator[type]:
    """The public subclasses of `base` which the module itself defines, in order."""
    # By `type`, as `isinstance` asks the object itself, and proxies answer with an exception.
    classes = [value for value in vars(module).values() if issubclass(type(value), type)]
    for cls in dict.fromkeys(classes):
        is_own = cls.__module__ == module.__name__ and not cls.__name__.startswith("_")
        if is_own and issubclass(cls, base):
            yield cls


def _name(cls: type, group: str, otherwise: str = "") -> str:
    for attribute in _NAME_ATTRIBUTES[group]:
        value = getattr(cls, attribute, None)
        if isinstance(value, str) and value:
            return value
    return otherwise or _ENDING.sub("", cls.__name__).lower()
