# SPDX-License-Identifier: GPL-3.0-or-later
"""Liberty's configuration: the file that relmgmt keeps for one application, and what the server's own files say."""

from __future__ import annotations

import posixpath
import re
from typing import List, NamedTuple, Optional, Sequence, Tuple
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError

APPLICATIONS = ("application", "webApplication", "enterpriseApplication", "ejbApplication", "springBootApplication")
HEADER = "<!-- Kept by relmgmt: a change by hand is overwritten by the next release. -->"


POLLED, MBEAN, DISABLED = "polled", "mbean", "disabled"
TRIGGERS = (POLLED, MBEAN, DISABLED)


class Placement(NamedTuple):
    """Where an override says that an application's WAR lies and what it is reached under."""

    location: str
    context_root: str


class Monitoring(NamedTuple):
    """When the server looks at its files again: triggers of its configuration and of its applications' files.

    `dropins`: the directory as configured; `dropins_enabled`: applications are taken from there.
    """

    configuration: str = POLLED
    applications: str = POLLED
    dropins: str = "dropins"
    dropins_enabled: bool = True


def override_name(application: str) -> str:
    """File name below configDropins/overrides."""
    return "relmgmt-%s.xml" % application


def is_override(file: str) -> bool:
    """Is that the name of some application's override file?"""
    return bool(re.match(r"\Arelmgmt-.+\.xml\Z", file))


def war_name(application: str, sha256: str) -> str:
    """File name below apps: the digest in it makes every cutover a change of configuration.

    Liberty does not look at the WAR itself once it has expanded it (autoExpand, the default of a new
    server), nor after a failed start; a changed location it always sees.
    """
    return "%s-%s.war" % (application, sha256[:12])


def war_names(application: str) -> "re.Pattern[str]":
    """The file names below apps that war_name makes for an application."""
    return re.compile(r"\A%s-[0-9a-f]{12}\.war\Z" % re.escape(application))


def render_override(application: str, context_root: str, location: str, libraries: Sequence[str] = ()) -> bytes:
    """The whole file; values are quoted for XML and free of Liberty's ${variables} by their checks."""
    element = "<webApplication id=%s name=%s location=%s contextRoot=%s" % tuple(
        quoteattr(value) for value in ("relmgmt-" + application, application, location, context_root)
    )
    if libraries:
        loader = "        <classloader commonLibraryRef=%s/>" % quoteattr(",".join(libraries))
        element += ">\n%s\n    </webApplication>" % loader
    else:
        element += "/>"
    text = '<?xml version="1.0" encoding="UTF-8"?>\n<server>\n    %s\n    %s\n</server>\n'
    return (text % (HEADER, element)).encode("utf-8")


def read_override(data: bytes, place: str) -> Placement:
    """Location and context root of an override file."""
    for element in root_of(data, place).iter("webApplication"):
        return Placement(element.get("location", ""), element.get("contextRoot", ""))
    raise AppServerError("the file names no application", place, "remove it, then run the deployment again")


def defines_elsewhere(data: bytes, application: str, place: str) -> Optional[str]:
    """The element of another configuration file that defines the same application, as text."""
    for element in root_of(data, place).iter():
        location = element.get("location", "")
        base = posixpath.basename(location)
        default = base.rsplit(".", 1)[0] if "." in base else base
        if element.tag in APPLICATIONS and element.get("name", default) == application:
            return '<%s location="%s">' % (element.tag, location)
    return None


def defines_library(data: bytes, library: str, place: str) -> bool:
    """Does a configuration file define the shared library of this id?"""
    return any(element.get("id") == library for element in root_of(data, place).iter("library"))


def read_monitoring(files: Sequence[Tuple[str, bytes]], stated: str = "") -> Monitoring:
    """What the server's configuration files (path and content, in the order of their merge) say of updates.

    `stated`: the trigger that the inventory names, which counts instead of the files'. Without one a value that
    stands in a variable raises AppServerError: it is not guessed.
    """
    found = Monitoring(stated, stated) if stated else Monitoring()
    for path, data in files:
        for element in root_of(data, path):
            if element.tag == "config":
                found = found._replace(configuration=stated or _trigger(element, found.configuration, path))
            elif element.tag == "applicationMonitor":
                enabled = element.get("dropinsEnabled", str(found.dropins_enabled)).lower()
                found = found._replace(
                    applications=stated or _trigger(element, found.applications, path),
                    dropins=element.get("dropins", found.dropins),
                    dropins_enabled=enabled != "false",
                )
    return found


def _trigger(element: ElementTree.Element, before: str, place: str) -> str:
    value = element.get("updateTrigger", before).lower()
    if value not in TRIGGERS:
        cure = "say which it is: relmgmt_websphere.liberty.update_trigger"
        raise AppServerError("updateTrigger of <%s> is %r" % (element.tag, value), place, cure)
    return value


def included(data: bytes, place: str) -> List[str]:
    """The locations that a configuration file includes, as they are written."""
    return [element.get("location", "") for element in root_of(data, place).iter("include")]


def root_of(data: bytes, place: str) -> ElementTree.Element:
    """The root element of a configuration file; raises AppServerError for what is no sound XML."""
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise AppServerError("the configuration file has a document type", place, "remove the DOCTYPE from it")
    try:
        return ElementTree.fromstring(data)  # noqa: S314 - without a DOCTYPE there are no entities to expand
    except ElementTree.ParseError as error:
        raise AppServerError("the configuration file is not sound XML: %s" % error, place, "correct it") from error
