# SPDX-License-Identifier: GPL-3.0-or-later
"""Export of items as XML (FACTS 2.3)."""

from __future__ import annotations

import base64
import fnmatch
import re
import time
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from emulated import class_text
from emulated.class_text import cdata
from emulated.code import CodeStore
from emulated.machine import Machine
from emulated.qualifiers import Options
from emulated.values import Key, text

_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


class Missing(Exception):
    """An item that is not there."""


class Exporter:
    """Writes the items of a namespace as one export."""

    def __init__(self, vm: Machine, options: Options) -> None:
        self.vm = vm
        self.options = options
        self.store = CodeStore(vm)
        self.plain = options.on("diffexport")

    # -- what there is ---------------------------------------------------------------

    def expand(self, wanted: str) -> list[str]:
        """Items that a name with wildcards stands for; Missing if there are none."""
        stem, _, extension = wanted.rpartition(".")
        kind = extension.upper()
        known = [(name, name.rpartition(".")[0]) for name in self._names(kind)]
        if "*" in stem or "?" in stem:
            found = [name for name, own in known if fnmatch.fnmatchcase(own, stem)]
        else:
            found = [name for name, own in known if own == stem]
        if not found:
            raise Missing(wanted)
        return found

    def _names(self, kind: str) -> list[str]:
        """Items of a kind, as lists show them."""
        if kind == "CLS":
            return [f"{each}.CLS" for each in self.store.classes()]
        if kind == "GBL":
            names = self.vm.globals.names(self.vm.namespaces.data(self.vm.namespace))
            return [f"^{each}.GBL" for each in names]
        routines = [f"{name}.{each}" for name, each in self.store.routines() if each == kind]
        documents = [*self.store.documents(), "Ens.Config.DefaultSettings.esd"]
        return routines + [each for each in dict.fromkeys(documents) if each.upper().endswith(f".{kind}")]

    # -- writing ---------------------------------------------------------------------

    def export(self, items: list[str], charset: str = "UTF-8") -> str:
        """The file's text; its declaration and the Export tags stand on lines of their own."""
        return "\n".join([
            f'<?xml version="1.0" encoding="{charset}"?>', self._head(), *(self.item(each) for each in items),
            "</Export>", "",
        ])

    def _head(self) -> str:
        generator, version = self._format()
        head = f'<Export generator="{generator}" version="{version}"'
        if self.plain:
            return head + ">"
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        return f'{head} zv={quoteattr(self.vm.settings.product.zversion)} ts="{stamp}">'

    def _format(self) -> tuple[str, str]:
        """/exportversion writes the older form (2.3)."""
        product = self.vm.settings.product
        wanted = self.options.values.get("exportversion", "").lower()
        if wanted and wanted[0].isdigit():
            return "Cache", "25"
        return product.generator, product.export_version

    def item(self, name: str) -> str:
        stem, _, extension = name.rpartition(".")
        kind = extension.upper()
        if kind == "CLS":
            return self._class(stem)
        if kind == "GBL":
            return self._global(stem.lstrip("^"))
        if kind in ("MAC", "INT", "INC", "BAS", "MVB", "MVI"):
            return self._routine(stem, kind)
        return self._document(name)

    def _class(self, name: str) -> str:
        definition = self.store.definition(name)
        if definition is None:
            raise Missing(f"{name}.CLS")
        element = class_text.element_of(definition)
        if not self.plain:
            class_text.set_times(element, definition.changed, definition.created)
        return class_text.serialized(element, self.vm.facts.cdata_split) + "\n"

    def _routine(self, name: str, kind: str) -> str:
        routine = self.store.routine(name, kind)
        if routine is None:
            raise Missing(f"{name}.{kind}")
        attributes = f' name={quoteattr(name)} type="{kind}" languagemode="{routine.language_mode}"'
        if not self.plain or self.vm.facts.diffexport_keeps_routine_time:
            attributes += f' timestamp="{routine.timestamp}"'
        if routine.generated:
            attributes += ' generated="1"'
        code = "\n" + "\n".join(routine.lines) + "\n"
        if _UNWRITABLE.search(code) and self.vm.facts.routine_base64:
            encoded = base64.encodebytes(code.encode("utf-8", "surrogatepass")).decode("ascii")
            return f"<RoutineBase64{attributes}>\n{encoded}</RoutineBase64>\n"
        return f"<Routine{attributes}>{cdata(code, self.vm.facts.cdata_split)}</Routine>\n"

    def _global(self, name: str) -> str:
        rows = [(subs, text(value)) for subs, value in self.vm.place(name, []).nodes()]
        tree: dict[Key, object] = {}
        values: dict[tuple[Key, ...], str] = {}
        for subscripts, value in rows:
            values[subscripts] = value
            below = tree
            for each in subscripts:
                below = below.setdefault(each, {})  # type: ignore[assignment]
        lines = ["<Global>", *self._nodes(f"^{name}", (), tree, values), "</Global>"]
        return "\n".join(lines)

    def _nodes(self, shown: str, at: tuple[Key, ...], below: dict[Key, object], values: dict[tuple[Key, ...], str]
               ) -> Iterator[str]:
        yield "<Node>" + self._field("Sub", shown)
        if at in values:
            yield self._field("Data", values[at])
        for each, inner in below.items():
            yield from self._nodes(text(each), (*at, each), inner, values)  # type: ignore[arg-type]
        yield "</Node>"

    def _field(self, tag: str, content: str) -> str:
        if (_UNWRITABLE.search(content) or "\r" in content) and self.vm.facts.base64_names:
            encoded = base64.b64encode(content.encode("latin-1", "replace")).decode("ascii")
            return f"<{tag}Base64>{encoded}</{tag}Base64>"
        return f"<{tag}>{escape(content)}</{tag}>"

    def _document(self, name: str) -> str:
        if name == "Ens.Config.DefaultSettings.esd":
            from emulated.library.defaults import export_defaults

            return export_defaults(self.vm)
        found = self.store.document(name)
        if found is None:
            raise Missing(name)
        return "\n".join(found)
