# SPDX-License-Identifier: GPL-3.0-or-later
"""The plug-in file on a disk, and the time that the plug-in takes to read it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.proxy_state import DRAINED, SERVING
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput
from ansible_collections.relmgmt.release.plugins.module_utils._proxies import ihs
from ansible_collections.relmgmt.release.plugins.module_utils._proxies.ihs import Ihs

TEXT = """<Config RefreshInterval="{seconds}">\r
 <ServerCluster Name="cfis">\r
  <Server CloneID="1aa" Name="app1"><Transport Hostname="127.0.0.1" Port="9"/></Server>\r
  <Server{clone} Name="app2"/>\r
  <PrimaryServers><Server Name="app1"/><Server Name="app2"/></PrimaryServers>\r
 </ServerCluster>\r
</Config>\r
"""


def plugin_file(place: Path, seconds: int = 5, clone: str = ' CloneID="1bb"', age: float = 3600) -> Path:
    path = place / "plugin-cfg.xml"
    path.write_bytes(TEXT.format(seconds=seconds, clone=clone).encode())
    path.chmod(0o640)
    long_ago = time.time() - age
    os.utime(path, (long_ago, long_ago))
    return path


def ihs_of(path: Path) -> Ihs:
    return Ihs({"plugin_file": str(path), "cluster": "cfis"})


def test_a_change_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = plugin_file(tmp_path)
    before = path.read_bytes()
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        assert not proxy.look()["app1"].in_force
        waited.append(seconds)
        os.utime(path, (0, 0))  # so much later

    proxy = ihs_of(path)
    monkeypatch.setattr(ihs.time, "sleep", sleep)
    proxy.set_state("app1", DRAINED)
    assert len(waited) == 1
    assert 5 < waited[0] <= 6
    seen = proxy.look()
    assert (seen["app1"].state, seen["app2"].state) == (DRAINED, SERVING)
    assert seen["app1"].in_force
    assert path.stat().st_mode & 0o777 == 0o640
    proxy.set_state("app1", SERVING)
    assert path.read_bytes() == before


def test_what_is_so_already_is_neither_written_nor_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = plugin_file(tmp_path)
    before = path.stat()
    monkeypatch.setattr(ihs.time, "sleep", lambda seconds: pytest.fail(f"waits {seconds} s"))
    ihs_of(path).set_state("app1", SERVING)
    assert (path.stat().st_ino, path.stat().st_mtime) == (before.st_ino, before.st_mtime)


def test_a_link_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = plugin_file(tmp_path, seconds=0)
    link = tmp_path / "link.xml"
    link.symlink_to(path)
    monkeypatch.setattr(ihs, "_ROUNDING", 0)
    ihs_of(link).set_state("app1", DRAINED)
    assert link.is_symlink()
    assert b"relmgmt drained" in path.read_bytes()


def test_the_owner_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The web server's children read it, and are not who writes it."""
    path = plugin_file(tmp_path, seconds=0)
    owners: list[tuple[int, int]] = []
    monkeypatch.setattr(ihs, "_ROUNDING", 0)
    monkeypatch.setattr(os, "fchown", lambda descriptor, uid, gid: owners.append((uid, gid)))
    ihs_of(path).set_state("app1", DRAINED)
    assert owners == [(path.stat().st_uid, path.stat().st_gid)]


def test_a_file_that_is_never_read_again_is_refused_before_it_is_written(tmp_path: Path) -> None:
    path = plugin_file(tmp_path, seconds=-1)
    before = path.read_bytes()
    with pytest.raises(InvalidInput, match="RefreshInterval is -1"):
        ihs_of(path).set_state("app1", DRAINED)
    assert path.read_bytes() == before


def test_affinity_needs_a_clone_id_of_every_server(tmp_path: Path) -> None:
    assert ihs_of(plugin_file(tmp_path)).affinity()
    assert not ihs_of(plugin_file(tmp_path, clone="")).affinity()


def test_connections_are_counted_by_the_transport(tmp_path: Path) -> None:
    proxy = ihs_of(plugin_file(tmp_path))
    assert proxy.busy("app1") == 0
    with pytest.raises(InvalidInput, match="app2 has no Transport"):
        proxy.busy("app2")
