# SPDX-License-Identifier: GPL-3.0-or-later
"""What wsadmin's answers mean: deployment status a node, and errors that call for different things.

Errors are matched by message id or class, never by translated text.
"""

from __future__ import annotations

import re
from typing import Dict, Iterable, NamedTuple

TIMEOUT, CONFLICT, ACCESS, LOST, OTHER = "timeout", "conflict", "access", "lost", "other"

_KINDS = (
    (TIMEOUT, re.compile(r"SocketTimeoutException|InterruptedIOException|ADMC0009E")),
    (CONFLICT, re.compile(r"SaveConflict|WorkSpaceException|ADMS\d{4}E")),
    (ACCESS, re.compile(r"ADMN0022E|WASX7246E|SECJ\d{4}E")),
    (LOST, re.compile(r"ConnectorNotAvailableException|ConnectException|ADMC0016E|WASX7023E")),
)
_STATUS = re.compile(r"(?:\A|[:,])(?P<key>cell|node|distribution|expansion)=(?P<value>[^,]*)")
_MESSAGE = re.compile(r"\b(?:WASX7023E|WASX7246E|ADMN0022E|ADMC\d{4}E)[^\r\n]*")


class Distribution(NamedTuple):
    """How far a node has come: distribution and expansion in the product's words."""

    distribution: str
    expansion: str

    @property
    def complete(self) -> bool:
        """Its files are there and unpacked."""
        return self.distribution == "true" and self.expansion != "expanding"


def error_kind(text: str) -> str:
    """What an error calls for: TIMEOUT looking, CONFLICT and ACCESS a person, LOST a new session."""
    return next((kind for kind, pattern in _KINDS if pattern.search(text)), OTHER)


def connection_trouble(printed: str) -> str:
    """wsadmin's own words, with their id, when it could not connect; empty if there are none."""
    found = _MESSAGE.search(printed)
    return found.group() if found else ""


def distributions(lines: Iterable[str]) -> Dict[str, Distribution]:
    """The nodes in the lines of `AdminApp.getDeployStatus(NAME)` (T10)."""
    found = {}
    for line in lines:
        words = {hit["key"]: hit["value"] for hit in _STATUS.finditer(line)}
        if "node" in words:
            found[words["node"]] = Distribution(words.get("distribution", ""), words.get("expansion", ""))
    return found
