# SPDX-License-Identifier: GPL-3.0-or-later
"""The master configuration of an emulated cell: applications and configuration objects, as values."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass, field, replace

BINDINGS = "WEB-INF/ibm-web-bnd.xml"
REFERENCES = "WEB-INF/references.txt"


class ScriptingError(Exception):
    """What wsadmin raises: a Java exception whose text begins with its class."""

    def __init__(self, text: str, kind: str = "com.ibm.ws.scripting.ScriptingException") -> None:
        super().__init__(f"{kind}: {text}")


@dataclass(frozen=True)
class Application:
    """An installed application. ``bindings``: what its references are bound to; ``serial`` grows with every save."""

    name: str
    ear: bytes
    context_root: str
    targets: tuple[str, ...]
    virtual_host: str
    bindings: dict[str, str] = field(default_factory=dict)
    serial: int = 0

    @property
    def module(self) -> str:
        """Name of the web module."""
        with zipfile.ZipFile(io.BytesIO(self.ear)) as archive:
            return next(name for name in archive.namelist() if name.endswith(".war"))

    def view(self) -> str:
        """What AdminApp.view prints: translated labels, so nobody may read more out of it than equality."""
        lines = [f"Module:  {self.module}", f"Context Root:  {self.context_root}"]
        lines += [f"Virtual host:  {self.virtual_host}"]
        lines += [f"Server:  {target}" for target in sorted(self.targets)]
        lines += [f"Reference {name}:  {bound}" for name, bound in sorted(self.bindings.items())]
        return "\n".join(lines)

    def exported(self) -> bytes:
        """The EAR with the bindings collected in its web module, which is packed anew."""
        text = f'<web-bnd><virtual-host name="{self.virtual_host}"/>'
        text += "".join(f'<resource-ref name="{one}" binding-name="{to}"/>' for one, to in self.bindings.items())
        return rewritten(self.ear, {BINDINGS: text + "</web-bnd>"})

    def descriptor(self) -> bytes:
        """META-INF/application.xml as the product keeps it beside the binary."""
        web = f"<web><web-uri>{self.module}</web-uri><context-root>{self.context_root}</context-root></web>"
        return f'<application xmlns="http://java.sun.com/xml/ns/javaee"><module>{web}</module></application>'.encode()

    def binding_document(self) -> bytes:
        """The bindings of the web module as the product keeps them."""
        return f'<web-bnd><virtual-host name="{self.virtual_host}"/></web-bnd>'.encode()


@dataclass
class Configuration:
    """Everything that is saved; ``objects`` by id: type and attributes, ``paths``: containment path to id."""

    applications: dict[str, Application] = field(default_factory=dict)
    objects: dict[str, tuple[str, dict[str, object]]] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    orphans: list[str] = field(default_factory=list)
    serial: int = 0
    made: int = 0

    def copied(self) -> Configuration:
        """A workspace of its own."""
        objects = {key: (kind, dict(attributes)) for key, (kind, attributes) in self.objects.items()}
        return replace(
            self, applications=dict(self.applications), objects=objects, paths=dict(self.paths),
            orphans=list(self.orphans),
        )

    def jvm_properties(self, node: str, server: str) -> dict[str, str]:
        """The properties that the JVM of a server starts with."""
        found: dict[str, str] = {}
        for kind, attributes in self.objects.values():
            if kind == "JavaVirtualMachine" and attributes["of"] == self.paths[f"/Node:{node}/Server:{server}/"]:
                named = attributes["systemProperties"]
                assert isinstance(named, list)
                found = {str(self.objects[one][1]["name"]): str(self.objects[one][1]["value"]) for one in named}
        return found

    def add(self, kind: str, attributes: dict[str, object], path: str = "") -> str:
        """A configuration object under a new id."""
        self.made += 1
        made = f"{attributes.get('name', '')}(cells/emulated|objects.xml#{kind}_{self.made})"
        self.objects[made] = (kind, attributes)
        if path:
            self.paths[path] = made
        return made


def rewritten(ear: bytes, extra: dict[str, str]) -> bytes:
    """The same EAR with members added to its web module, as a product that packs it anew writes it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(ear)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, _with_members(data, extra) if name.endswith(".war") else data)
    return out.getvalue()


def _with_members(war: bytes, extra: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(war)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in extra:
                new.writestr(name, old.read(name))
        for name, text in extra.items():
            new.writestr(name, text)
    return out.getvalue()


def web_member(ear: bytes, member: str) -> str:
    """The text of a member of the web module, empty without it."""
    with zipfile.ZipFile(io.BytesIO(ear)) as archive:
        war = next(archive.read(name) for name in archive.namelist() if name.endswith(".war"))
    with zipfile.ZipFile(io.BytesIO(war)) as module:
        return module.read(member).decode() if member in module.namelist() else ""


def carried_bindings(ear: bytes) -> dict[str, str]:
    """Bindings that an EAR brings along, as an exported one does."""
    return dict(re.findall(r'<resource-ref name="([^"]+)" binding-name="([^"]+)"', web_member(ear, BINDINGS)))


def references(ear: bytes) -> set[str]:
    """References that the web module declares; a binding without one is dropped by an update."""
    return set(web_member(ear, REFERENCES).split())
