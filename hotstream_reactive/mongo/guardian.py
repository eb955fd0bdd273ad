"""Runs one mongod and ends it when its owner ends; a script: `python -I -S guardian.py ...`.

Why a process between the owner and mongod: an owner that is killed with SIGKILL can no longer clean
up, and ``PR_SET_PDEATHSIG`` in mongod would be tied to the *thread* of the owner that started it,
which for a worker thread ends long before the owner does. So this process holds the read end of a
pipe (its standard input) whose write end only the owner has: the kernel closes that one in whatever
way the owner ends, and the end of file here ends mongod. It imports the standard library only, to
be ready in some 30 ms, and lives in a session of its own, so that Ctrl-C in a terminal reaches the
owner alone.

Arguments: the owner's pid, a directory to remove at the end ("" = none), mongod's command.
Standard input: a byte per order; ``START`` runs mongod, any other value is a signal to send to it.
Standard output: a line ``pid N`` or ``sent`` per order, and ``exit N`` whenever mongod ended.
Standard error becomes mongod's log. Open descriptors are inherited by mongod: the owner passes the
lock of the data directory this way, so that the lock is free only when nothing runs there any more.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import signal
import sys
import time

START = 0
TERMINATION_GRACE_S = 10.0
OWNER_CHECK_S = 1.0

_PR_SET_PDEATHSIG = 1


class Guardian:
    """The child processes of this script: at most one mongod at a time."""

    def __init__(self, owner_pid: int, command: list[str]) -> None:
        self.owner_pid = owner_pid
        self.command = command
        self.mongod_pid: int | None = None
        self.libc = ctypes.CDLL(None)
        # A no-op handler and not SIG_IGN, which mongod would inherit. These signals are for the
        # owner (a service manager sends them to the whole group): the pipe alone ends this process.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        self.child_ended, wakeup = os.pipe()
        os.set_blocking(wakeup, False)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)

    def serve(self) -> None:
        """Obey the owner until it closes the pipe or is gone."""
        # The parent is looked at too: a process the owner forked without exec (multiprocessing)
        # may hold a copy of the pipe and outlive the owner.
        while os.getppid() == self.owner_pid:
            readable, _, _ = select.select([0, self.child_ended], [], [], OWNER_CHECK_S)
            if self.child_ended in readable:
                os.read(self.child_ended, 512)
            self._reap()
            if 0 in readable:
                order = os.read(0, 1)
                if not order:
                    return
                self._obey(order[0])

    def end_mongod(self) -> None:
        """Terminate mongod and wait for it; kill it when it takes longer than the grace."""
        if self.mongod_pid is None:
            return
        os.kill(self.mongod_pid, signal.SIGTERM)
        os.kill(self.mongod_pid, signal.SIGCONT)  # a stopped process would not see the SIGTERM
        deadline_s = time.monotonic() + TERMINATION_GRACE_S
        while self.mongod_pid is not None and time.monotonic() < deadline_s:
            time.sleep(0.02)
            self._reap()
        if self.mongod_pid is not None:
            os.kill(self.mongod_pid, signal.SIGKILL)
            os.waitpid(self.mongod_pid, 0)

    def _obey(self, order: int) -> None:
        if order == START:
            self._start()
            return
        if self.mongod_pid is not None:
            os.kill(self.mongod_pid, order)
        self._say("sent")

    def _start(self) -> None:
        pid = os.fork()
        if pid == 0:
            try:
                self._become_mongod()
            except OSError as error:
                os.write(2, f"cannot run {self.command[0]}: {error}\n".encode())
            finally:
                os._exit(127)
        self.mongod_pid = pid
        self._say(f"pid {pid}")

    def _become_mongod(self) -> None:
        # Here the parent has one thread only, so PDEATHSIG is right: it covers the SIGKILL of this
        # guardian. The call fails where there is no prctl; the pipe still does its work there.
        guardian_pid = os.getppid()
        with contextlib.suppress(AttributeError):
            self.libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != guardian_pid:
            return
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
        os.execv(self.command[0], self.command)  # noqa: S606  # no shell is wanted

    def _reap(self) -> None:
        if self.mongod_pid is None:
            return
        pid, status = os.waitpid(self.mongod_pid, os.WNOHANG)
        if pid:
            self.mongod_pid = None
            self._say(f"exit {os.waitstatus_to_exitcode(status)}")

    def _say(self, line: str) -> None:
        # A broken pipe means that the owner is gone: the loop sees that by itself.
        with contextlib.suppress(BrokenPipeError):
            os.write(1, line.encode() + b"\n")


def main(argv: list[str]) -> None:
    """Guard one mongod until the owner is gone."""
    owner_pid, directory_to_remove, *command = argv
    guardian = Guardian(int(owner_pid), command)
    try:
        guardian.serve()
    finally:
        guardian.end_mongod()
        if directory_to_remove:
            # Nobody is left to hear of an error, and what stays is below the temporary directory.
            shutil.rmtree(directory_to_remove, ignore_errors=True)
            # The guardian that is the last of its set also removes the directory of the set.
            with contextlib.suppress(OSError):
                os.rmdir(os.path.dirname(directory_to_remove))  # noqa: PTH106, PTH120  # os is loaded already; pathlib would slow the start


if __name__ == "__main__":
    main(sys.argv[1:])
