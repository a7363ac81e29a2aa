# SPDX-License-Identifier: GPL-3.0-or-later
"""Which system classes, methods and routines there are, and what they take."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from emulated.errors import MError
from emulated.values import Value, text
from emulated.variables import Tree

if TYPE_CHECKING:
    from emulated.layout import Settings
    from emulated.machine import Given, Machine

Native = Callable[..., Any]
Function = TypeVar("Function", bound=Native)
Condition = Callable[["Settings"], bool]


class Formal(NamedTuple):
    name: str
    default: str
    by_reference: bool


class Method(NamedTuple):
    """A method of a system class; ``formal_spec`` depends on the product's age where it is a function."""

    function: Native
    formal_spec: str | Callable[[Settings], str]
    instance: bool
    when: Condition | None

    def shown_spec(self, settings: Settings) -> str:
        """As %Dictionary.CompiledMethod shows it."""
        return self.formal_spec if isinstance(self.formal_spec, str) else self.formal_spec(settings)


#: The module of ``library`` that answers for a class or routine, and the section of FACTS that it rests on.
#: "language" stands for what code of any kind needs: statuses, exceptions, streams, files, queries.
_MODULES = {
    "%SYSTEM.OBJ": ("objects", "2.1, 2.2"), "%SYSTEM.Status": ("status", "2.2, language"),
    "%SYSTEM.Process": ("system", "1.2"), "%SYSTEM.Encryption": ("encryption", "2.1"),
    "%SYSTEM.Mirror": ("mirror", "3.6"), "%SYS.ProcessQuery": ("processes", "not in FACTS: a switch"),
    "%Exception.AbstractException": ("exceptions", "1.2, language"),
    "%Exception.SystemException": ("exceptions", "1.2, language"),
    "%Exception.StatusException": ("exceptions", "1.2, language"),
    "%Exception.General": ("exceptions", "1.2, language"),
    "%Routine": ("routines", "2.1"), "%RoutineMgr": ("routines", "2.1"), "%Library.Routine": ("routines", "2.1"),
    "%Library.RoutineMgr": ("routines", "2.1"), "%ResultSet": ("queries", "2.1, 3.2, language"),
    "%Library.ResultSet": ("queries", "2.1, 3.2, language"),
    "%Dictionary.ClassDefinition": ("dictionary", "2.1"), "%Dictionary.CompiledClass": ("dictionary", "2.1"),
    "%Dictionary.CompiledMethod": ("dictionary", "FAULTS, InterSystems"),
    "%Library.File": ("files", "language"), "%File": ("files", "language"),
    "%Stream.FileCharacter": ("streams", "2.1, language"), "%Stream.FileBinary": ("streams", "2.1, language"),
    "%Stream.GlobalCharacter": ("streams", "2.1, language"), "%Stream.GlobalBinary": ("streams", "2.1, language"),
    "%Stream.TmpCharacter": ("streams", "2.1, language"), "%Stream.TmpBinary": ("streams", "2.1, language"),
    "%FileCharacterStream": ("streams", "2.1, language"), "%FileBinaryStream": ("streams", "2.1, language"),
    "%GlobalCharacterStream": ("streams", "2.1, language"),
    "Backup.General": ("backup", "3.1, FAULTS"), "SYS.Database": ("database", "3.3"),
    "%SYS.Journal.System": ("journals", "3.4"), "%SYS.Journal.File": ("journals", "3.4"),
    "Ens.Director": ("production", "4.2"), "Ens.Config.DefaultSettings": ("defaults", "4.1"),
    "Ens.Config.Production": ("configuration", "4.1"), "Ens.Config.Item": ("configuration", "4.1"),
    "Ens.Config.Setting": ("configuration", "4.1"), "%Collection.ListOfObj": ("collections", "4.1, language"),
    "^Integrity": ("integrity", "3.5"), "^JRNSWTCH": ("journals", "3.4"),
}
CLASSES: dict[str, dict[str, Method]] = {}
ROUTINES: dict[str, dict[str, Method]] = {}
#: What a class has its methods from, beside its own.
BASES: dict[str, str] = {}


def method(class_name: str, name: str, formal_spec: str | Callable[[Settings], str] = "", *, instance: bool = False,
           when: Condition | None = None) -> Callable[[Function], Function]:
    """Register a method of a system class. ``&name`` is by reference, ``name=value`` has a default."""

    def register(function: Function) -> Function:
        CLASSES.setdefault(class_name, {})[name] = Method(function, formal_spec, instance, when)
        return function

    return register


def entry(routine: str, label: str, formal_spec: str = "") -> Callable[[Function], Function]:
    """Register an entry of a system routine."""

    def register(function: Function) -> Function:
        ROUTINES.setdefault(routine, {})[label] = Method(function, formal_spec, False, None)
        return function

    return register


def _formals(spec: str) -> tuple[Formal, ...]:
    found = []
    for each in spec.split(",") if spec else ():
        by_reference = each.startswith(("&", "*"))
        name, _, default = each.lstrip("&*").partition("=")
        found.append(Formal(name.partition(":")[0], default.strip('"'), by_reference))
    return tuple(found)


def visible(vm: Machine, class_name: str) -> bool:
    """Whether a namespace sees a system class: those without % lie in %SYS, Ens in the application's (1.2)."""
    if class_name.startswith("%"):
        return True
    if class_name.startswith("Ens"):
        return vm.namespace == "CFIS"
    return vm.namespace == "%SYS"


def system_class(vm: Machine, class_name: str) -> dict[str, Method] | None:
    """Methods of a system class that this product has, None if there is no such class here."""
    if class_name not in _MODULES or not visible(vm, class_name):
        return None
    importlib.import_module(f"emulated.library.{_MODULES[class_name][0]}")
    found: dict[str, Method] = {}
    lineage = [class_name]
    while lineage[-1] in BASES:
        lineage.append(BASES[lineage[-1]])
    for each in reversed(lineage):
        found.update(CLASSES.get(each, {}))
    return {name: each for name, each in found.items() if each.when is None or each.when(vm.settings)}


def system_routine(name: str) -> dict[str, Method] | None:
    """Entries of a system routine, None if there is none of this name."""
    found = _MODULES.get("^" + name)
    if found is None:
        return None
    importlib.import_module(f"emulated.library.{found[0]}")
    return ROUTINES.get(name, {})


def call(vm: Machine, found: Method, what: str, given: list[Given], this: object = None) -> Value | None:
    """Carry a native method out with the arguments that a call gave."""
    formals = _formals(found.shown_spec(vm.settings))
    if len(given) > len(formals):
        raise MError("PARAMETER", why=f"{what} takes {len(formals)} arguments, {len(given)} were given")
    arguments: list[Any] = [this] if found.instance else []
    for index, formal in enumerate(formals):
        arguments.append(_argument(given[index] if index < len(given) else None, formal))
    answer: Value | None = found.function(vm, *arguments)
    return answer


def _argument(actual: Given | None, formal: Formal) -> Any:
    if formal.by_reference:
        if actual is not None and actual.tree is not None:
            return actual.tree
        return Tree(actual.value if actual is not None else None)
    if actual is None:
        return formal.default
    if actual.tree is not None:
        return actual.tree.value if actual.tree.value is not None else formal.default
    return formal.default if actual.value is None else actual.value


def flag(value: Value) -> bool:
    """An argument as a truth value."""
    from emulated.values import truth

    return truth(text(value))
