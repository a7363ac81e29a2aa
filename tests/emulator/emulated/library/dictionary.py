# SPDX-License-Identifier: GPL-3.0-or-later
"""%Dictionary: what classes there are (FACTS 2.1), and the arguments of a system method (FAULTS, InterSystems)."""

from __future__ import annotations

import hashlib
from xml.etree.ElementTree import Element

from emulated import class_text, registry
from emulated.code import ClassText, CodeStore
from emulated.errors import MError
from emulated.library import status
from emulated.machine import Machine
from emulated.registry import method
from emulated.values import Oref, Value, text
from emulated.variables import Tree


class DictionaryObject(Oref):
    """Properties of a definition, to be read."""

    def __init__(self, class_name: str, properties: dict[str, Value]) -> None:
        super().__init__()
        self.class_name = class_name
        self.properties = properties

    def get_property(self, name: str) -> Value:
        if name not in self.properties:
            raise MError("PROPERTY DOES NOT EXIST", f"*{name},{self.class_name}")
        return self.properties[name]


def _system(vm: Machine, name: str) -> bool:
    return registry.system_class(vm, name) is not None


@method("%Dictionary.ClassDefinition", "%ExistsId", "id")
def definition_exists(vm: Machine, name: Value) -> Value:
    return int(CodeStore(vm).definition(text(name)) is not None or _system(vm, text(name)))


@method("%Dictionary.CompiledClass", "%ExistsId", "id")
def compiled_exists(vm: Machine, name: Value) -> Value:
    return int(CodeStore(vm).compiled(text(name)) is not None or _system(vm, text(name)))


@method("%Dictionary.ClassDefinition", "%OpenId", "id,concurrency=-1,&sc")
def open_definition(vm: Machine, name: Value, concurrency: Value, found: Tree) -> Value:
    return _opened(vm, "%Dictionary.ClassDefinition", CodeStore(vm).definition(text(name)), name, found)


@method("%Dictionary.CompiledClass", "%OpenId", "id,concurrency=-1,&sc")
def open_compiled(vm: Machine, name: Value, concurrency: Value, found: Tree) -> Value:
    return _opened(vm, "%Dictionary.CompiledClass", CodeStore(vm).compiled(text(name)), name, found)


def _opened(vm: Machine, kind: str, definition: ClassText | None, name: Value, found: Tree) -> Value:
    if definition is None:
        found.value = status.error(5809, kind, name)
        return ""
    found.value = status.OK
    element: Element = class_text.element_of(definition)
    digest = hashlib.sha256("\n".join(definition.lines).encode()).hexdigest()
    properties: dict[str, Value] = {
        "Name": definition.name, "Super": element.findtext("Super") or "", "TimeChanged": definition.changed,
        "TimeCreated": definition.created, "System": element.findtext("System") or "0",
    }
    if kind.endswith("CompiledClass"):
        properties.update({"Hash": digest[:11], "CompilationSignature": digest[11:22]})
    return DictionaryObject(kind, properties)


@method("%Dictionary.CompiledMethod", "%ExistsId", "id")
def method_exists(vm: Machine, name: Value) -> Value:
    return int(_method_spec(vm, text(name)) is not None)


@method("%Dictionary.CompiledMethod", "%OpenId", "id,concurrency=-1,&sc")
def open_method(vm: Machine, name: Value, concurrency: Value, found: Tree) -> Value:
    """``Class||Method``."""
    spec = _method_spec(vm, text(name))
    if spec is None:
        found.value = status.error(5809, "%Dictionary.CompiledMethod", name)
        return ""
    found.value = status.OK
    return DictionaryObject("%Dictionary.CompiledMethod", {"Name": text(name).partition("||")[2], "FormalSpec": spec})


def _method_spec(vm: Machine, name: str) -> str | None:
    class_name, _, member = name.partition("||")
    native = registry.system_class(vm, class_name)
    if native is not None:
        return native[member].shown_spec(vm.settings) if member in native else None
    text_ = CodeStore(vm).compiled(class_name)
    return class_text.describe(text_).methods.get(member) if text_ else None
