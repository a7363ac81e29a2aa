# SPDX-License-Identifier: GPL-3.0-or-later
"""Start, find and end processes. A pid counts only together with its start time: pids are used again."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from .errors import SandboxError
from .layout import MARK, Layout, write

PATIENCE = 15.0


def stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on, or [] if there is no such living process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    fields = text.rpartition(")")[2].split()
    return [] if fields[0] in "ZX" else fields


def start_time(pid: int) -> str:
    fields = stat(pid)
    return fields[19] if fields else ""


def all_pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def children(pid: int) -> list[int]:
    return [other for other in all_pids() if (fields := stat(other)) and fields[1] == str(pid)]


def command_name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def running(pid_file: Path) -> int:
    """The pid that the file names if that very process still lives, else 0."""
    try:
        recorded = json.loads(pid_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0
    pid = int(recorded["pid"])
    return pid if start_time(pid) == recorded["start"] else 0


def start(name: str, argv: list[str], environment: dict[str, str], run: Path, cwd: Path) -> bool:
    """Start a daemon unless it runs; True if it was started."""
    pid_file = run / f"{name}.pid"
    if running(pid_file):
        return False
    run.mkdir(parents=True, exist_ok=True)
    with open(run / f"{name}.log", "ab") as log:
        process = subprocess.Popen(
            argv, env=environment, cwd=cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    write(pid_file, json.dumps({"pid": process.pid, "start": start_time(process.pid)}))
    return True


def wait_until(ready: Callable[[], bool], what: str, log: Path, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise SandboxError(f"{what} did not come up within {seconds:.0f} s", f"read {log}")
        time.sleep(0.05)


def stop(pid_file: Path, first: signal.Signals = signal.SIGTERM) -> bool:
    pid = running(pid_file)
    if pid:
        end([pid], first)
    pid_file.unlink(missing_ok=True)
    return bool(pid)


def end(pids: Iterable[int], first: signal.Signals = signal.SIGTERM) -> None:
    """Ask each process to end, then insist; a process that took a pid over meanwhile is left alone."""
    known = {pid: start_time(pid) for pid in pids}
    for number, patience in ((first, PATIENCE), (signal.SIGKILL, 5.0)):
        _signal(known, number)
        deadline = time.monotonic() + patience
        while _alive(known) and time.monotonic() < deadline:
            time.sleep(0.02)
    if _alive(known):
        raise SandboxError(f"processes {sorted(_alive(known))} do not end", "look at them with ps")


def _alive(known: dict[int, str]) -> list[int]:
    _reap()
    return [pid for pid, since in known.items() if since and start_time(pid) == since]


def _signal(known: dict[int, str], number: signal.Signals) -> None:
    for pid in _alive(known):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def marked(layout: Layout) -> list[int]:
    """Every living process that bears this sandbox's mark, but not this one nor those it descends from."""
    return [pid for pid in all_pids() if pid not in _ancestry() and stat(pid) and _bears_mark(pid, layout.root)]


def _bears_mark(pid: int, root: Path) -> bool:
    if f"{MARK}={root}".encode() in _proc(pid, "environ").split(b"\0"):
        return True
    # These write their title over their environment, or clear it; their command names our files.
    return command_name(pid) in ("sshd", "nginx", "gtmsecshr") and f"{root}/".encode() in _proc(pid, "cmdline")


def _proc(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _ancestry() -> set[int]:
    found, pid = set(), os.getpid()
    while pid > 1:
        found.add(pid)
        fields = stat(pid)
        pid = int(fields[1]) if fields else 0
    return found


def run(argv: list[str], environment: dict[str, str] | None = None, stdin: str = "", cwd: Path | None = None) -> str:
    """Run a program to its end; its output, or an error that shows it."""
    try:
        done = subprocess.run(
            argv, env=environment, input=stdin, cwd=cwd, text=True, errors="replace",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )
    except FileNotFoundError as error:
        raise SandboxError(f"program {argv[0]} is missing", f"install {Path(argv[0]).name}") from error
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-15:])
        raise SandboxError(f"{' '.join(argv[:4])} ended with status {done.returncode}:\n{tail}")
    return done.stdout


def status_of(argv: list[str], environment: dict[str, str], cwd: Path, accept: tuple[int, ...]) -> int:
    """Run a control command; its exit status if it is one of those accepted."""
    # Output goes to a file: a server started by the command keeps a pipe open and would be waited for.
    log = cwd / "control.log"
    with open(log, "ab") as output:
        done = subprocess.run(argv, env=environment, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output,
                              stderr=output, check=False)
    if done.returncode not in accept:
        raise SandboxError(f"{' '.join(argv)} ended with status {done.returncode}", f"read {log}")
    return done.returncode
