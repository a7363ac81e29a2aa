# SPDX-License-Identifier: GPL-3.0-or-later
"""The EAR that a WAR travels in to traditional WebSphere, and what such an EAR says of itself.

WebSphere would wrap a WAR itself, under names of its own; ours holds the very WAR and a note of its digest.
The note counts only as long as the WAR's content is the one that it was written for: a server may pack a WAR anew.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Dict, Iterable, List, NamedTuple, Optional, Set
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from ansible_collections.relmgmt.release.plugins.module_utils._core.tree import Entry
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError

DESCRIPTOR, NOTE = "META-INF/application.xml", "META-INF/relmgmt.json"
#: what the product writes into modules: bindings, extensions, the archive's own manifest
_OF_THE_PRODUCT = re.compile(
    r"\A(?:META-INF/MANIFEST\.MF|(?:META|WEB)-INF/(?:ibm-[A-Za-z0-9-]+\.xm[il]|was\.policy))\Z"
)
_XML = """<?xml version="1.0" encoding="UTF-8"?>
<application xmlns="http://java.sun.com/xml/ns/javaee" version="5">
  <display-name>%s</display-name>
  <module>
    <web>
      <web-uri>%s</web-uri>
      <context-root>%s</context-root>
    </web>
  </module>
</application>
"""


class Note(NamedTuple):
    """What an EAR of ours says: digest of the WAR as it was delivered, and of its content."""

    sha256: str
    content: str


def module_name(application: str) -> str:
    """Name of the one web module in the EAR of an application."""
    return "%s.war" % application


def render_descriptor(application: str, context_root: str) -> bytes:
    """application.xml of the EAR."""
    texts = tuple(escape(text) for text in (application, module_name(application), context_root))
    return (_XML % texts).encode("utf-8")


def read_context_root(data: bytes, place: str) -> str:
    """Context root of the only web module; empty if there is not exactly one."""
    found = [element.text or "" for element in _root(data, place).iter() if _tag(element) == "context-root"]
    return "/" + found[0].strip().strip("/") if len(found) == 1 else ""


def read_virtual_host(data: bytes, place: str) -> str:
    """Virtual host in the bindings of a web module, in the older form (.xmi) or the newer one (.xml)."""
    for element in _root(data, place).iter():
        if element.get("virtualHostName"):
            return str(element.get("virtualHostName"))
        if _tag(element) == "virtual-host":
            return element.get("name", "")
    return ""


def content_digest(entries: Iterable[Entry]) -> str:
    """One SHA-256 over paths and contents of the files, but for those that the product writes."""
    lines = [
        "%s %s\n" % (entry.path, entry.sha256) for entry in sorted(entries)
        if not entry.is_directory and not _OF_THE_PRODUCT.match(entry.path)
    ]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def render_note(note: Note) -> bytes:
    """The note as it lies in the EAR."""
    return json.dumps(note._asdict(), sort_keys=True).encode("ascii")


def read_note(data: bytes) -> Optional[Note]:
    """The note of an EAR, None if that is not one of ours."""
    try:
        found = json.loads(data.decode("ascii"))
        return Note(str(found["sha256"]), str(found["content"]))
    except (ValueError, KeyError, TypeError):
        return None


def delivered_digest(sha256: str, content: str, note: Optional[Note]) -> str:
    """Digest of the WAR that was delivered: the file's own, unless it was merely packed anew since."""
    if note is not None and note.content == content:
        return note.sha256
    return sha256


def documents(cell: str, application: str) -> Dict[str, str]:
    """URIs of an application's documents in the master configuration, by what they tell."""
    ear = "cells/%s/applications/%s.ear" % (cell, application)
    deployed = "%s/deployments/%s" % (ear, application)
    bindings = "%s/%s/WEB-INF/ibm-web-bnd" % (deployed, module_name(application))
    return {
        "ear": "%s/%s.ear" % (ear, application),
        "descriptor": "%s/%s" % (deployed, DESCRIPTOR),
        "bindings_xml": "%s.xml" % bindings,
        "bindings_xmi": "%s.xmi" % bindings,
    }


def server_target(cell: str, node: str, server: str) -> str:
    """A server as the options of AdminApp name it."""
    return "WebSphere:cell=%s,node=%s,server=%s" % (cell, node, server)


def cluster_target(cell: str, cluster: str) -> str:
    """A cluster as the options of AdminApp name it."""
    return "WebSphere:cell=%s,cluster=%s" % (cell, cluster)


def module_targets(lines: Iterable[str]) -> List[str]:
    """The targets in the lines of `AdminApp.listModules(NAME, '-server')`, sorted."""
    found: Set[str] = set()
    for line in lines:
        named = line.split("#", 2)[-1]
        found.update("WebSphere:" + target for target in re.split(r"\+?WebSphere:", named) if target)
    return sorted(found)


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rsplit("}", 1)[-1]


def _root(data: bytes, place: str) -> ElementTree.Element:
    if b"<!ENTITY" in data:
        raise AppServerError("the document declares entities", place, "remove them from it")
    try:
        return ElementTree.fromstring(data)  # noqa: S314 - without declared entities there are none to expand
    except ElementTree.ParseError as error:
        raise AppServerError("the document is not sound XML: %s" % error, place, "correct it") from error
