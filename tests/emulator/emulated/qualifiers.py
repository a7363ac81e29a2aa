# SPDX-License-Identifier: GPL-3.0-or-later
"""Flags and qualifiers of Load, Compile, Export and Delete (FACTS 2.2)."""

from __future__ import annotations

from typing import NamedTuple

_FLAGS = "bcdehiklprsuy"
_NAMES = {
    "b": "subclasses", "c": "compile", "d": "displaylog", "e": "deleteextent", "h": "generated", "i": "checkschema",
    "k": "keepsource", "l": "lock", "p": "percent", "r": "predecessorclasses", "s": "system", "u": "updateonly",
    "y": "related",
}
_QUALIFIERS = frozenset({
    "compile", "displaylog", "displayerror", "display", "keepsource", "multicompile", "checkuptodate", "checkschema",
    "lock", "journal", "diffexport", "createdirs", "exportversion", "mergeglobal", "importselectivity", "skipstorage",
    "recursive", "subclasses", "predecessorclasses", "mapped", "percent", "system", "generated", "unicode",
})


class UnknownQualifier(Exception):
    """A flag or qualifier that FACTS do not list."""


class Options(NamedTuple):
    """What a specification switches on and off; ``values`` by the qualifier's name."""

    values: dict[str, str]

    def on(self, name: str) -> bool:
        return self.values.get(name, "0") not in ("0", "")

    @property
    def shows_log(self) -> bool:
        return self.on("displaylog")

    @property
    def shows_errors(self) -> bool:
        return self.on("displayerror")


def parse(specification: str) -> Options:
    """Flags first, then qualifiers, from left to right; no spaces."""
    values = {"displaylog": "1", "displayerror": "1", "lock": "1", "checkschema": "1", "journal": "1"}
    flags, *qualifiers = specification.split("/")
    _flags(flags, values)
    for each in qualifiers:
        name, has_value, value = each.partition("=")
        lowered = name.lower()
        negated = lowered not in _QUALIFIERS and lowered.startswith("no")
        lowered = lowered.removeprefix("no") if negated else lowered
        if lowered not in _QUALIFIERS:
            raise UnknownQualifier(f"/{each}")
        if lowered == "display":
            values["displaylog"] = str(int(value in ("both", "all", "log")))
            values["displayerror"] = str(int(value in ("both", "all", "error")))
        else:
            values[lowered] = value if has_value else str(int(not negated))
    return Options(values)


def _flags(flags: str, values: dict[str, str]) -> None:
    on = "1"
    for each in flags:
        if each == "-":
            on = "0"
            continue
        if each not in _FLAGS:
            raise UnknownQualifier(each)
        values[_NAMES[each]] = on
        on = "1"
