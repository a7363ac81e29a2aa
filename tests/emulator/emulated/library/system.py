# SPDX-License-Identifier: GPL-3.0-or-later
"""The process itself: $SYSTEM.Process.Terminate and $ZUTIL(4) (FACTS 1.2)."""

from __future__ import annotations

from emulated.errors import Halt
from emulated.machine import Machine
from emulated.registry import method
from emulated.values import Value, integer


@method("%SYSTEM.Process", "Terminate", "PID=,Status=0")
def terminate(vm: Machine, pid: Value, exit_status: Value) -> Value:
    """End a process; of one's own, the exit status is one byte (1.2)."""
    if pid == "" or integer(pid) == vm.job:
        raise Halt(integer(exit_status))
    return int(bool(vm.globals.ask("terminate", integer(pid))))
