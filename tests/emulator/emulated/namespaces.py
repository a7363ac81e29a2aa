# SPDX-License-Identifier: GPL-3.0-or-later
"""Which database a global, or the code, of a namespace lies in: the CPF says it (FACTS 1.3)."""

from __future__ import annotations

import re

from emulated.errors import MError
from emulated.layout import Settings, read_cpf

#: Globals that lie with the code (FACTS 3.4).
CODE_GLOBALS = frozenset({"ROUTINE", "oddDEF", "oddCOM", "rOBJ", "rMAC", "rINC", "oddPROJECT", "rTIMES"})
_TEMPORARY = re.compile(r"(IRIS\.Temp|CacheTemp|mtemp)")


class Namespaces:
    """Namespaces and mappings of an instance, as its CPF has them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._sections = read_cpf(settings.cpf)

    def known(self, name: str) -> str:
        """The namespace's own spelling; <NAMESPACE> if there is none."""
        for each in self._sections.get("Namespaces", {}):
            if each.upper() == name.upper():
                return each
        raise MError("NAMESPACE", f"*{name}")

    def code(self, namespace: str) -> str:
        """Directory of the code of a namespace; code mapped from elsewhere is not emulated."""
        mapped = self._sections.get(f"Map.{namespace}", {})
        if any(each.startswith(("Routine_", "Package_")) for each in mapped):
            raise MError("NAMESPACE", f"*{namespace}", "mappings of routines and packages are not emulated")
        return self._of(namespace, -1)

    def data(self, namespace: str) -> str:
        """Directory of the globals of a namespace."""
        return self._of(namespace, 0)

    def directory(self, namespace: str, name: str) -> str:
        """Directory of a global; ``^^dir`` as a namespace is the directory itself."""
        if namespace.startswith("^^"):
            directory = namespace[2:]
            return directory if directory.endswith("/") else directory + "/"
        space = self.known(namespace)
        mapped = self._sections.get(f"Map.{space}", {}).get(f"Global_{name}")
        if mapped:
            return self.database(mapped)
        if _TEMPORARY.match(name):
            return self.database(f"{self.settings.product.stem.upper()}TEMP")
        if name.startswith("%"):
            return self.data("%SYS")
        return self.code(space) if name in CODE_GLOBALS else self.data(space)

    def database(self, name: str) -> str:
        """Directory of a database; flags and servers after a comma are cut off."""
        found = self._sections.get("Databases", {}).get(name)
        if found is None:
            raise MError("NAMESPACE", f"*{name}", "the CPF names no such database")
        return found.split(",")[0]

    def _of(self, namespace: str, part: int) -> str:
        if namespace.startswith("^^"):
            return self.directory(namespace, "")
        return self.database(self._sections["Namespaces"][self.known(namespace)].split(",")[:2][part])
