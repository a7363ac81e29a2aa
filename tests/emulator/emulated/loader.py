# SPDX-License-Identifier: GPL-3.0-or-later
"""Load of files into a namespace (FACTS 2.1, 2.2): item by item, not a transaction."""

from __future__ import annotations

import os
import time
from xml.etree.ElementTree import Element

from emulated import class_text
from emulated.code import ClassText, RoutineText
from emulated.compiler import Compiler, Outcome
from emulated.export_file import Item, Refused, read_items
from emulated.layout import Settings
from emulated.library import status
from emulated.machine import Machine
from emulated.messages import message
from emulated.qualifiers import Options
from emulated.specials import horolog


class Loader:
    """One call of Load, ImportDir, LoadDir or LoadStream."""

    def __init__(self, vm: Machine, options: Options, list_only: bool = False, selected: str = "") -> None:
        self.vm = vm
        self.options = options
        self.list_only = list_only
        self.selected = [each.strip().upper() for each in selected.split(",") if each.strip()]
        self.compiler = Compiler(vm, options)
        self.loaded: list[str] = []
        self.classes: list[str] = []
        self.routines: list[tuple[str, str]] = []

    @property
    def outcome(self) -> Outcome:
        return self.compiler.outcome

    def begin(self) -> None:
        if not self.list_only:
            self.compiler.say("load_started", time.strftime("%m/%d/%Y %H:%M:%S"))

    def file(self, path: str) -> None:
        """Take one file in; what cannot be read is an error of the result."""
        try:
            with open(path, "rb") as opened:
                data = opened.read()
        except FileNotFoundError:
            self.compiler.fail(status.error(5012, path))
            return
        except OSError:
            self.compiler.fail(status.error(5005, path))
            return
        self.data(path, data)

    def data(self, path: str, data: bytes) -> None:
        try:
            kind, items = read_items(self.vm.settings, data)
        except Refused as refused:
            self._loading(path, "xml")
            self.compiler.fail(status.error(refused.code, *refused.parameters))
            return
        self._loading(path, kind)
        for item in items:
            if not self.selected or item.name.upper() in self.selected:
                self._item(item)

    def _loading(self, path: str, kind: str) -> None:
        if not self.list_only:
            self.compiler.say("loading", path, kind)

    def _item(self, item: Item) -> None:
        self.loaded.append(item.name)
        if self.list_only:
            return
        _IMPORT[item.kind](self, item)
        if self.options.shows_log:
            kind = message(self.vm.settings.scenario.language, item.kind)
            self.compiler.say("imported", kind, self._shown(item))

    def _shown(self, item: Item) -> str:
        return item.name if item.kind in ("csp", "document", "routine") else item.name.rpartition(".")[0]

    def finish(self) -> None:
        """Compile if the flags say so, and say how it went."""
        if self.list_only:
            return
        if self.options.on("compile"):
            self._compile()
        count = len(self.outcome.errors)
        if count:
            self.compiler.say("load_errors", count)
        else:
            self.compiler.say("load_finished")
        if self.options.shows_log:
            self.vm.devices.current.new_line()

    def _compile(self) -> None:
        if self.classes and self.options.shows_log:
            language = self.vm.settings.scenario.language
            self.vm.devices.current.write(message(language, "compiling_many", len(self.classes)))
        for name, kind in self.routines:
            self.compiler.routine(name, kind)
        self.compiler.classes(self.classes)
        if self.options.on("subclasses"):
            self.compiler.classes(self.compiler.subclasses(self.classes))

    # -- kinds -----------------------------------------------------------------------

    def _class(self, item: Item) -> None:
        element: Element = item.content
        now = horolog(fraction=True)
        changed = element.findtext("TimeChanged") or now
        created = element.findtext("TimeCreated") or now
        class_text.without_times(element)
        name = element.get("name", "")
        self.compiler.store.put_definition(ClassText(name, class_text.lines_of(element), changed, created))
        self.classes.append(name)

    def _routine(self, item: Item) -> None:
        name, _, kind = item.name.rpartition(".")
        timestamp = item.attributes.get("timestamp") or horolog(fraction=True)
        self.compiler.store.put_routine(RoutineText(
            name, kind, item.content, timestamp, item.attributes.get("languagemode", "0"),
            item.attributes.get("generated") == "1"))
        self.routines.append((name, kind))

    def _global(self, item: Item) -> None:
        """The existing global is killed first unless /mergeglobal=1 (2.2)."""
        name = item.attributes["name"]
        if not self.options.on("mergeglobal"):
            self.vm.place(name, []).kill()
        directory = self.vm.place(name, []).directory
        self.vm.globals.set_many([(directory, name, subscripts, value) for subscripts, value in item.content])

    def _document(self, item: Item) -> None:
        self.compiler.store.put_document(item.name, class_text.lines_of(item.content))
        if item.name == "Ens.Config.DefaultSettings.esd":
            from emulated.library.defaults import import_defaults

            import_defaults(self.vm, item.content)

    def _csp(self, item: Item) -> None:
        """Pages lie as files below the install directory."""
        data, element = item.content
        path = page_path(self.vm.settings, item.name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        self.compiler.store.put_document(item.name, class_text.lines_of(element))


def page_path(settings: Settings, name: str) -> str:
    """The file of a page: ``/csp/user/x.csp`` lies below the install directory's ``csp``."""
    return f"{settings.install}/csp/{name.lstrip('/').removeprefix('csp/')}"


_IMPORT = {
    "class": Loader._class, "routine": Loader._routine, "global": Loader._global, "project": Loader._document,
    "document": Loader._document, "package": Loader._document, "csp": Loader._csp,
}
