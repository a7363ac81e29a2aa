# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiling classes and routines: what fails stays imported and uncompiled, the rest goes live (FACTS 2.2)."""

from __future__ import annotations

import time
from xml.etree.ElementTree import Element

from emulated import class_text
from emulated.code import ClassText, CodeStore, RoutineText, include_macros
from emulated.errors import SyntaxFault
from emulated.library import status
from emulated.machine import Machine
from emulated.messages import message
from emulated.qualifiers import Options
from emulated.routine_parser import faults
from emulated.specials import horolog
from emulated.values import Value

_SYSTEM_PREFIXES = ("%", "Ens", "EnsLib", "EnsPortal", "Config", "Security", "SYS")


class Outcome:
    """What went wrong: statuses in order, and one line per error for the error log."""

    def __init__(self) -> None:
        self.statuses: list[Value] = []
        self.errors: list[str] = []

    @property
    def status(self) -> Value:
        return status.joined(*self.statuses) if self.statuses else status.OK


class Compiler:
    """Compiles in one namespace, writing what a console would show."""

    def __init__(self, vm: Machine, options: Options) -> None:
        self.vm = vm
        self.options = options
        self.store = CodeStore(vm)
        self.outcome = Outcome()
        self.started = time.monotonic()

    # -- telling ---------------------------------------------------------------------

    def say(self, name: str, *values: object) -> None:
        if self.options.shows_log:
            self.vm.devices.current.write("\n" + message(self.vm.settings.scenario.language, name, *values))

    def fail(self, one: Value, *lines: str) -> None:
        """An error: its lines on the console, its status in the result."""
        self.outcome.statuses.append(one)
        shown = list(lines) or status.texts(self.vm, one)
        self.outcome.errors.append("\n".join(shown))
        if self.options.shows_errors:
            self.vm.devices.current.write("".join("\n" + line for line in shown))

    # -- routines --------------------------------------------------------------------

    def routine(self, name: str, kind: str) -> bool:
        """Compile one routine; include files have nothing to compile."""
        text = self.store.routine(name, kind)
        if text is None:
            self.fail(status.error(6024, f"{name}.{kind}"))
            return False
        if kind not in ("MAC", "INT"):
            return True
        self.say("compiling_routine", f"{name}.{kind}" if kind == "MAC" else name)
        source = "\n".join(text.lines)
        found = faults(name, source, macros=include_macros(self.store, source))
        for fault in found:
            self._routine_fault(f"{name}.{kind.lower()}", name, source, fault)
        if found:
            return False
        self._make(name, text.lines, kind == "MAC")
        return True

    def _make(self, name: str, lines: list[str], with_int: bool) -> None:
        if with_int:
            self.store.put_routine(RoutineText(name, "INT", lines, horolog(fraction=True), "0", True))
        self.store.put_object(name, horolog(fraction=True), lines)

    def _routine_fault(self, document: str, name: str, source: str, fault: SyntaxFault) -> None:
        """The line of an error, and the line of code that it is in (2.2)."""
        place = place_of(source, fault.line)
        label, _, offset = place.partition("+")
        own = f"{label.removeprefix('z')}+{int(offset or 0) + 1}" if document.endswith(".cls") else place
        code, words = (1003, fault.message) if fault.message.startswith("Expected space") else (1026, fault.message)
        line = f"ERROR: {document}({own}) #{code}: {words} : '{_near(fault)}' : Offset:{fault.column} [{place}^{name}]"
        if self.vm.facts.routine_error_place == "line" and not document.endswith(".cls"):
            stem, _, kind = document.rpartition(".")
            line = f"ERROR: {stem}.{kind.upper()}({fault.line + 1}) #{code}: {words}"
        self.fail(status.error(5475, name if document.endswith(".cls") else document, f"{line}"),
                  line, message(self.vm.settings.scenario.language, "text", fault.source))

    # -- classes ---------------------------------------------------------------------

    def classes(self, names: list[str]) -> None:
        """Compile classes, superclasses first; one that fails keeps its subclasses from compiling too."""
        waiting = {name: self._element(name) for name in names}
        failed: set[str] = set()
        for name in self._ordered({name: each for name, each in waiting.items() if each is not None}):
            element = waiting[name]
            if element is not None and not self._class(name, element, failed):
                failed.add(name)

    def subclasses(self, names: list[str]) -> list[str]:
        """Compiled classes that inherit from these, at whatever distance (flag b)."""
        supers = {each: class_text.super_classes(class_text.element_of(text))
                  for each in self.store.compiled_classes() if (text := self.store.compiled(each))}
        found: list[str] = []
        changed = True
        while changed:
            more = [each for each, above in supers.items()
                    if each not in found and each not in names and set(above) & {*names, *found}]
            found += more
            changed = bool(more)
        return found

    def _element(self, name: str) -> Element | None:
        text = self.store.definition(name)
        if text is None:
            self.fail(status.error(5351, name))
            return None
        return class_text.element_of(text)

    def _ordered(self, elements: dict[str, Element]) -> list[str]:
        found: list[str] = []

        def visit(name: str, above: tuple[str, ...]) -> None:
            if name in found or name in above:
                return
            for each in class_text.super_classes(elements[name]):
                if each in elements:
                    visit(each, (*above, name))
            found.append(name)

        for name in elements:
            visit(name, ())
        return found

    def _class(self, name: str, element: Element, failed: set[str]) -> bool:
        missing = [each for each in class_text.super_classes(element) if not self._known(each, failed)]
        if missing:
            # FACTS 2.2: the class is skipped and the rest goes on.
            self.fail(status.error(5373, missing[0], f"{name}:Super"))
            self.say("skipping", name)
            return False
        if self.options.on("updateonly") and self._up_to_date(name):
            return True
        self.say("compiling_class", name)
        lines = class_text.generated_routine(element)
        routine = f"{name}.1"
        if class_text.methods_of(element) and not self._generated(name, routine, lines):
            return False
        text = self.store.definition(name)
        assert text is not None
        if self.options.on("deleteextent"):
            self._delete_extent(element)
        self.store.put_compiled(ClassText(name, text.lines, text.changed, text.created))
        if class_text.production_data(element) is not None:
            self._production(name)
        return True

    def _production(self, name: str) -> None:
        """Compiling a production reads its definition into the tables, whatever they held (4.1)."""
        from emulated.library.configuration import load_from_class

        load_from_class(self.vm, name)

    def _up_to_date(self, name: str) -> bool:
        """Flag u: what was compiled as it stands is left alone (2.2)."""
        return self.store.compiled(name) == self.store.definition(name)

    def _generated(self, name: str, routine: str, lines: list[str]) -> bool:
        self.say("compiling_routine", routine)
        source = "\n".join(lines)
        macros = include_macros(self.store, source)
        found = faults(routine, source, name, macros)
        if not found:
            self._make(routine, lines, True)
            return True
        for fault in found:
            self._routine_fault(f"{name}.cls", routine, source, fault)
        last = self.outcome.statuses.pop()
        self.outcome.statuses.append(status.joined(last, status.error(5030, name)))
        return False

    def _known(self, name: str, failed: set[str]) -> bool:
        if name.startswith(_SYSTEM_PREFIXES):
            return True
        return name not in failed and self.store.compiled(name) is not None

    def _delete_extent(self, element: Element) -> None:
        """Flag e: the data of the class are gone (2.2)."""
        for name in class_text.storage_globals(element):
            self.vm.place(name, []).kill()

    # -- the end ---------------------------------------------------------------------

    def seconds(self) -> str:
        return f"{time.monotonic() - self.started:.3f}"


def _near(fault: SyntaxFault) -> str:
    return fault.source[fault.column : fault.column + 1].strip() or "}"


def place_of(source: str, line: int) -> str:
    """``label+n`` of a line of a routine."""
    lines = source.split("\n")
    for at in range(line, -1, -1):
        head = lines[at][:1]
        if head and head not in " \t;#}/{" and lines[at].strip():
            label = lines[at].split("(")[0].split(" ")[0].split("\t")[0].split(";")[0]
            return label + (f"+{line - at}" if line - at else "")
    return f"+{line + 1}"
