# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the journal is, and switching it (FACTS 3.4)."""

from __future__ import annotations

import shutil

from emulated.errors import MError
from emulated.machine import Machine
from emulated.registry import entry, method
from emulated.values import Oref, Value


class JournalFile(Oref):
    """%SYS.Journal.File: only its name is known."""

    class_name = "%SYS.Journal.File"

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def get_property(self, name: str) -> Value:
        if name != "Name":
            raise MError("PROPERTY DOES NOT EXIST", f"*{name},{self.class_name}")
        return self.name


@method("%SYS.Journal.System", "GetCurrentFileName")
def current_name(vm: Machine) -> Value:
    return vm.globals.ask("journal", "name")  # type: ignore[no-any-return]


@method("%SYS.Journal.System", "GetCurrentFile")
def current_file(vm: Machine) -> Value:
    return JournalFile(vm.globals.ask("journal", "name"))


@method("%SYS.Journal.System", "GetCurrentFileOffset")
def current_offset(vm: Machine) -> Value:
    return int(vm.globals.ask("journal", "offset"))


@method("%SYS.Journal.System", "GetPrimaryDirectory")
def primary_directory(vm: Machine) -> Value:
    return f"{vm.settings.journals}/"


@method("%SYS.Journal.System", "GetAlternateDirectory")
def alternate_directory(vm: Machine) -> Value:
    return f"{vm.settings.journals}/"


@method("%SYS.Journal.System", "GetFreeSpace")
def free_space(vm: Machine) -> Value:
    return shutil.disk_usage(vm.settings.journals).free


@method("%SYS.Journal.System", "GetStateString")
def state_string(vm: Machine) -> Value:
    return "Enabled"


@entry("JRNSWTCH", "INT")
def switch(vm: Machine) -> None:
    vm.globals.ask("journal", "switch")
