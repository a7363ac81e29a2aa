# SPDX-License-Identifier: GPL-3.0-or-later
"""Test mode of all hosts in one table, for testers, operators and the record alike.

A row for each setting: interface, host, place, value, what it means, whether that host's fence stands, how many
connections to production endpoints it has.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode_truth import columns
from ansible_collections.relmgmt.release.plugins.module_utils._core.verdict import HostReport

COLUMNS = ("interface", "host", "setting", "value", "means", "fence", "connections")
LONGEST = 48


def rows(looks: Mapping[str, Optional[Mapping[str, Any]]]) -> List[Dict[str, str]]:
    """A row for each setting by COLUMNS; a host that holds none has one too, for its fence.

    ``looks``: by host what ``test_mode_info`` said, None if it did not.
    """
    found: List[Dict[str, str]] = []
    for host, look in looks.items():
        found += _of_host(host, look) if look is not None else [
            _row("", host, "not seen", "", "unknown", "?", "?")]
    return sorted(found, key=lambda row: row["interface"] or "\x7f")


def _of_host(host: str, look: Mapping[str, Any]) -> List[Dict[str, str]]:
    settings = look.get("interfaces") or []
    if not settings:
        return [_row("", host, "no setting here", "", "", _fence(look), _connections(look, ""))]
    return [
        _row(
            str(one["name"]), host, _place(one), str(one["value"] if one["value"] is not None else "-"),
            str(one["means"]), _fence(look), _connections(look, str(one["name"])),
        )
        for one in settings
    ]


def lines(hosts: Sequence[HostReport]) -> List[str]:
    """The table as text, and below it until when, who holds it, and what is wrong; empty where nobody looked."""
    if not any(host.look is not None for host in hosts):
        return []
    table = rows({host.name: host.look for host in hosts})
    cells = [COLUMNS, *([row[name][:LONGEST] for name in COLUMNS] for row in table)]
    return [*columns(cells), *footer(hosts)]


def footer(hosts: Sequence[HostReport]) -> List[str]:
    """What no setting's row says."""
    held = [host for host in hosts if host.held_by]
    found = [f"{', '.join(one.name for one in held if one.held_by == words)}: {words}"
             for words in dict.fromkeys(host.held_by for host in held)]
    ends = max((host.ends_at for host in held), default=0.0)
    if ends:
        found.append(f"ends at {datetime.fromtimestamp(ends, timezone.utc).isoformat(timespec='minutes')}")
    for host in hosts:
        look = host.look or {}
        stopped = {name: count for name, count in (look.get("fence") or {}).get("stopped", {}).items() if count}
        if stopped:
            found.append(f"{host.name}: the fence has stopped " + ", ".join(
                f"{count} packets of {name}" for name, count in sorted(stopped.items())))
        found += [f"{host.name}: {problem}" for problem in look.get("problems", [])]
        found += [f"{host.name}: {note}" for note in look.get("notes", [])]
    return found


def _row(*cells: str) -> Dict[str, str]:
    return dict(zip(COLUMNS, cells))


def _place(one: Mapping[str, Any]) -> str:
    """The key without the interface's name, which it begins with."""
    return str(one["key"])[len(str(one["name"])):].strip()


def _fence(look: Mapping[str, Any]) -> str:
    fence = look.get("fence") or {}
    return "stands" if fence.get("stands") else "DIFFERS" if fence.get("differences") else "-"


def _connections(look: Mapping[str, Any], interface: str) -> str:
    found = [one for one in look.get("connections") or [] if interface in ("", one.get("interface"))]
    return str(len(found))
