# SPDX-License-Identifier: GPL-3.0-or-later
"""The server configuration file that relmgmt keeps for one application on Liberty."""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple, Optional
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError

_ELEMENTS = ("application", "webApplication", "enterpriseApplication", "ejbApplication", "springBootApplication")
_HEADER = "<!-- Kept by relmgmt: a change by hand is overwritten by the next release. -->"


class Placement(NamedTuple):
    """Where an override says that an application's WAR lies and what it is reached under."""

    location: str
    context_root: str


def override_name(application: str) -> str:
    """File name below configDropins/overrides."""
    return "relmgmt-%s.xml" % application


def war_name(application: str, sha256: str) -> str:
    """File name below apps: the digest in it makes every cutover a change of configuration.

    Liberty does not look at the WAR itself once it has expanded it (autoExpand, the default of a new
    server), nor after a failed start; a changed location it always sees.
    """
    return "%s-%s.war" % (application, sha256[:12])


def war_names(application: str) -> "re.Pattern[str]":
    """The file names below apps that war_name makes for an application."""
    return re.compile(r"\A%s-[0-9a-f]{12}\.war\Z" % re.escape(application))


def render_override(application: str, context_root: str, location: str) -> bytes:
    """The whole file; values are quoted for XML and free of Liberty's ${variables} by their checks."""
    element = "<webApplication id=%s name=%s location=%s contextRoot=%s/>" % tuple(
        quoteattr(value) for value in ("relmgmt-" + application, application, location, context_root)
    )
    text = '<?xml version="1.0" encoding="UTF-8"?>\n<server>\n    %s\n    %s\n</server>\n'
    return (text % (_HEADER, element)).encode("utf-8")


def read_override(data: bytes, place: str) -> Placement:
    """Location and context root of an override file."""
    for element in _root(data, place).iter("webApplication"):
        return Placement(element.get("location", ""), element.get("contextRoot", ""))
    raise AppServerError("the file names no application", place, "remove it, then run the deployment again")


def defines_elsewhere(data: bytes, application: str, place: str) -> Optional[str]:
    """The element of another configuration file that defines the same application, as text."""
    for element in _root(data, place).iter():
        location = element.get("location", "")
        base = posixpath.basename(location)
        default = base.rsplit(".", 1)[0] if "." in base else base
        if element.tag in _ELEMENTS and element.get("name", default) == application:
            return '<%s location="%s">' % (element.tag, location)
    return None


def _root(data: bytes, place: str) -> ElementTree.Element:
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise AppServerError("the configuration file has a document type", place, "remove the DOCTYPE from it")
    try:
        return ElementTree.fromstring(data)  # noqa: S314 - without a DOCTYPE there are no entities to expand
    except ElementTree.ParseError as error:
        raise AppServerError("the configuration file is not sound XML: %s" % error, place, "correct it") from error
