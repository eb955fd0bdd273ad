"""Files of several writers: safe names, locks, whole lines, documents that appear whole."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from hotstream_reactive.errors import StorageError, StorageFull

LOCK_TIMEOUT = 10.0  # seconds
_LOCK_PAUSE = 0.01  # seconds between attempts
_CHUNK = 1 << 20  # bytes
_FULL = (errno.ENOSPC, errno.EDQUOT)
_PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_DEVICE = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9])(\..*)?")


def file_name(task_id: str, suffix: str) -> str:
    """The name of a task's file: at most 150 bytes, and no two tasks share one.

    An id of up to 100 lower-case letters, digits, ``.``, ``_`` and ``-`` is the name as it stands.
    Of any other the harmless characters are kept and a hash is added after ``~``, which no plain
    name contains; so it is with capitals too, as some file systems do not tell them apart, and with
    the device names of Windows. `suffix` is the ending, e.g. ``.csv``.
    """
    if _PLAIN_NAME.fullmatch(task_id) and not _DEVICE.fullmatch(task_id):
        return task_id + suffix
    digest = hashlib.sha256(task_id.encode("utf-8", "surrogatepass")).hexdigest()[:20]
    kept = re.sub(r"^-|[^A-Za-z0-9_-]", "_", task_id[:100]) or "_"
    return f"{kept}~{digest}{suffix}"


@contextmanager
def reported(path: Path) -> Iterator[None]:
    """Turn the errors of the operating system into ours."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull(
                f"no space left for {path}: {error.strerror}; free some, or let "
                "storage.output_dir name a directory on another disk"
            ) from error
        reason = error.strerror or str(error)
        if error.errno == errno.ELOOP:
            reason = "it is a symbolic link, which is not followed"
        raise StorageError(
            f"cannot use {path}: {reason}; mend it, or let storage.output_dir name another "
            "directory"
        ) from error


@contextmanager
def opened(path: Path, flags: int) -> Iterator[int]:
    """Open a regular file, never through a link in its last step and never waiting for a pipe."""
    file = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        yield file
    finally:
        os.close(file)


def lock(file: int, path: Path) -> None:
    """Take the file for this process; closing it gives it back.

    Not by waiting in the kernel: a holder that was stopped would stop this thread for ever.
    """
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise StorageError(
                    f"another process has held {path} for {LOCK_TIMEOUT:g} s; "
                    "end it, or give each worker a storage.output_dir of its own"
                ) from error
            time.sleep(_LOCK_PAUSE)
        else:
            return


def append(file: int, payload: bytes, size: int, directory: Path) -> None:
    """Append durably, or leave the file at its `size`."""
    try:
        rest = memoryview(payload)
        while rest:  # a disk that fills up takes a part, and refuses the next write
            rest = rest[os.write(file, rest) :]
        os.fsync(file)
    except OSError:
        os.ftruncate(file, size)
        raise
    if size == 0:
        _sync_names(directory)


def whole_lines(file: int, offset: int) -> Iterator[bytes]:
    """The lines from an offset on with their newlines; a last line without one is left out."""
    rest = b""
    while chunk := os.pread(file, _CHUNK, offset):
        offset += len(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"


@contextmanager
def published(path: Path) -> Iterator[TextIO]:
    """A text file in UTF-8 that takes the place of `path` when it is complete, or not at all.

    Two threads of a process must not publish the same path at once.
    """
    # The number lets a process that was killed leave one file at the most.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    handle = os.open(unfinished, flags, 0o666)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(handle)
        unfinished.replace(path)
        _sync_names(path.parent)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _sync_names(directory: Path) -> None:
    """Make the names in a directory durable: else a crash of the machine may lose a new one."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
