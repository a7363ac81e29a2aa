# SPDX-License-Identifier: GPL-3.0-or-later
"""SYS.Database: databases by their directory, mounted or not (FACTS 3.3)."""

from __future__ import annotations

from typing import Any

from emulated.errors import MError
from emulated.library import status
from emulated.machine import Machine
from emulated.registry import flag, method
from emulated.values import Oref, Value, text

_BLOCK = 1 << 20


def directory_of(value: Value) -> str:
    """The key of a database is its directory with a trailing separator."""
    written = text(value)
    return written if written.endswith("/") else written + "/"


class DatabaseObject(Oref):
    """What SYS.Database shows of one database."""

    class_name = "SYS.Database"

    def __init__(self, directory: str, found: dict[str, Any]) -> None:
        super().__init__()
        self.properties: dict[str, Value] = {
            "Directory": directory, "Mounted": int(found["mounted"]), "ReadOnly": int(found["read_only"]),
            "Size": max(1, found["size"] // _BLOCK), "MaxSize": 0,
        }

    def get_property(self, name: str) -> Value:
        if name not in self.properties:
            raise MError("PROPERTY DOES NOT EXIST", f"*{name},SYS.Database")
        return self.properties[name]


@method("SYS.Database", "%ExistsId", "id")
def exists(vm: Machine, directory: Value) -> Value:
    return int(vm.globals.ask("mounted", directory_of(directory)) is not None)


@method("SYS.Database", "%OpenId", "id,concurrency=-1,&sc")
def open_database(vm: Machine, directory: Value, concurrency: Value, found: Any) -> Value:
    state = vm.globals.ask("mounted", directory_of(directory))
    if state is None:
        found.value = status.error(5809, "SYS.Database", directory)
        return ""
    found.value = status.OK
    return DatabaseObject(directory_of(directory), state)


@method("SYS.Database", "MountDatabase", "Directory,ReadOnly=0")
def mount(vm: Machine, directory: Value, read_only: Value) -> Value:
    """A file whose first block is no database's is not mounted."""
    try:
        why = vm.globals.ask("mount", directory_of(directory), flag(read_only))
    except MError as error:
        return status.error(5001, error.text())
    return status.error(5001, why) if why else status.OK


@method("SYS.Database", "DismountDatabase", "Directory")
def dismount(vm: Machine, directory: Value) -> Value:
    try:
        why = vm.globals.ask("dismount", directory_of(directory))
    except MError as error:
        return status.error(5001, error.text())
    return status.error(5001, why) if why else status.OK
