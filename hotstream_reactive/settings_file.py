"""Load the settings: defaults < `config.toml` < environment < flags.

Every problem of every source is gathered and reported in one `ConfigError`.
"""

from __future__ import annotations

import difflib
import json
import operator
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
import tomli
from msgspec import Struct, structs

from hotstream_reactive.errors import ConfigError
from hotstream_reactive.settings import (
    NAME_PATTERN,
    PLATFORM_DEFAULTS,
    PlatformSettings,
    Settings,
    redacted,
)
from hotstream_reactive.text import clean

PREFIX = "HOTSTREAM_"
#: Variables of the original's compose files; the `HOTSTREAM_` twin wins over them.
ALIASES = {
    "MONGODB_URI": "mongodb.uri",
    "MONGODB_DATABASE": "mongodb.database",
    "WORKER_ID": "framework.worker_id",
}
#: What Kubernetes and Docker links inject for a service called, say, `hotstream-mongodb`.
_SERVICE_VARIABLE = re.compile(
    r"(^|_)(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$"
)
_WORDS = {"true": True, "yes": True, "on": True, "1": True}
_WORDS |= {"false": False, "no": False, "off": False, "0": False}
_PLATFORMS = "platforms"
#: (smaller key, times, larger key, why)
_AT_LEAST = (
    (
        "scheduler.heartbeat_interval",
        2,
        "scheduler.zombie_timeout",
        "or living workers lose their tasks",
    ),
    ("scheduler.retry_base_delay", 1, "scheduler.retry_max_delay", "as the delay only grows"),
)


class LoadedSettings(Struct, frozen=True, kw_only=True):
    """The settings and where each of them comes from.

    `sources` maps every dotted key to ``default``, the path of the file, the name of the variable,
    or ``flag``. `path` is the file read, None when there was none.
    """

    settings: Settings
    sources: Mapping[str, str]
    path: Path | None


def load(
    path: Path | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    overrides: Mapping[str, Any] = {},
) -> LoadedSettings:
    """Read the settings from all their sources.

    Args:
        path: the file; None means the one named by `HOTSTREAM_CONFIG`, else `config.toml` in the
            working directory if there is one, else no file.
        environ: `HOTSTREAM_<SECTION>_<KEY>` and the names in `ALIASES`; an empty value is not set.
        overrides: flags by dotted key, e.g. ``{"mongodb.uri": "mongodb://…"}``; None is not given.
            Texts are read like those of the environment.

    Raises:
        ConfigError: lists every wrong or unknown setting, where it stands, what is expected and
            what to do. Secrets are not in it.
    """
    sources = _Sources()
    file, named_by = _find_file(path, environ)
    if file is not None:
        sources.add_file(file, named_by)
    sources.add_environment(environ)
    for key, value in overrides.items():
        if value is not None:
            sources.add("flag", f"flag {key}", key, value, from_text=isinstance(value, str))
    settings = sources.assemble()
    return LoadedSettings(settings=settings, sources=sources.origins(settings), path=file)


def problem_with(place: str, key: str, value: Any) -> str:
    """What is wrong with a value for a key, "" when it can be used.

    `place` is how the reader finds it; no secret is in the answer.
    """
    sources = _Sources()
    sources.add("", place, key, value, from_text=False)
    return "".join(sources.problems)


def _find_file(path: Path | None, environ: Mapping[str, str]) -> tuple[Path | None, str]:
    if path is not None:
        return path, "the command line"
    if named := environ.get("HOTSTREAM_CONFIG"):
        return Path(named), "HOTSTREAM_CONFIG"
    local = Path("config.toml")
    return (local, "the working directory") if local.is_file() else (None, "")


def _leaves(struct: type[Struct], prefix: str = "") -> dict[str, structs.FieldInfo]:
    """All keys below a table by dotted name; any platform is called ``*``."""
    found: dict[str, structs.FieldInfo] = {}
    for field in structs.fields(struct):
        if field.name == _PLATFORMS:
            found |= _leaves(PlatformSettings, f"{_PLATFORMS}.*.")
        elif isinstance(field.type, type) and issubclass(field.type, Struct):
            found |= _leaves(field.type, f"{prefix}{field.name}.")
        else:
            found[prefix + field.name] = field
    return found


FIELDS = _leaves(Settings)
_ANY_PLATFORM = f"{_PLATFORMS}.*."
_KEYS = [key for key in FIELDS if not key.startswith(_ANY_PLATFORM)]
_PLATFORM_KEYS = [key.removeprefix(_ANY_PLATFORM) for key in FIELDS if key not in _KEYS]
_SECTIONS = Settings.__struct_fields__
_TABLES = {key[: dot.start()] for key in FIELDS for dot in re.finditer(r"\.", key)}
_OUR_VARIABLE = re.compile(rf"{PREFIX}_*((?:{'|'.join(_SECTIONS).upper()})(?:_.*)?)", re.DOTALL)


def _shape(key: str) -> str:
    """The key with ``*`` in place of a platform's name."""
    section, _, rest = key.partition(".")
    name, dot, inner = rest.partition(".")
    is_platform = section == _PLATFORMS and re.search(NAME_PATTERN, name)
    return f"{_PLATFORMS}.*{dot}{inner}" if is_platform else key


def _known(table: str) -> list[str]:
    """The names of the keys and tables directly inside a table, "" being the whole file."""
    prefix = f"{_shape(table)}." if table else ""
    below = (key.removeprefix(prefix) for key in FIELDS if key.startswith(prefix))
    return list(dict.fromkeys(key.partition(".")[0] for key in below))


class _Sources:
    """Gathers values and problems from one source after the other; later values stand."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.origin: dict[str, str] = {}
        self.places: dict[str, str] = {}
        self.refused: set[str] = set()
        self.problems: list[str] = []

    def add(self, origin: str, place: str, key: str, value: Any, *, from_text: bool) -> None:
        """Take one value; `place` is how the operator finds it, e.g. a variable's name."""
        field = FIELDS.get(_shape(key))
        if field is None:
            remedy = _did_you_mean(key, _KEYS) or "; remove it"
            self.problems.append(f"{place}: no such setting{remedy}")
            return
        try:
            self.values[key] = _convert(value, field.type, from_text=from_text)
        except (ValueError, RecursionError):
            self.refused.add(key)
            default = _default(key, field)
            self.problems.append(
                f"{place} = {_shown(key, value)}: expected {expected(field.type)}; change it, or "
                f"remove it for the default {_shown(key, default)}"
                f"{_did_you_mean(value, _choices(field.type))}"
            )
        else:
            self.origin[key], self.places[key] = origin, place

    def add_file(self, file: Path, named_by: str) -> None:
        """Take the values of a TOML file."""
        try:
            # Editors on Windows put a byte order mark before UTF-8.
            tree = tomli.loads(file.read_bytes().decode("utf-8-sig"))
        except OSError as error:
            self.problems.append(
                f"{file} (named by {named_by}): {error.strerror or error}; "
                "create it, name another file, or name none to use the defaults"
            )
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            self.problems.append(f"{file}: line {line} is not UTF-8; save the file as UTF-8")
        except (tomli.TOMLDecodeError, RecursionError) as error:
            self.problems.append(
                f"{file}: not valid TOML: {error}; "
                'texts need quotes, tables look like [scheduler], lists like ["a", "b"]'
            )
        else:
            self._add_table(file, "", tree)

    def _add_table(self, file: Path, table: str, content: Mapping[str, Any]) -> None:
        for name, value in content.items():
            key = f"{table}.{name}" if table else name
            place = f"{file}: [{table}] {name}" if table else f"{file}: {name}"
            known = re.search(NAME_PATTERN, name) if table == _PLATFORMS else name in _known(table)
            if known and _shape(key) not in _TABLES:
                self.add(str(file), place, key, value, from_text=False)
            elif known and isinstance(value, dict):
                self._add_table(file, key, value)
            elif known:
                self.problems.append(f"{place}: expected a table; write [{key}] and keys below it")
            elif table == _PLATFORMS:
                self.problems.append(
                    f"{place}: a platform's name is made of 1 to 64 letters, digits, _ and -; "
                    "rename it"
                )
            else:
                # The value is not shown: a mistyped `password` is no less secret.
                self.problems.append(f"{place}: no such key or table{_remedy(table, name)}")

    def add_environment(self, environ: Mapping[str, str]) -> None:
        """Take the values of the environment; foreign variables with our prefix are left alone."""
        given = {name: value for name, value in sorted(environ.items()) if value.strip()}
        for name, key in ALIASES.items():
            if name in given:
                self.add(name, f"environment variable {name}", key, given[name], from_text=True)
        in_file = [key.split(".")[1] for key in self.values if key.startswith(f"{_PLATFORMS}.")]
        spelled = {flat(platform): platform for platform in in_file}
        for name, value in given.items():
            ours = _OUR_VARIABLE.fullmatch(name)
            if ours is None or _SERVICE_VARIABLE.search(name):
                continue
            place = f"environment variable {name}"
            if setting := _key_of_variable(ours[1].lower(), spelled):
                self.add(name, place, setting, value, from_text=True)
            else:
                remedy = _did_you_mean(name, _variables(ours[1])) or "; remove it"
                self.problems.append(f"{place}: no such setting{remedy}")

    def assemble(self) -> Settings:
        """The settings, once everything is in.

        Raises:
            ConfigError: there are problems.
        """
        named = {key.split(".")[1] for key in self.values if key.startswith(f"{_PLATFORMS}.")}
        own = {p: msgspec.to_builtins(PLATFORM_DEFAULTS[p]) for p in named & {*PLATFORM_DEFAULTS}}
        tree: dict[str, Any] = {_PLATFORMS: own}
        for key, value in self.values.items():
            *tables, name = key.split(".")
            node = tree
            for table in tables:
                node = node.setdefault(table, {})
            node[name] = value
        settings = msgspec.convert(tree, Settings)
        for low, times, high, why in _AT_LEAST:
            if not {low, high} & self.refused:
                self._compare(settings, low, times, high, why)
        if self.problems:
            count = len(self.problems)
            title = "a setting cannot be used:" if count == 1 else f"{count} problems in settings:"
            raise ConfigError("\n  ".join([title, *(clean(p, 1000) for p in self.problems)]))
        return settings

    def _compare(self, settings: Settings, low: str, times: int, high: str, why: str) -> None:
        small, large = (operator.attrgetter(key)(settings) for key in (low, high))
        if small * times > large:
            where = (
                self.places.get(key, f"[{key.replace('.', '] ')} (default)") for key in (low, high)
            )
            self.problems.append(
                f"{next(where)} = {small:g} with {next(where)} = {large:g}: expected a {high} of "
                f"at least {times} x {low}, {why}; raise {high} or lower {low}"
            )

    def origins(self, settings: Settings) -> dict[str, str]:
        """Where each key comes from, in the order of the settings."""
        platforms = (
            f"{_PLATFORMS}.{p}.{key}" for p in settings.platforms for key in _PLATFORM_KEYS
        )
        return {key: self.origin.get(key, "default") for key in (*_KEYS, *platforms)}


def _remedy(table: str, name: str) -> str:
    known = _known(table)
    elsewhere = [f"[{k.rpartition('.')[0]}]" for k in _KEYS if k.endswith(f".{name}")]
    if elsewhere:
        return f"; it belongs to {' or '.join(elsewhere)}"
    return _did_you_mean(name, known) or f"; remove it (known: {', '.join(known)})"


def _default(key: str, field: structs.FieldInfo) -> Any:
    section, _, rest = key.partition(".")
    name, _, inner = rest.partition(".")
    if section == _PLATFORMS and name in PLATFORM_DEFAULTS:
        return operator.attrgetter(inner)(PLATFORM_DEFAULTS[name])
    empty = field.default_factory
    return field.default if empty is msgspec.NODEFAULT else empty()


def flat(key: str) -> str:
    """A key as it stands in the name of a variable, in lower case."""
    return re.sub(r"\W", "_", key).lower()


def _key_of_variable(rest: str, spelled: Mapping[str, str]) -> str | None:
    """The dotted key for a variable's name without prefix, in lower case.

    A platform is spelled as in the file (`my-site` for `MY_SITE`), else in lower case.
    """
    section, *tables = rest.split("__")
    if section == _PLATFORMS and tables:
        tables[0] = spelled.get(tables[0], tables[0])
    exact = ".".join([section, *tables])
    if _shape(exact) in FIELDS:
        return exact
    rest = rest.replace("__", "_")
    if not rest.startswith(f"{_PLATFORMS}_"):
        return next((key for key in _KEYS if flat(key) == rest), None)
    for key in sorted(_PLATFORM_KEYS, key=len, reverse=True):
        name = rest.removeprefix(f"{_PLATFORMS}_").removesuffix(f"_{flat(key)}")
        if name and rest == f"{_PLATFORMS}_{name}_{flat(key)}":
            return f"{_PLATFORMS}.{spelled.get(name, name)}.{key}"
    return None


def _variables(rest: str) -> Iterator[str]:
    """Names of variables that may have been meant."""
    words = rest.split("_")
    for key in FIELDS:
        for end in range(2, len(words)) if "*" in key else [0]:
            yield PREFIX + flat(key.replace("*", "_".join(words[1:end]))).upper()


def _convert(value: Any, kind: Any, *, from_text: bool) -> Any:
    """The value as its type wants it.

    Raises:
        ValueError: it is not of that type or not allowed.
    """
    if isinstance(value, str):
        by_case = {choice.casefold(): choice for choice in _choices(kind)}
        value = by_case.get(value.strip().casefold(), value)
        bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
        if from_text and (bare is bool or bool in get_args(bare)):
            value = _WORDS.get(value.strip().lower(), value)
        elif from_text and get_origin(bare) in (list, dict):
            value = _structure(value.strip(), is_list=get_origin(bare) is list)
        elif from_text:
            return msgspec.convert(value.strip(), kind, strict=False)
    return msgspec.convert(value, kind)


def _structure(text: str, *, is_list: bool) -> Any:
    """A list or table given as TOML, or a list given with commas."""
    if text.startswith(("[", "{")):
        return tomli.loads(f"value = {text}")["value"]
    return [part.strip() for part in text.split(",") if part.strip()] if is_list else text


def expected(kind: Any) -> str:
    """What a value of this type may be, in words."""
    for note in getattr(kind, "__metadata__", ()):
        if note.description:
            return str(note.description)
    if choices := _choices(kind):
        return "one of " + ", ".join(choices)
    words = {bool: "true or false", str: "a text in quotes"}
    return words.get(kind, "a table")


def _choices(kind: Any) -> tuple[str, ...]:
    return get_args(kind) if get_origin(kind) is Literal else ()


def _shown(key: str, value: Any) -> str:
    """A value for a message, without secrets and of bounded length."""
    if key == "mongodb.uri" and value:
        return "(not shown)"
    return clean(json.dumps(redacted(key, value), ensure_ascii=False, default=str), 80)


def _did_you_mean(given: object, known: Iterable[str]) -> str:
    candidates = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(str(given).casefold(), candidates, n=1, cutoff=0.7)
    return f"; did you mean {candidates[close[0]]}?" if close else ""
