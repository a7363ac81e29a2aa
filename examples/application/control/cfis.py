# SPDX-License-Identifier: GPL-3.0-or-later
"""Control of CFIS on its database host:  cfis.py CONFIG {start|stop|status} {server|interfaces}

start, stop: 0 done, also when there was nothing to do.  status: 0 running, 1 stopped.  2: it did not work.

server       takes connections from the web and gives each its own M process (^CFISSRV), as inetd does
interfaces   keeps the job that sends queued updates to the external systems (^CFISIF)

Either may be running before any release is installed; it then has nothing to work with, and says so.
CONFIG is JSON: {"home": directory, "mumps": program, "address" and "port": of the server, "environment": {...}}.
"""
from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

ROUTINES = {"server": "CFISSRV", "interfaces": "CFISIF"}
PATIENCE = 20.0


class Component:
    def __init__(self, config: dict[str, Any], name: str) -> None:
        self.config = config
        self.name = name
        self.run_directory = os.path.join(config["home"], "run")
        self.pid_file = os.path.join(self.run_directory, name + ".pid")
        self.ready_file = os.path.join(self.run_directory, name + ".ready")
        self.log = os.path.join(config["home"], "log", name + ".log")

    def environment(self) -> dict[str, str]:
        return dict(os.environ, CFIS_HOME=self.config["home"], **self.config["environment"])

    def is_installed(self) -> bool:
        return os.path.exists(os.path.join(self.config["home"], "r", ROUTINES[self.name] + ".m"))


def state_of(pid: int) -> tuple[str, ...]:
    """State, session and start time of a process; empty if it is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return ()
    return () if fields[0] in "ZX" else (fields[0], fields[3], fields[19])


def recorded(component: Component) -> tuple[int, str]:
    try:
        with open(component.pid_file) as file:
            record = json.load(file)
        return int(record["pid"]), str(record["start"])
    except (OSError, ValueError, KeyError):
        return 0, ""


def processes(component: Component) -> list[int]:
    """The supervisor, and whatever of its session is left even if the supervisor was killed."""
    pid, start = recorded(component)
    if not pid:
        return []
    own = state_of(pid)
    if own and own[2] != start:
        return []  # the pid was used again: by then the whole session had ended
    pids = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
    return [other for other in pids if (state_of(other) or ("", "", ""))[1] == str(pid)]


def is_running(component: Component) -> bool:
    pid, start = recorded(component)
    own = state_of(pid) if pid else ()
    return bool(own) and own[2] == start


def wait_for(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def start(component: Component) -> int:
    if is_running(component):
        print(f"{component.name}: already running")
        return 0
    if not end(component):
        return fail(component, "left processes that do not end")
    if os.path.exists(component.ready_file):
        os.unlink(component.ready_file)
    argv = [sys.executable, os.path.abspath(__file__), sys.argv[1], "run", component.name]
    with open(component.log, "ab") as log:
        child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=component.environment(),
            cwd=component.config["home"], start_new_session=True,
        )
    write(component.pid_file, json.dumps({"pid": child.pid, "start": (state_of(child.pid) or ("", "", ""))[2]}))
    if not wait_for(lambda: os.path.exists(component.ready_file) or child.poll() is not None):
        return fail(component, "did not become ready")
    if child.poll() is not None:
        return fail(component, "ended at once")
    print(f"{component.name}: started")
    return 0


def stop(component: Component) -> int:
    was_running = bool(processes(component))
    if not end(component):
        return fail(component, "does not end")
    print(f"{component.name}: {'stopped' if was_running else 'already stopped'}")
    return 0


def end(component: Component) -> bool:
    """Ask first (GT.M closes its files at SIGTERM); kill what does not listen. True if nothing is left."""
    for number, seconds in ((signal.SIGTERM, PATIENCE), (signal.SIGKILL, 5.0)):
        for pid in processes(component):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if wait_for(lambda: not processes(component), seconds):
            if os.path.exists(component.pid_file):
                os.unlink(component.pid_file)
            return True
    return False


def status(component: Component) -> int:
    # Stopped means that nothing of it lives: an M process may outlive a supervisor that was killed.
    left = processes(component)
    text = "running" if left else "stopped"
    if left and not is_running(component):
        text += ", but its supervisor is gone: start it again"
    elif left and not component.is_installed():
        text += ", but no release is installed"
    print(f"{component.name}: {text}")
    return 0 if left else 1


def fail(component: Component, what: str) -> int:
    sys.stderr.write(f"{component.name} {what}. Read {component.log}\n")
    return 2


def write(path: str, text: str) -> None:
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)


def run(component: Component) -> int:
    """The supervisor itself."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    if component.name == "server":
        serve(component)
    else:
        keep(component)
    return 0


def spawn(component: Component, connection: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    argv = [component.config["mumps"], "-run", ROUTINES[component.name]]
    with open(component.log, "ab") as log:
        output = log.fileno() if connection == subprocess.DEVNULL else connection
        return subprocess.Popen(argv, stdin=connection, stdout=output, stderr=log, cwd=component.config["home"])


def serve(component: Component) -> None:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((component.config["address"], component.config["port"]))
    listener.listen(64)
    listener.settimeout(5)
    write(component.ready_file, "")
    sessions: list[subprocess.Popen[bytes]] = []
    while True:
        sessions = [session for session in sessions if session.poll() is None]
        try:
            connection, _peer = listener.accept()
        except socket.timeout:  # noqa: UP041  the same as TimeoutError only since Python 3.10
            continue
        with connection:
            if component.is_installed():
                sessions.append(spawn(component, connection.fileno()))
            else:
                connection.sendall(b'{"error":"no release of CFIS is installed"}\n')


def keep(component: Component) -> None:
    write(component.ready_file, "")
    while True:
        if component.is_installed():
            code = spawn(component).wait()
            sys.stderr.write(f"interface job ended with status {code}; starting it again\n")
            sys.stderr.flush()
        time.sleep(5)


def main(argv: list[str]) -> int:
    actions = {"start": start, "stop": stop, "status": status, "run": run}
    if len(argv) != 3 or argv[1] not in actions or argv[2] not in ROUTINES:
        sys.stderr.write(str(__doc__))
        return 2
    with open(argv[0]) as file:
        config = json.load(file)
    return actions[argv[1]](Component(config, argv[2]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
