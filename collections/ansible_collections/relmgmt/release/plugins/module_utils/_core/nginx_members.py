# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that holds the servers of nginx: ``server`` lines of one upstream, or the upstreams themselves.

A server that is out has the parameter ``down``, which leaves the lines of the others as they are.

**What keeps a session at its server.** nginx starts the workers of a new configuration before it stops the old ones,
so for a tenth of a second both answer. Where only the configuration tells a session's server (``ip_hash``, ``hash``),
the two disagree, and a session goes to and fro. Where the session itself tells it (``sticky``, or a cookie with the
address and an upstream for each server, in which the others are ``backup``), they agree.
"""

from __future__ import annotations

import re
from typing import Dict, List

from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

# A comment is read over first: a server in it is none.
_SERVER = re.compile(
    r"#[^\n]*|(?P<head>(?:^|(?<=[;{}]))[ \t]*server[ \t]+(?P<address>[^\s;#{]+))(?P<parameters>[^;#{\n]*);",
    re.MULTILINE,
)
_UPSTREAM = re.compile(r"\bupstream\s+\S+\s*\{(?P<body>[^}]*)\}")
_INCLUDE = re.compile(r"\binclude\s+[\"']?(?P<path>[^;\"']+)[\"']?\s*;")
_STICKY = re.compile(r"(?:^|;)\s*sticky\b")
_COMMENT = re.compile(r"#[^\n]*")
_FILE = re.compile(r"^# configuration file (?P<path>[^\n]+):$", re.MULTILINE)


def read_members(text: str, place: str) -> Dict[str, bool]:
    """By address, whether the server is down. Raises InvalidInput for one that is down in some of its lines only."""
    found: Dict[str, bool] = {}
    for line in _lines(text):
        down = "down" in line["parameters"].split()
        if found.setdefault(line["address"], down) != down:
            raise InvalidInput("the server %s is down in one line and not in another" % line["address"], place,
                               "write down into all of them, or none")
    return found


def with_member(text: str, address: str, down: bool) -> str:
    """The text with one server down, or not, in all of its lines; everything else stays as it is."""

    def line(match: "re.Match[str]") -> str:
        if match["address"] != address:
            return match[0]
        words = [word for word in match["parameters"].split() if word != "down"]
        return " ".join([match["head"], *words, *(["down"] if down else [])]) + ";"

    return _SERVER.sub(line, text)


def upstreams_of(configuration: str, file_name: str, text: str) -> List[str]:
    """The bodies of the upstreams that ``nginx -T`` shows with the servers of a file of this name and text.

    A name is compared without its directory: an include may be relative, and a directory a link.
    """
    if file_name not in (_base(read["path"]) for read in _FILE.finditer(configuration)):
        return []
    own = _bodies(text)
    return own or [body + _COMMENT.sub("", text) for body in _bodies(configuration)
                   if file_name in (_base(included["path"]) for included in _INCLUDE.finditer(body))]


def keeps_sessions(upstreams: List[str]) -> bool:
    """Whether a session stays at its server, also while a configuration is replaced by the next."""
    if all(_STICKY.search(body) for body in upstreams):
        return True
    servers = [read_members(body, "") for body in upstreams]
    return set().union(*servers) <= {address for body in upstreams for address in _first(body)}


def _lines(text: str) -> List["re.Match[str]"]:
    return [line for line in _SERVER.finditer(text) if line["address"]]


def _first(body: str) -> List[str]:
    """The server of an upstream whose others are there for the time that it is out."""
    lines = [line for line in _lines(body) if "backup" not in line["parameters"].split()]
    return [lines[0]["address"]] if len(lines) == 1 else []


def _bodies(text: str) -> List[str]:
    return [upstream["body"] for upstream in _UPSTREAM.finditer(_COMMENT.sub("", text))]


def _base(path: str) -> str:
    return path.strip().rsplit("/", 1)[-1]
