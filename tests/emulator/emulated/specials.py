# SPDX-License-Identifier: GPL-3.0-or-later
"""Special variables that the emulator knows."""

from __future__ import annotations

import time
from collections.abc import Callable

from emulated.machine import Machine
from emulated.values import Value

_EPOCH = 47117  # days from 31 December 1840 to 1 January 1970


def horolog(seconds: float | None = None, fraction: bool = False) -> str:
    """$HOROLOG: days since 1840 and seconds of the day, local time."""
    at = time.time() if seconds is None else seconds
    local = at + time.localtime(at).tm_gmtoff
    days, rest = divmod(local, 86400)
    tail = f"{rest:.6f}".rstrip("0").rstrip(".") if fraction else str(int(rest))
    return f"{int(days) + _EPOCH},{tail}"


def timestamp() -> str:
    """$ZTIMESTAMP: the same in universal time with a fraction."""
    days, rest = divmod(time.time(), 86400)
    return f"{int(days) + _EPOCH},{rest:.6f}"


def _version(vm: Machine) -> Value:
    return vm.settings.product.zversion


def _stack(vm: Machine) -> Value:
    return len(vm.frames) - 1


SPECIALS: dict[str, Callable[[Machine], Value]] = {
    "horolog": lambda vm: horolog(),
    "ztimestamp": lambda vm: timestamp(),
    "zhorolog": lambda vm: round(time.monotonic(), 6).__str__(),
    "job": lambda vm: vm.job,
    "zjob": lambda vm: vm.job,
    "namespace": lambda vm: vm.namespace,
    "znspace": lambda vm: vm.namespace,
    "zversion": _version,
    "zerror": lambda vm: vm.zerror,
    "ztrap": lambda vm: vm.frame.ztrap,
    "ecode": lambda vm: "",
    "etrap": lambda vm: "",
    "test": lambda vm: int(vm.test),
    "x": lambda vm: vm.devices.current.x,
    "y": lambda vm: vm.devices.current.y,
    "io": lambda vm: vm.devices.current.name,
    "principal": lambda vm: vm.devices.principal.name,
    "zeof": lambda vm: -1 if vm.devices.end_of_file else 0,
    "stack": _stack,
    "tlevel": lambda vm: vm.level,
    "quit": lambda vm: int(vm.frame.wants_value),
    "username": lambda vm: "irisowner" if vm.settings.product.iris else "cacheusr",
    "this": lambda vm: vm.frame.this or "",
    "storage": lambda vm: 268435456,
    "zstorage": lambda vm: 262144,
}
