# SPDX-License-Identifier: GPL-3.0-or-later
"""One port of a services file, /etc/services: ``name port/protocol aliases # comment``."""

from __future__ import annotations

import re
from functools import partial
from typing import Optional

from ansible_collections.relmgmt.release.plugins.module_utils._core.edit_text import Spot, Text

_ENTRY = re.compile(r"\s*(?P<name>\S+)\s+(?P<port>[0-9]+)/(?P<protocol>[^\s/]+)(?P<aliases>.*)\Z")
_LAST_PORT = 65535


def locate(document: Text, key: str) -> Optional[Spot]:
    """The port of ``name/protocol``, where the name may be an alias; None: there is no such service.

    Of several entries the first one counts, as for the C library (getservbyname(3)).
    """
    name, _slash, protocol = key.partition("/")
    for line in document.lines():
        entry = _ENTRY.match(line.text.partition("#")[0])
        if entry and protocol == entry["protocol"] and name in (entry["name"], *entry["aliases"].split()):
            start, end = line.start + entry.start("port"), line.start + entry.end("port")
            return Spot(start, end, entry["port"], partial(_port, document, line.number))
    return None


def _port(document: Text, number: int, new: str) -> str:
    if not re.fullmatch("[1-9][0-9]{0,4}", new) or int(new) > _LAST_PORT:
        document.refuse("%r is no port" % new, "use a number from 1 to 65535", number)
    return new
