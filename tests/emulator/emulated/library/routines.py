# SPDX-License-Identifier: GPL-3.0-or-later
"""%Routine and %RoutineMgr (FACTS 2.1)."""

from __future__ import annotations

from pathlib import Path

from emulated import qualifiers
from emulated.code import CodeStore, RoutineText
from emulated.compiler import Compiler
from emulated.errors import MError
from emulated.layout import Settings
from emulated.library import status
from emulated.loader import page_path
from emulated.machine import Machine
from emulated.registry import BASES, method
from emulated.specials import horolog
from emulated.values import Oref, Value, integer, text
from emulated.variables import Tree

BASES["%Library.Routine"] = "%Routine"
BASES["%Library.RoutineMgr"] = "%RoutineMgr"
_KINDS = ("MAC", "INT", "INC", "BAS", "MVB", "MVI", "OBJ")


def _split(name: Value) -> tuple[str, str]:
    stem, _, kind = text(name).rpartition(".")
    return stem, kind.upper()


def exists(vm: Machine, name: Value) -> bool:
    stem, kind = _split(name)
    store = CodeStore(vm)
    if kind == "OBJ":
        return store.object_code(stem) is not None
    return kind in _KINDS and store.routine(stem, kind) is not None


class RoutineObject(Oref):
    """An open routine: a stream of its lines."""

    class_name = "%Routine"

    def __init__(self, name: str, kind: str, lines: list[str]) -> None:
        super().__init__()
        self.name, self.kind, self.lines = name, kind, lines
        self.at = 0

    def get_property(self, name: str) -> Value:
        if name == "AtEnd":
            return int(self.at >= len(self.lines))
        if name == "Name":
            return f"{self.name}.{self.kind}"
        raise MError("PROPERTY DOES NOT EXIST", f"*{name},%Routine")


@method("%Routine", "Exists", "rtn")
def routine_exists(vm: Machine, name: Value) -> Value:
    return int(exists(vm, name))


@method("%RoutineMgr", "Exists", "rtn")
def manager_exists(vm: Machine, name: Value) -> Value:
    """Of classes and other documents too."""
    stem, kind = _split(name)
    store = CodeStore(vm)
    if kind == "CLS":
        return int(store.definition(stem) is not None)
    return int(exists(vm, name) or text(name) in store.documents())


@method("%Routine", "%New", "rtn=")
def new_routine(vm: Machine, name: Value) -> Value:
    stem, kind = _split(name)
    found = CodeStore(vm).routine(stem, kind)
    return RoutineObject(stem, kind, list(found.lines) if found else [])


@method("%Routine", "WriteLine", "line=", instance=True)
def write_line(vm: Machine, this: RoutineObject, line: Value) -> Value:
    this.lines.append(text(line))
    return status.OK


@method("%Routine", "ReadLine", instance=True)
def read_line(vm: Machine, this: RoutineObject) -> Value:
    line = this.lines[this.at] if this.at < len(this.lines) else ""
    this.at += 1
    return line


@method("%Routine", "Rewind", instance=True)
def rewind(vm: Machine, this: RoutineObject) -> Value:
    this.at = 0
    return status.OK


@method("%Routine", "Clear", instance=True)
def clear(vm: Machine, this: RoutineObject) -> Value:
    this.lines.clear()
    return status.OK


@method("%Routine", "Save", instance=True)
@method("%Routine", "%Save", instance=True)
def save(vm: Machine, this: RoutineObject) -> Value:
    CodeStore(vm).put_routine(RoutineText(this.name, this.kind, this.lines, horolog(fraction=True)))
    return status.OK


@method("%Routine", "Compile", "flags=", instance=True)
def compile_routine(vm: Machine, this: RoutineObject, flags: Value) -> Value:
    compiler = Compiler(vm, qualifiers.parse(text(flags) or "-d"))
    compiler.routine(this.name, this.kind)
    return compiler.outcome.status


@method("%Routine", "Delete", "rtn,flag=0,backup=1")
def delete(vm: Machine, name: Value, how: Value, backup: Value) -> Value:
    """Flag 2 drops INT and OBJ of a deployed routine [M]; else only what is named goes (2.1)."""
    stem, kind = _split(name)
    store = CodeStore(vm)
    if integer(how) == 2 and vm.facts.delete_flag_2_drops_objects:
        store.delete_routine(stem, "INT")
        store.delete_object(stem)
        return status.OK
    if not exists(vm, name):
        return status.error(6024, text(name))
    if kind == "OBJ":
        store.delete_object(stem)
    else:
        store.delete_routine(stem, kind)
    return status.OK


@method("%RoutineMgr", "Delete", "rtn")
def manager_delete(vm: Machine, name: Value) -> Value:
    store = CodeStore(vm)
    if text(name) in store.documents():
        store.delete_document(text(name))
        if text(name).startswith("/"):
            Path(page_path(vm.settings, text(name))).unlink(missing_ok=True)
        return status.OK
    return delete(vm, name, "0", "1")


@method("%RoutineMgr", "IsGenerated", "rtn")
def is_generated(vm: Machine, name: Value) -> Value:
    stem, kind = _split(name)
    found = CodeStore(vm).routine(stem, kind)
    return int(bool(found and found.generated))


@method("%RoutineMgr", "IsMapped", "rtn,&db")
def is_mapped(vm: Machine, name: Value, database: Tree) -> Value:
    database.value = vm.namespaces.code(vm.namespace)
    return 0


@method("%RoutineMgr", "UserType", "name,&class,&type")
def user_type(vm: Machine, name: Value, class_name: Tree, kind: Tree) -> Value:
    """Whether a document is of a kind that an abstract document class handles."""
    return int(_split(name)[1] in ("ESD", "LUT", "PTD", "DFI", "ZPM", "HL7", "X12"))


def _ts_exists(settings: Settings) -> bool:
    return settings.facts.routine_ts_exists


@method("%RoutineMgr", "TS", "rtn,&compiled", when=_ts_exists)
def time_of(vm: Machine, name: Value, compiled: Tree) -> Value:
    """When an item was changed, and by reference when it was compiled [M]."""
    stem, kind = _split(name)
    store = CodeStore(vm)
    if kind == "CLS":
        definition = store.definition(stem)
        built = store.compiled(stem)
        compiled.value = _shown(built.changed) if built else ""
        return _shown(definition.changed) if definition else ""
    found = store.routine(stem, kind)
    code = store.object_code(stem)
    compiled.value = _shown(code[0]) if code else ""
    return _shown(found.timestamp) if found else ""


def _shown(when: str) -> str:
    from emulated.conversions import CONVERSIONS

    day, _, seconds = when.partition(",")
    fraction = seconds.partition(".")[2]
    written = text(CONVERSIONS["zdatetime"](f"{day},{seconds.partition('.')[0]}", 3, 1))
    return written + (f".{fraction}" if fraction else "")


def documents(vm: Machine, specification: str, generated: bool) -> list[tuple[str, str]]:
    """Rows of %RoutineMgr:StudioOpenDialog: names that a list of wildcards finds, and when they were changed."""
    import fnmatch

    store = CodeStore(vm)
    rows: dict[str, str] = {}
    for name in store.classes():
        definition = store.definition(name)
        rows[f"{name}.CLS"] = _shown(definition.changed) if definition else ""
    for name, kind in store.routines():
        found = store.routine(name, kind)
        if found and (generated or not found.generated):
            rows[f"{name}.{kind}"] = _shown(found.timestamp)
    for name in store.documents():
        rows[name] = ""
    wanted = [each.strip() for each in specification.split(",")]
    return [(name, when) for name, when in sorted(rows.items())
            if any(fnmatch.fnmatch(name.upper(), each.upper()) for each in wanted)]


