# SPDX-License-Identifier: GPL-3.0-or-later
"""%SYS.ProcessQuery: not in FACTS, seen in public code; a switch takes it away."""

from __future__ import annotations

from emulated.layout import Settings
from emulated.library import status
from emulated.library.dictionary import DictionaryObject
from emulated.machine import Machine
from emulated.registry import method
from emulated.values import Value, text
from emulated.variables import Tree


def _listed(settings: Settings) -> bool:
    return settings.facts.processes_listed


@method("%SYS.ProcessQuery", "%OpenId", "id,concurrency=-1,&sc", when=_listed)
def open_process(vm: Machine, pid: Value, concurrency: Value, found: Tree) -> Value:
    namespace = vm.globals.ask("processes").get(text(pid))
    if namespace is None:
        found.value = status.error(5809, "%SYS.ProcessQuery", pid)
        return ""
    found.value = status.OK
    return DictionaryObject("%SYS.ProcessQuery", {"Pid": pid, "NameSpace": namespace})
