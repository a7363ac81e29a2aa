# SPDX-License-Identifier: GPL-3.0-or-later
"""``plugin-cfg.xml``, by which the WebSphere plug-in of a web server (IHS) distributes requests.

A server is taken out the way IBM's technote 1236528 gives it: its line in the list of primary (or backup) servers is
made a comment. It leaves the file otherwise byte for byte as it is, because an administrator or a deployment manager
has written it.
"""

from __future__ import annotations

import re
from typing import Dict, Iterator, List, NamedTuple, Tuple
from xml.sax.saxutils import quoteattr, unescape

from ansible_collections.relmgmt.release.plugins.module_utils._core.proxy_state import (
    CLOSING,
    DRAINED,
    SERVING,
    Member,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

REFRESH = 60  # seconds; the plug-in's own default
_LISTS = ("PrimaryServers", "BackupServers")
_TAG = re.compile(
    r"<!--(?P<comment>.*?)-->|<(?P<close>/?)(?P<name>[A-Za-z]\w*)"
    r"(?P<attributes>(?:\s+[\w:.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)\s*(?P<empty>/?)>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_MARK = " relmgmt drained: "


class Transport(NamedTuple):
    """Where the plug-in reaches a server."""

    host: str
    port: int


class Cluster(NamedTuple):
    """A ``ServerCluster``, with offsets into the text.

    ``lines``: by name the span of a server's line in a list. ``drained``: of one that this program made a comment.
    ``end_of_list``: where the list of primary servers ends, -1 without one.
    """

    weights: Dict[str, str]
    clones: Dict[str, str]
    transports: Dict[str, Transport]
    lines: Dict[str, Tuple[int, int]]
    drained: Dict[str, Tuple[int, int]]
    end_of_list: int


def refresh_interval(text: str) -> int:
    """Seconds after which the plug-in reads the file again; below 0 it never does."""
    for tag in _TAG.finditer(text):
        if tag["name"] == "Config":
            return int(_attributes(tag).get("RefreshInterval", REFRESH))
    return REFRESH


def members(cluster: Cluster) -> Dict[str, Member]:
    """The servers of a cluster; one whose weight is 0 keeps its sessions and gets no new ones."""
    return {name: Member(_state(cluster, name)) for name in cluster.weights}


def with_server(text: str, cluster_name: str, server: str, out: bool, place: str) -> str:
    """The text with one server out of the lists, or in again; the cluster is read again to see that it is."""
    cluster = read_cluster(text, cluster_name, place)
    if out == (server not in cluster.lines):
        return text
    if out:
        start, end = cluster.lines[server]
        changed = text[:start] + "<!--" + _MARK + text[start:end] + " -->" + text[end:]
    elif server in cluster.drained:
        start, end = cluster.drained[server]
        changed = text[:start] + text[start + len("<!--" + _MARK):end - len(" -->")] + text[end:]
    else:
        changed = _listed(text, cluster, server, place)
    if (server in read_cluster(changed, cluster_name, place).lines) == out:
        raise InvalidInput("the server %s cannot be taken out of its list, or put in" % server, place,
                           "write each <Server Name=…/> of PrimaryServers as an element of its own")
    return changed


def read_cluster(text: str, name: str, place: str) -> Cluster:
    """The cluster of this name. Raises InvalidInput when there is none, or a file that is none of the plug-in's."""
    found = Cluster({}, {}, {}, {}, {}, -1)
    inside, listed, server, seen = False, "", "", False
    for tag in _TAG.finditer(text):
        attributes = _attributes(tag)
        if tag["name"] == "ServerCluster":
            inside = not tag["close"] and attributes.get("Name") == name
            seen = seen or inside
        elif not inside:
            continue
        elif tag["comment"] is not None:
            found.drained.update(_drained(tag))
        elif tag["name"] in _LISTS:
            listed = "" if tag["close"] or tag["empty"] else str(tag["name"])
            if tag["close"] and tag["name"] == _LISTS[0]:
                found = found._replace(end_of_list=tag.start())
        elif tag["name"] == "Server" and not tag["close"]:
            server = attributes.get("Name", "")
            _enter(found, tag, server, listed)
        elif tag["name"] == "Transport" and not tag["close"]:
            port = int(attributes.get("Port", 0))
            found.transports.setdefault(server, Transport(attributes.get("Hostname", ""), port))
    if not seen:
        raise InvalidInput("there is no ServerCluster %s" % name, place, "correct cluster in relmgmt_proxy")
    return found


def _enter(cluster: Cluster, tag: "re.Match[str]", server: str, listed: str) -> None:
    if listed:
        cluster.lines[server] = tag.span()
        return
    attributes = _attributes(tag)
    cluster.weights[server] = attributes.get("LoadBalanceWeight", "")
    cluster.clones[server] = attributes.get("CloneID", "")


def _drained(comment: "re.Match[str]") -> Iterator[Tuple[str, Tuple[int, int]]]:
    if comment["comment"].startswith(_MARK):
        inner = _TAG.match(comment["comment"], len(_MARK))
        if inner is not None:
            yield _attributes(inner).get("Name", ""), comment.span()


def _state(cluster: Cluster, name: str) -> str:
    if name not in cluster.lines:
        return DRAINED
    return CLOSING if cluster.weights[name] == "0" else SERVING


def _listed(text: str, cluster: Cluster, server: str, place: str) -> str:
    """Somebody else has taken it out and left no comment: it becomes the last of the primary servers."""
    if cluster.end_of_list < 0:
        raise InvalidInput("the cluster has no list PrimaryServers", place, "generate the file again")
    line = "<Server Name=%s/>\n" % quoteattr(server)
    return text[:cluster.end_of_list] + line + text[cluster.end_of_list:]


def _attributes(tag: "re.Match[str]") -> Dict[str, str]:
    pairs: List[Tuple[str, str, str]] = _ATTRIBUTE.findall(tag["attributes"] or "")
    return {name: unescape(double or single, {"&quot;": '"', "&apos;": "'"}) for name, double, single in pairs}
