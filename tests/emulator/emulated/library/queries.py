# SPDX-License-Identifier: GPL-3.0-or-later
"""%ResultSet over class queries: StudioOpenDialog (FACTS 2.1), DatabaseList (3.2), Enumerate of Ens.Queue (4.2)."""

from __future__ import annotations

from collections.abc import Callable

from emulated import registry
from emulated.errors import MError
from emulated.library import routines, status
from emulated.machine import Machine
from emulated.registry import BASES, flag, method
from emulated.values import Oref, Value, integer, text

BASES["%Library.ResultSet"] = "%ResultSet"
Rows = list[dict[str, str]]


class ResultSet(Oref):
    """A query, its rows, and the one that Next came to."""

    class_name = "%ResultSet"

    def __init__(self, query: str) -> None:
        super().__init__()
        self.query = query
        self.rows: Rows = []
        self.at = -1

    def get_property(self, name: str) -> Value:
        if name == "AtEnd":
            return int(self.at + 1 >= len(self.rows))
        raise MError("PROPERTY DOES NOT EXIST", f"*{name},%ResultSet")


def _open_dialog(vm: Machine, arguments: list[str]) -> Rows:
    given = [*arguments, *[""] * 7]
    found = routines.documents(vm, given[0] or "*", flag(given[6]))
    return [{"Name": name, "Date": when} for name, when in found]


def _database_list(vm: Machine, arguments: list[str]) -> Rows:
    return [{"Directory": each} for each in vm.globals.ask("directories")]


def _queues(vm: Machine, arguments: list[str]) -> Rows:
    from emulated.library.production import queues

    return queues(vm)


_QUERIES: dict[str, Callable[[Machine, list[str]], Rows]] = {
    "%RoutineMgr:StudioOpenDialog": _open_dialog, "Backup.General:DatabaseList": _database_list,
    "Ens.Queue:Enumerate": _queues,
}


@method("%ResultSet", "%New", "query=")
def new_result_set(vm: Machine, query: Value) -> Value:
    class_name = text(query).partition(":")[0]
    if text(query) not in _QUERIES or not registry.visible(vm, class_name):
        raise MError("CLASS DOES NOT EXIST", f"*{class_name}", f"query {text(query)}")
    return ResultSet(text(query))


@method("%ResultSet", "Execute", "a1=,a2=,a3=,a4=,a5=,a6=,a7=", instance=True)
def execute(vm: Machine, this: ResultSet, *arguments: Value) -> Value:
    this.rows, this.at = _QUERIES[this.query](vm, [text(each) for each in arguments]), -1
    return status.OK


@method("%ResultSet", "Next", "&sc", instance=True)
def next_row(vm: Machine, this: ResultSet, found: object) -> Value:
    this.at += 1
    return int(this.at < len(this.rows))


@method("%ResultSet", "Get", "name", instance=True)
@method("%ResultSet", "Data", "name", instance=True)
def get(vm: Machine, this: ResultSet, name: Value) -> Value:
    row = this.rows[this.at]
    if text(name) not in row:
        raise MError("UNDEFINED", f"*Data({text(name)})")
    return row[text(name)]


@method("%ResultSet", "GetData", "n", instance=True)
def get_data(vm: Machine, this: ResultSet, column: Value) -> Value:
    return list(this.rows[this.at].values())[integer(column) - 1]


@method("%ResultSet", "Close", instance=True)
def close(vm: Machine, this: ResultSet) -> Value:
    this.rows = []
    return status.OK
