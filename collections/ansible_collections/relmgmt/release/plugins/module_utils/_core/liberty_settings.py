# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that hold a release's settings on Liberty: one override file, and a block of jvm.options.

Variables, shared libraries and fragments are in force together or not at all: all stand in one override file, whose
rename is the cutover. Fragments and libraries lie beside, under names that hold their digest.
"""

from __future__ import annotations

import re
from typing import Dict, List, Mapping, NamedTuple, Tuple
from xml.sax.saxutils import quoteattr

from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_config import APPLICATIONS, HEADER, root_of
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import OPTION, PROPERTY, option_key
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError, InvalidInput

#: below configDropins/overrides; @ is in no application's name
OVERRIDE = "relmgmt@configuration.xml"
#: below the server's configuration directory
FOLDER = "relmgmt"
_BEGIN, _END = "# relmgmt: begin (kept by releases, a change by hand is overwritten)", "# relmgmt: end"
_INTERIM = "<!-- On the way from a change that was cut off. -->"
_FRAGMENT = re.compile(r"\A(?P<name>.+)-[0-9a-f]{12}\.xml\Z")


class Files(NamedTuple):
    """What the override file holds: values of variables; file names below FOLDER by library and by fragment."""

    variables: Mapping[str, str]
    libraries: Mapping[str, str]
    fragments: Mapping[str, str]

    @property
    def names(self) -> List[str]:
        """Every file below FOLDER that is referred to."""
        return [*self.libraries.values(), *self.fragments.values()]


def fragment_file(name: str, sha256: str) -> str:
    """Name below FOLDER."""
    return "%s-%s.xml" % (name, sha256[:12])


def library_file(name: str, sha256: str) -> str:
    """Name below FOLDER."""
    return "%s-%s.jar" % (name, sha256[:12])


def render(files: Files, is_interim: bool = False) -> bytes:
    """The whole override file; empty when it would hold nothing, but an interim one never is, nor like another."""
    if not any(files) and not is_interim:
        return b""
    place = "${server.config.dir}/%s/" % FOLDER
    lines = [HEADER, _INTERIM] if is_interim else [HEADER]
    for name, value in sorted(files.variables.items()):
        lines.append("<variable name=%s value=%s/>" % (quoteattr(name), quoteattr(value)))
    for name, file in sorted(files.libraries.items()):
        lines.append("<library id=%s><file name=%s/></library>" % (quoteattr(name), quoteattr(place + file)))
    for file in sorted(files.fragments.values()):
        lines.append("<include location=%s/>" % quoteattr(place + file))
    body = "".join("    %s\n" % line for line in lines)
    return ('<?xml version="1.0" encoding="UTF-8"?>\n<server>\n%s</server>\n' % body).encode("utf-8")


def read(data: bytes, place: str) -> Files:
    """What an override file holds; an empty one holds nothing."""
    if not data:
        return Files({}, {}, {})
    root = root_of(data, place)
    variables = {one.get("name", ""): one.get("value", "") for one in root.iter("variable")}
    libraries = {one.get("id", ""): _base(one[0].get("name", "")) for one in root.iter("library") if len(one)}
    included = [_base(one.get("location", "")) for one in root.iter("include")]
    fragments = {}
    for file in included:
        found = _FRAGMENT.match(file)
        if found is None:
            raise AppServerError("it includes %s, which no release did" % file, place, "take that line out")
        fragments[found.group("name")] = file
    return Files(variables, libraries, fragments)


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def check_fragment(data: bytes, place: str) -> None:
    """Refuse what a fragment must not hold; raises InvalidInput or AppServerError naming it."""
    root = root_of(data, place)
    if root.tag not in ("server", "client"):
        raise InvalidInput("the root is <%s>" % root.tag, place, "a fragment of server.xml begins with <server>")
    for element in root.iter():
        if element.tag in APPLICATIONS:
            cure = "bring it as a package of type war"
            raise InvalidInput("it defines an application: <%s>" % element.tag, place, cure)
        if element.tag == "include":
            raise InvalidInput("it includes another file, which nobody sealed", place, "put that in, or name it too")


def features(data: bytes, place: str) -> List[str]:
    """The features that a configuration file asks for, in small letters. The server tells of new ones by themselves."""
    found = root_of(data, place).findall("featureManager/feature")
    return [(one.text or "").strip().lower() for one in found]


def read_options(text: str) -> Dict[str, str]:
    """The options of releases in a jvm.options, by the key of their setting."""
    return {_key(line): line for line in _split(text)[1]}


def render_options(text: str, options: Mapping[str, str]) -> str:
    """The same file with these options of releases; every other line stays, releases' come last and so win."""
    others, _ours = _split(text)
    block = [_BEGIN, *(options[key] for key in sorted(options)), _END] if options else []
    return "".join(line + "\n" for line in [*others, *block])


def property_option(name: str, value: str) -> str:
    """A property as an option of the JVM."""
    return "-D%s=%s" % (name, value)


def property_value(option: str) -> str:
    """The value of such an option."""
    return option.partition("=")[2]


def _split(text: str) -> Tuple[List[str], List[str]]:
    others: List[str] = []
    ours: List[str] = []
    inside = False
    for line in text.splitlines():
        if line in (_BEGIN, _END):
            inside = line == _BEGIN
        elif inside:
            ours.append(line)
        else:
            others.append(line)
    return others, ours


def _key(line: str) -> str:
    if line.startswith("-D"):
        return "%s %s" % (PROPERTY, line[2:].partition("=")[0])
    return "%s %s" % (OPTION, option_key(line))
