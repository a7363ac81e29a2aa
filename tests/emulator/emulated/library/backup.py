# SPDX-License-Identifier: GPL-3.0-or-later
"""Backup.General: external freeze and thaw (FACTS 3.1, FAULTS row InterSystems)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from emulated.layout import Settings
from emulated.library import status
from emulated.machine import Machine
from emulated.parser import parse_expression
from emulated.registry import flag, method
from emulated.values import Value, number, text

_SUCCESS, _FAILURE = 5, 3
_LONGEST = 1200.0
_SHELL = re.compile(
    r"##class\(Backup\.General\)\.(ExternalFreeze|ExternalThaw|IsWDSuspendedExt)\(.*\)\Z", re.IGNORECASE)
_FORMAL_SPEC = (
    'LogFile:%String="",Text:%String="",SwitchJournalFile:%Integer=1,TimeOut:%Integer=10,Hibernate:%Boolean=0,'
    "Verbose:%Boolean=0,ExternalFreezeTimeOut:%Integer=0"
)


def formal_spec(settings: Settings) -> str:
    """Seven arguments are sure; what comes behind them depends on the product (section 10, FAULTS)."""
    if not settings.facts.wd_suspend_limit_exists:
        return _FORMAL_SPEC
    more = ',Username:%String="",Password:%String="",WDSuspendLimit:%Integer=0'
    return _FORMAL_SPEC + more + (',ShardMasterNamespace:%String=""' if settings.product.iris else "")


@method("Backup.General", "ExternalFreeze", formal_spec)
def external_freeze(vm: Machine, log: Value, words: Value, switch: Value, timeout: Value, hibernate: Value,
                    verbose: Value, freeze_timeout: Value, *more: Value) -> Value:
    """Suspend physical writes; users keep working in memory (3.1)."""
    limit = float(number(more[2])) if len(more) > 2 else 0.0
    wait = min(float(number(freeze_timeout)), _LONGEST)
    why = vm.globals.ask("freeze", flag(switch), wait, limit)
    _note(log, f"ExternalFreeze: {why or 'System suspended'} {text(words)}")
    return status.error(5001, why) if why else status.OK


@method("Backup.General", "ExternalThaw", "LogFile=,Username=,Password=")
def external_thaw(vm: Machine, log: Value, user: Value, password: Value) -> Value:
    thawed = vm.globals.ask("thaw")
    _note(log, f"ExternalThaw: {'System resumed' if thawed else 'was not suspended'}")
    if thawed or vm.facts.thaw_of_unfrozen_succeeds:
        return status.OK
    return status.error(5001, "The write daemon is not suspended")


def _note(log: Value, line: str) -> None:
    if log != "":
        with open(text(log), "a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")


@method("Backup.General", "IsWDSuspended")
def is_suspended(vm: Machine) -> Value:
    return int(vm.globals.ask("frozen"))


@method("Backup.General", "IsWDSuspendedExt")
def is_suspended_ext(vm: Machine) -> Value:
    """Made for a caller outside: the process ends with 5 or 3 (3.1)."""
    from emulated.errors import Halt

    raise Halt(_SUCCESS if vm.globals.ask("frozen") else _FAILURE)


@method("Backup.General", "ExternalSetHistory", "LogFile=,Description=")
def set_history(vm: Machine, log: Value, description: Value) -> Value:
    """Counts toward the purge of journals: a release must never call it for a copy that failed (3.1)."""
    where = vm.place("SYS", ["BUHISTORY", str(time.time_ns())])
    where.set(f"{text(log)}^{text(description)}")
    return status.OK


def shell_entry(entry: str) -> Callable[[Machine], int] | None:
    """Freeze, thaw and the question whether it is frozen, called from a shell: exit status 5 or 3 (3.1)."""
    if not _SHELL.match(entry.strip()):
        return None

    def run(vm: Machine) -> int:
        answer = vm.evaluate(parse_expression(entry.strip()))
        return _SUCCESS if status.is_ok(answer) else _FAILURE

    return run
