# SPDX-License-Identifier: GPL-3.0-or-later
"""Start one step's commands, wait for all, and report time and memory.

A process of its own because a child's peak memory counts what its parent had when it was
forked (``ru_maxrss`` survives exec), and the harness is large. Run as a file, isolated; the
job comes as JSON on standard input.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from typing import Any


def main() -> None:
    """Read the job, run it, write ``{seconds, memory, status}`` to standard output."""
    job = json.load(sys.stdin)
    if job["cgroup"]:
        with open(os.path.join(job["cgroup"], "cgroup.procs"), "w", encoding="ascii") as stream:
            stream.write(str(os.getpid()))
    begin = time.monotonic()
    running = [_start(argv, job) for argv in job["commands"]]
    status = [_wait(pid) for pid in running]
    if job["sync"] and not any(status):
        status.append(_wait(_start(["sync", "-f", job["sync"]], job)))
    seconds = time.monotonic() - begin
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    json.dump({"seconds": seconds, "memory": memory, "status": status}, sys.stdout)


def _start(argv: list[str], job: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        output = os.open(job["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        if job["directory"]:
            os.chdir(job["directory"])
        os.execvpe(argv[0], argv, {**os.environ, **job["environment"]})
    except OSError as error:
        os.write(2, f"{argv[0]}: {error}\n".encode())
    os._exit(127)


def _wait(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    main()
