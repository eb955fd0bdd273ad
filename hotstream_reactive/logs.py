"""The log: one clean line per event, on a stream and, if wanted, in a rotated file.

``2025-05-30T12:38:00.123Z INFO    worker=w1 task=search_001 stored 100 items``

With `framework.log_format = "json"` each line is one JSON object instead, with the same words.

Every message is redacted and cleaned before any sink sees it, whoever wrote it. Tracebacks keep
their lines, each indented, so that no text inside an exception can pass itself off as a log line.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from loguru import logger

from hotstream_reactive.errors import ConfigError
from hotstream_reactive.settings import Settings, redacted
from hotstream_reactive.text import clean, redact

if TYPE_CHECKING:
    from loguru import Record

MESSAGE_LIMIT = 2000  # characters
_ID_LIMIT = 128  # characters
#: What is bound to a line and stands in its JSON under its own name.
_NAMED = ("worker_id", "task_id", "run", "platform", "action")


def configure(settings: Settings, *, stream: TextIO = sys.stderr, worker_id: str = "") -> None:
    """Direct all logging of this process, loguru's and the standard library's, to `stream`.

    `[monitoring] log_file` gets the same lines. Calling it again replaces what was configured.
    Warnings and errors of libraries that use `logging` come through as well.

    Args:
        settings: `framework.log_level`, `log_format` and the `monitoring.log_*` keys are used.
        stream: where lines go; coloured when it is a terminal and `NO_COLOR` is not set.
        worker_id: named in every line unless empty.

    Raises:
        ConfigError: the log file cannot be opened, or its rotation or retention is not understood.
    """
    monitoring = settings.monitoring
    level = settings.framework.log_level
    line = _json_line if settings.framework.log_format == "json" else _line
    logger.remove()
    logger.configure(patcher=_sanitise, extra={"worker_id": worker_id} if worker_id else {})
    logger.add(stream, level=level, format=line, colorize=_is_colourful(stream), diagnose=False)
    if monitoring.log_file:
        try:
            logger.add(
                Path(monitoring.log_file).expanduser(),
                level=level,
                format=line,
                colorize=False,
                diagnose=False,
                rotation=monitoring.log_rotation,
                retention=monitoring.log_retention,
                encoding="utf-8",
            )
        except OSError as error:
            raise ConfigError(
                f"[monitoring] log_file = {monitoring.log_file!r}: {error.strerror or error}; "
                'name a file this user may write, or "" for none'
            ) from error
        except ValueError as error:
            raise ConfigError(
                f"[monitoring] log_rotation = {monitoring.log_rotation!r}, "
                f"log_retention = {monitoring.log_retention!r}: {error}; "
                'use an age ("1 day"), a size ("100 MB") or a time of day ("00:00")'
            ) from error
    root = logging.getLogger()
    if not any(isinstance(handler, _ToLoguru) for handler in root.handlers):
        root.addHandler(_ToLoguru())


def _sanitise(record: Record) -> None:
    record["message"] = clean(redact(record["message"]), MESSAGE_LIMIT)
    for name in ("worker_id", "task_id", "platform"):
        if name in record["extra"]:
            record["extra"][name] = clean(redact(str(record["extra"][name])), _ID_LIMIT)


def _line(record: Record) -> str:
    """The template of one line; loguru fills it in, so nothing from outside may stand in it."""
    parts = ["{time:YYYY-MM-DDTHH:mm:ss.SSS!UTC}Z", "<level>{level: <7}</level>"]
    parts += ["worker={extra[worker_id]}"] if "worker_id" in record["extra"] else []
    parts += ["task={extra[task_id]}"] if "task_id" in record["extra"] else []
    parts += ["{message}"]
    if record["exception"] is not None and record["exception"].value is not None:
        record["extra"]["traceback"] = _traceback(record["exception"].value)
        parts[-1] += "\n{extra[traceback]}"
    return " ".join(parts) + "\n"


def _json_line(record: Record) -> str:
    """The template of one JSON object; its own text stands in `extra`, as loguru fills it in."""
    extra = record["extra"]
    line: dict[str, Any] = {
        "time": record["time"].astimezone(UTC).isoformat(timespec="milliseconds"),
        "level": record["level"].name,
        "message": record["message"],
    }
    line |= {name: extra[name] for name in _NAMED if extra.get(name) not in (None, "")}
    if details := extra.get("details"):
        line["details"] = _plain("", details)
    if record["exception"] is not None and record["exception"].value is not None:
        line["exception"] = _traceback(record["exception"].value)
    extra["json"] = json.dumps(line, ensure_ascii=False)
    return "{extra[json]}\n"


def _plain(name: str, value: Any) -> Any:
    """A value as JSON has it, as clean and without secrets as the lines are."""
    if isinstance(value, Mapping):
        return {str(key): _plain(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(name, inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redacted(name, clean(redact(str(value)), MESSAGE_LIMIT))


def _traceback(error: BaseException) -> str:
    text = redact("".join(traceback.format_exception(error)))
    return "\n".join("    " + clean(line, MESSAGE_LIMIT) for line in text.rstrip().split("\n"))


def _is_colourful(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()


class _ToLoguru(logging.Handler):
    """Hands the records of the standard library's `logging` to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            known = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}
            level = record.levelname if record.levelname in known else record.levelno
            error = record.exc_info[1] if record.exc_info else None
            logger.opt(exception=error).log(level, f"{record.name}: {record.getMessage()}")
        except Exception:
            self.handleError(record)
