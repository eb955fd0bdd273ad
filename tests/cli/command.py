"""Runs the real command line in processes of its own."""

from __future__ import annotations

import json
import multiprocessing
import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LONGEST_S = 60
#: Titles, clear screen, C1, NUL, carriage return, bidi, rich markup, a line end, wide characters.
HOSTILE = (
    "\x1b]0;owned\x07\x1b[2J\x9b31m\x00\r\u202egpj.exe\u2066 "
    "[/x][link=http://e.example][bold]\n任务🇨🇳"
)
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
#: Processes begin as forks of one that has loaded the package: a tenth of the time.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    ["pytest", "hotstream_reactive.app", "rich.table", "rich.progress", "playwright.async_api"]
    + [
        f"hotstream_reactive.cli.{name}"
        for name in (
            *(
                "create",
                "doctor",
                "edit",
                "info",
                "init",
                "listing",
                "look",
                "nitter",
                "parse",
                "plugins",
                "query",
            ),
            *("show", "stats", "validate", "watch"),
        )
    ]
)


def bare_environment() -> dict[str, str]:
    """The environment of this process without settings of ours and those of its terminal."""
    ours = ("HOTSTREAM_", "MONGODB_", "WORKER_ID", "COLUMNS", "FORCE_COLOR", "NO_COLOR")
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(ours) or name == "HOTSTREAM_MONGOD"
    }
    return env | {"PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "xterm"}


@dataclass
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on stdout."""
        assert self.code in (0, 1, 124), self.err
        value = json.loads(self.out)
        assert value["schema_version"] == 1
        return value

    def assert_harmless(self) -> None:
        """Nothing that a terminal obeys came out."""
        found = _FORBIDDEN.search(self.out + self.err)
        assert found is None, repr((self.out + self.err)[max(0, found.start() - 40) :][:80])


@dataclass
class Cli:
    """Runs `hotstream` in a folder with an environment of its own."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start a command as a person does, and give the process."""
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen(
            [sys.executable, "-m", "hotstream_reactive.cli", *arguments],
            cwd=self.folder,
            env=self.env | options.pop("env", {}),
            text=True,
            encoding="utf-8",
            **(pipes | options),
        )

    def on_terminal(self, *arguments: str, codes: Iterable[int] = (0,), **env: str) -> bytes:
        """Run a command on a pseudo-terminal; gives all that came out of it."""
        ours, theirs = pty.openpty()
        seen = b""
        streams = {"stdout": theirs, "stderr": theirs}
        with self.start(*arguments, env={"COLUMNS": "100"} | env, **streams) as process:
            os.close(theirs)
            try:
                while chunk := os.read(ours, 65536):
                    seen += chunk
            except OSError:
                pass  # this is how the end of a terminal is told
            finally:
                os.close(ours)
            assert process.wait(timeout=LONGEST_S) in codes, seen
        return seen

    def __call__(self, *arguments: str, stdin: str = "", **env: str) -> Result:
        """Run a command to its end."""
        with tempfile.TemporaryDirectory() as folder:
            streams = [Path(folder, name) for name in ("in", "out", "err")]
            streams[0].write_text(stdin, encoding="utf-8")
            process = _FORKS.Process(
                target=_command, args=(arguments, str(self.folder), self.env | env, streams)
            )
            process.start()
            process.join(LONGEST_S)
            if process.exitcode is None:
                process.kill()
                process.join()
            # As bytes, so that a carriage return stays one.
            out, err = (path.read_bytes().decode() for path in streams[1:])
            code = process.exitcode
            process.close()
        assert code is not None
        return Result(code, out, err)


def _command(
    arguments: tuple[str, ...], folder: str, env: dict[str, str], streams: list[Path]
) -> None:
    """In the new process: become the command."""
    for number, (path, flags) in enumerate(
        zip(streams, (os.O_RDONLY, os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_CREAT), strict=True)
    ):
        handle = os.open(path, flags, 0o600)
        os.dup2(handle, number)
        os.close(handle)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115 - for good
        for number, mode in enumerate("rww")
    )
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["hotstream", *arguments]
    from hotstream_reactive.cli import main

    main()
