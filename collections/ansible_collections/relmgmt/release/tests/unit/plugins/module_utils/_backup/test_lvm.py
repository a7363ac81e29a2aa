# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of logical volumes, with the commands recorded (T5: nothing is left behind)."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup import lvm
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown

GIB = 1 << 30
NAME = "relmgmt_CHG1-1-CFIS-before_db"


class Host:
    """Answers as findmnt and lvm2 do; two datasets on one volume, one on a thin one."""

    def __init__(self, free: int = 5 * GIB, kind: str = "ext4") -> None:
        self.free, self.kind = free, kind
        self.volumes = {"vg": {"db"}, "fast": {"thin"}}
        self.said: list[str] = []
        self.fails = ""

    def run(self, argv: Sequence[str]) -> str:
        self.said.append(" ".join(argv))
        if self.fails and self.said[-1].startswith(self.fails):
            raise HostStateUnknown(f"{self.fails} failed", place=argv[-1])
        return str(getattr(self, "_" + argv[0])(list(argv)))

    def changes(self) -> list[str]:
        return [one for one in self.said if one.split()[0] not in ("lvs", "findmnt")]

    def _findmnt(self, argv: list[str]) -> str:
        where = {
            "/db": ("/dev/mapper/vg-db", "/db"), "/web": ("/dev/mapper/vg-web", "/web"),
            "/jrn": ("/dev/mapper/fast-thin", "/jrn"),
        }
        device, mount = where["/" + argv[-1].split("/")[1]]
        return f"{device} {mount} {self.kind}\n"

    def _lvs(self, argv: list[str]) -> str:
        if "lv_name" in argv:
            return "".join(f"  {one}\n" for one in sorted(self.volumes[argv[-1]]))
        if "/vg-" in argv[-1]:
            return f"  vg|{argv[-1].rpartition('-')[2]}|{10 * GIB}|{self.free}|\n"
        return f"  fast|thin|{10 * GIB}|0|pool0\n"

    def _lvcreate(self, argv: list[str]) -> str:
        self.volumes[argv[-1].split("/")[0]].add(argv[argv.index("-n") + 1])
        return ""

    def _lvremove(self, argv: list[str]) -> str:
        group, name = argv[-1].split("/")
        self.volumes[group].remove(name)
        return ""

    def _mount(self, argv: list[str]) -> str:
        return ""

    _umount = _mount


@pytest.fixture(autouse=True)
def places(tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(lvm, "MOUNTS", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return str(tmp_path)


PATHS = ["/db/a/cache.dat", "/db/b.dat", "/jrn/c.dat"]


def test_one_snapshot_a_volume_mounted_read_and_removed(places: str) -> None:
    host = Host()
    snapshots = lvm.Snapshots(PATHS, "CHG1-1-CFIS-before", host.run)
    snapshots.create()
    with snapshots.mounted() as seen:
        assert seen == {
            "/db/a/cache.dat": f"{places}/vg-{NAME}/a/cache.dat", "/db/b.dat": f"{places}/vg-{NAME}/b.dat",
            "/jrn/c.dat": f"{places}/fast-relmgmt_CHG1-1-CFIS-before_thin/c.dat",
        }
    snapshots.remove()
    assert host.changes() == [
        "lvcreate -y -s -n relmgmt_CHG1-1-CFIS-before_thin -kn fast/thin",
        f"lvcreate -y -s -n {NAME} -L {2 * GIB}b vg/db",
        "mount -t ext4 -o noatime /dev/fast/relmgmt_CHG1-1-CFIS-before_thin "
        f"{places}/fast-relmgmt_CHG1-1-CFIS-before_thin",
        f"mount -t ext4 -o noatime /dev/vg/{NAME} {places}/vg-{NAME}",
        f"umount {places}/vg-{NAME}",
        f"umount {places}/fast-relmgmt_CHG1-1-CFIS-before_thin",
        "lvremove -y fast/relmgmt_CHG1-1-CFIS-before_thin",
        f"lvremove -y vg/{NAME}",
    ]
    assert os.listdir(places) == []
    assert host.volumes == {"vg": {"db"}, "fast": {"thin"}}


def test_a_second_xfs_of_the_same_identity_is_mounted() -> None:
    host = Host(kind="xfs")
    snapshots = lvm.Snapshots(["/db/b.dat"], "x", host.run)
    snapshots.create()
    with snapshots.mounted():
        assert "-o noatime,nouuid" in host.changes()[-1]


@pytest.mark.parametrize("fails", ["mount", "lvcreate -y -s -n relmgmt_x_db"])
def test_what_was_made_before_a_failure_is_removed(fails: str) -> None:
    host = Host()
    snapshots = lvm.Snapshots(PATHS, "x", host.run)
    host.fails = fails
    with pytest.raises(HostStateUnknown):
        create_and_mount(snapshots)
    snapshots.remove()
    assert host.volumes == {"vg": {"db"}, "fast": {"thin"}}


def create_and_mount(snapshots: lvm.Snapshots) -> None:
    snapshots.create()
    with snapshots.mounted():
        pass


def test_t5_what_a_crash_left_is_removed_even_if_mounted(places: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host()
    host.volumes["vg"].add("relmgmt_x_db")
    os.mkdir(f"{places}/vg-relmgmt_x_db")
    monkeypatch.setattr(os.path, "ismount", lambda path: path == f"{places}/vg-relmgmt_x_db")
    lvm.Snapshots(PATHS, "x", host.run).remove_litter()
    assert host.changes() == [f"umount {places}/vg-relmgmt_x_db", "lvremove -y vg/relmgmt_x_db"]
    assert os.listdir(places) == []


def test_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lvm.why_not(PATHS, Host().run) == ""
    assert f"vg has less free than the {64 << 20} bytes" in lvm.why_not(PATHS, Host(free=1 << 20).run)
    two = ["/db/b.dat", "/web/d.dat"]
    assert lvm.why_not(two, Host(free=4 * GIB).run) == ""
    assert f"vg has less free than the {4 * GIB} bytes" in lvm.why_not(two, Host(free=3 * GIB).run)
    host = Host()
    host.fails = "lvs"
    assert "not every dataset lies on a logical volume (lvs failed" in lvm.why_not(PATHS, host.run)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "root" in lvm.why_not(PATHS, Host().run)


def test_a_small_group_gives_what_it_has() -> None:
    assert lvm.find_volume("/db/b.dat", Host(free=GIB).run).needed == GIB


def test_a_command_that_fails_says_so() -> None:
    with pytest.raises(HostStateUnknown, match=r"ls failed: .*nowhere.* \(status 2\)"):
        lvm.run(["ls", "/nowhere"])
    with pytest.raises(HostStateUnknown, match="does not run"):
        lvm.run(["/nowhere/lvs"])
