# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration files of one Liberty server as it merges them, and what they say of updates."""

from __future__ import annotations

import os
from typing import List, Set, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import LibertyServer
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_config import (
    Monitoring,
    included,
    read_monitoring,
)


def monitoring(server: LibertyServer) -> Monitoring:
    """What the server's configuration says of updates, or the inventory in its stead."""
    stated = "" if server.update_trigger == "auto" else server.update_trigger
    return read_monitoring(configuration(server), stated)


def configuration(server: LibertyServer) -> List[Tuple[str, bytes]]:
    """The server's configuration files, path and content, in the order of their merge, included ones before theirs."""
    drop_ins = os.path.join(server.config_dir, "configDropins")
    paths = [
        *_xml_files(os.path.join(drop_ins, "defaults")),
        os.path.join(server.config_dir, "server.xml"),
        *_xml_files(server.overrides),
    ]
    found: List[Tuple[str, bytes]] = []
    seen: Set[str] = set()
    for path in paths:
        _add(server, path, found, seen)
    return found


def _xml_files(folder: str) -> List[str]:
    names = os.listdir(folder) if os.path.isdir(folder) else []
    wanted = [name for name in names if name.lower().endswith(".xml") and not name.startswith(".")]
    return [os.path.join(folder, name) for name in sorted(wanted, key=str.lower)]


def _add(server: LibertyServer, path: str, found: List[Tuple[str, bytes]], seen: Set[str]) -> None:
    if path in seen or not os.path.isfile(path):
        return
    seen.add(path)
    with open(path, "rb") as stream:
        data = stream.read()
    for location in included(data, path):
        _add(server, resolve(server, location, os.path.dirname(path)), found, seen)
    found.append((path, data))


def resolve(server: LibertyServer, location: str, beside: str) -> str:
    """The path of a location in a configuration file; what is remote or stands in other variables is nowhere."""
    known = {
        "server.config.dir": server.config_dir,
        "wlp.user.dir": server.user_dir,
        "wlp.install.dir": server.install_dir,
        "shared.config.dir": os.path.join(server.user_dir, "shared", "config"),
        "wlp.server.name": server.name,
    }
    for name, value in known.items():
        location = location.replace("${%s}" % name, value)
    return os.path.normpath(os.path.join(beside, location))
