# SPDX-License-Identifier: GPL-3.0-or-later
"""Code as it lies in the code database of a namespace (FACTS 3.4): sources in ^ROUTINE and ^oddDEF.

What runs is a copy made by the compiler (^rOBJ, ^oddCOM): an import without a compile changes nothing that runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from emulated import registry
from emulated.errors import MError
from emulated.machine import Given, Machine
from emulated.routine_parser import includes, own_macros, parse_routine
from emulated.syntax import Routine
from emulated.values import Key, Value


class RoutineText(NamedTuple):
    """Source of a routine: MAC, INT, INC and the rarer kinds."""

    name: str
    kind: str
    lines: list[str]
    timestamp: str = ""
    language_mode: str = "0"
    generated: bool = False


class ClassText(NamedTuple):
    """Definition of a class: the lines of its ``<Class>`` element; when it was changed and made."""

    name: str
    lines: list[str]
    changed: str = ""
    created: str = ""


class CompiledClass(NamedTuple):
    """What running code needs to know of a class."""

    name: str
    superclasses: list[str]
    methods: dict[str, str]
    properties: dict[str, str]
    parameters: dict[str, str]


class CodeStore:
    """The code database of a namespace."""

    def __init__(self, vm: Machine, namespace: str = "") -> None:
        self.vm = vm
        self.directory = vm.namespaces.code(namespace or vm.namespace)

    def _lines(self, name: str, *subscripts: str) -> tuple[str, list[str]] | None:
        """The header and the lines below a node."""
        rows = list(self.vm.globals.nodes(self.directory, name, list(subscripts)))
        header = next((value for subs, value in rows if not subs), None)
        if header is None:
            return None
        return header, [value for subs, value in rows if len(subs) == 1]

    def _put(self, name: str, subscripts: list[str], header: str, lines: list[str]) -> None:
        self.vm.globals.kill(self.directory, name, [*subscripts])
        rows: list[tuple[str, str, list[Key], str]] = [(self.directory, name, [*subscripts], header)]
        rows += [(self.directory, name, [*subscripts, number], line) for number, line in enumerate(lines, 1)]
        self.vm.globals.set_many(rows)
        self.vm.cache.clear()

    def _names(self, name: str, *subscripts: str) -> list[str]:
        found: list[str] = []
        at: Any = ""
        while (at := self.vm.globals.next(self.directory, name, [*subscripts, at])) != "":
            found.append(str(at))
        return found

    # -- routines --------------------------------------------------------------------

    def routine(self, name: str, kind: str) -> RoutineText | None:
        found = self._lines("ROUTINE", name, kind)
        if found is None:
            return None
        timestamp, mode, generated = found[0].split("^")
        return RoutineText(name, kind, found[1], timestamp, mode, generated == "1")

    def put_routine(self, routine: RoutineText) -> None:
        header = f"{routine.timestamp}^{routine.language_mode}^{int(routine.generated)}"
        self._put("ROUTINE", [routine.name, routine.kind], header, routine.lines)

    def delete_routine(self, name: str, kind: str) -> None:
        self.vm.globals.kill(self.directory, "ROUTINE", [name, kind])
        self.vm.cache.clear()

    def routines(self) -> list[tuple[str, str]]:
        """Name and kind of every routine."""
        return [(name, kind) for name in self._names("ROUTINE") for kind in self._names("ROUTINE", name)]

    def object_code(self, name: str) -> tuple[str, list[str]] | None:
        """When a routine was compiled, and what from."""
        return self._lines("rOBJ", name)

    def put_object(self, name: str, when: str, lines: list[str]) -> None:
        self._put("rOBJ", [name], when, lines)

    def delete_object(self, name: str) -> None:
        self.vm.globals.kill(self.directory, "rOBJ", [name])
        self.vm.cache.clear()

    # -- classes ---------------------------------------------------------------------

    def definition(self, name: str) -> ClassText | None:
        return self._class("oddDEF", name)

    def compiled(self, name: str) -> ClassText | None:
        return self._class("oddCOM", name)

    def _class(self, where: str, name: str) -> ClassText | None:
        found = self._lines(where, name)
        if found is None:
            return None
        changed, created = found[0].split("^")
        return ClassText(name, found[1], changed, created)

    def put_definition(self, text: ClassText) -> None:
        self._put("oddDEF", [text.name], f"{text.changed}^{text.created}", text.lines)

    def put_compiled(self, text: ClassText) -> None:
        self._put("oddCOM", [text.name], f"{text.changed}^{text.created}", text.lines)

    def delete_class(self, name: str) -> None:
        for each in ("oddDEF", "oddCOM"):
            self.vm.globals.kill(self.directory, each, [name])
        self.vm.cache.clear()

    def uncompile(self, name: str) -> None:
        self.vm.globals.kill(self.directory, "oddCOM", [name])
        self.vm.cache.clear()

    def classes(self) -> list[str]:
        return self._names("oddDEF")

    def compiled_classes(self) -> list[str]:
        return self._names("oddCOM")

    # -- other documents -------------------------------------------------------------

    def document(self, name: str) -> list[str] | None:
        found = self._lines("oddPROJECT", name)
        return found[1] if found else None

    def put_document(self, name: str, lines: list[str]) -> None:
        self._put("oddPROJECT", [name], "1", lines)

    def delete_document(self, name: str) -> None:
        self.vm.globals.kill(self.directory, "oddPROJECT", [name])

    def documents(self) -> list[str]:
        return self._names("oddPROJECT")


def include_macros(store: CodeStore, source: str, seen: frozenset[str] = frozenset()) -> dict[str, str]:
    """Macros of the include files that a source names; an unknown file of the system's own has none here."""
    found: dict[str, str] = {}
    for name in includes(source):
        text = store.routine(name, "INC") if name not in seen else None
        if text is not None:
            inner = "\n".join(text.lines)
            found.update(include_macros(store, inner, seen | {name}))
            found.update(own_macros(inner))
    return found


def load_routine(vm: Machine, name: str, namespace: str = "") -> Routine:
    """The compiled routine; <NOROUTINE> if there is none."""
    key = f"{namespace}^{name}"
    found = vm.cache.get(key)
    if found is not None:
        return found  # type: ignore[no-any-return]
    store = CodeStore(vm, namespace)
    code = store.object_code(name)
    if code is None:
        raise MError("NOROUTINE", f"*{name}")
    source = "\n".join(code[1])
    class_name = name.rpartition(".")[0] if store.compiled(name.rpartition(".")[0]) else ""
    routine = parse_routine(name, source, class_name, include_macros(store, source))
    vm.cache[key] = routine
    return routine


def compiled_class(vm: Machine, name: str) -> CompiledClass:
    """A compiled class of the namespace; <CLASS DOES NOT EXIST> if there is none."""
    key = f"class {name}"
    if key not in vm.cache:
        from emulated.class_text import describe

        text = CodeStore(vm).compiled(name)
        if text is None:
            raise MError("CLASS DOES NOT EXIST", f"*{name}")
        vm.cache[key] = describe(text)
    return vm.cache[key]  # type: ignore[no-any-return]


def system_entry(vm: Machine, routine: str, label: str) -> Callable[[Machine, list[Given], bool], Value | None] | None:
    """An entry of a system routine, None if the routine is none of the system's."""
    found = registry.system_routine(routine)
    if found is None:
        return None
    entry = found.get(label)
    if entry is None:
        raise MError("NOLINE", f"*{label}^{routine}", "no such entry is emulated")
    return lambda machine, given, wants: registry.call(machine, entry, f"{label}^{routine}", given)
