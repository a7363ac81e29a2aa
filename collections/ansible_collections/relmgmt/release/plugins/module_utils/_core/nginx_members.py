# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that holds the ``server`` lines of an nginx upstream and nothing else but comments.

A server that is out has the parameter ``down``: unlike a line that is taken away, it leaves the place of every
other client's server as it was (``ip_hash``, ``hash``).
"""

from __future__ import annotations

import re
from typing import Dict

from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

_SERVER = re.compile(r"^(?P<head>[ \t]*server[ \t]+(?P<address>[^\s;#]+))(?P<parameters>[^;#\n]*);", re.MULTILINE)
_UPSTREAM = re.compile(r"\bupstream\s+\S+\s*\{(?P<body>[^}]*)\}")
_INCLUDE = re.compile(r"\binclude\s+[\"']?(?P<path>[^;\"']+)[\"']?\s*;")
_AFFINITY = re.compile(r"(?:^|;)\s*(?:ip_hash|hash|sticky)\b")
_COMMENT = re.compile(r"#[^\n]*")


def read_members(text: str, place: str) -> Dict[str, bool]:
    """By address, whether the server is down. Raises InvalidInput for an address that is there twice."""
    found: Dict[str, bool] = {}
    for line in _SERVER.finditer(text):
        if line["address"] in found:
            raise InvalidInput("the server %s is there twice" % line["address"], place, "remove one of the lines")
        found[line["address"]] = "down" in line["parameters"].split()
    return found


def with_member(text: str, address: str, down: bool) -> str:
    """The text with one server down, or not; everything else stays as it is."""

    def line(match: "re.Match[str]") -> str:
        if match["address"] != address:
            return match[0]
        words = [word for word in match["parameters"].split() if word != "down"]
        return " ".join([match["head"], *words, *(["down"] if down else [])]) + ";"

    return _SERVER.sub(line, text)


def upstreams_with(configuration: str, file_name: str) -> Dict[str, bool]:
    """The upstreams of ``nginx -T`` that include a file of this name; by body, whether they keep a session's server.

    A name is compared without its directory: an include may be relative, and a directory a link.
    """
    found = {}
    for upstream in _UPSTREAM.finditer(_COMMENT.sub("", configuration)):
        body = upstream["body"]
        names = [included["path"].strip().rsplit("/", 1)[-1] for included in _INCLUDE.finditer(body)]
        if file_name in names:
            found[body] = bool(_AFFINITY.search(body))
    return found
