# SPDX-License-Identifier: GPL-3.0-or-later
"""relmgmt.release.static_content on a real directory (A9, the 12-step rule, T3 T4 T20, invariants 8, 9 and 12)."""

from __future__ import annotations

import os
import pathlib
import stat
import threading
import zipfile
from typing import Any

import pytest
from web_host import build_zip, close, deliver, mark_undone, newest_act, permit, run, sha256, tree

from ansible_collections.relmgmt.release.plugins.module_utils._module.observe import observe_static
from ansible_collections.relmgmt.release.plugins.module_utils._module.static_content import undo_static


class Site:
    """A document root with a ledger and a drop."""

    def __init__(self, place: pathlib.Path) -> None:
        self.place, self.root = place, place / "www"
        self.ledger, self.drop = place / "state/ledger.db", place / "drop"
        (place / "packages").mkdir()
        self.changes = 0

    def package(self, release: str, files: dict[str, str], modes: dict[str, int] | None = None) -> dict[str, Any]:
        return self.offer(release, build_zip(self.place / "packages/site.zip", files, modes))

    def offer(self, release: str, package: pathlib.Path) -> dict[str, Any]:
        """Deliver it and let it pass the gate: the module's options."""
        bundle = deliver(self.drop, release, package)
        self.changes += 1
        allowed = permit(self.ledger, f"CHG{self.changes:07d}", release, sha256(package))
        return {
            **allowed, "document_root": str(self.root), "drop": {"path": str(self.drop)},
            "bundle": bundle, "file": package.name, "sha256": sha256(package),
        }

    def close(self) -> None:
        close(self.ledger, f"CHG{self.changes:07d}")

    def read(self, name: str) -> str:
        return (self.root / "current" / name).read_text()

    def releases(self) -> list[str]:
        return sorted(path.name.split("-")[0] for path in (self.root / "releases").iterdir())

    def undo(self) -> dict[str, Any]:
        act = newest_act(self.ledger)
        detail = undo_static(act["undo"], None)
        mark_undone(self.ledger, act["id"])
        return detail


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_publish_update_and_again_in_check_mode_and_for_real(site):
    """The 12-step rule."""
    first = site.package("CFIS001", {"index.html": "one", "css/site.css": "a"})
    before = tree(site.place)
    for _ in range(2):
        checked = run("static_content", first, check=True)
        assert (checked["changed"], checked["failed"], checked["previous"]) == (True, False, "")
    assert tree(site.place) == before
    done = run("static_content", first)
    assert done["changed"]
    assert done["directory"] == checked["directory"]
    assert done["diff"] == checked["diff"]
    assert site.read("css/site.css") == "a"
    assert os.readlink(site.root / "current") == f"releases/CFIS001-{first['sha256'][:12]}"
    after = tree(site.place)
    for check in (True, False):
        assert run("static_content", first, check=check)["changed"] is False
    assert tree(site.place) == after

    second = site.package("CFIS002", {"index.html": "two", "new.txt": "n"})
    checked = run("static_content", second, check=True)
    assert checked["changed"]
    assert site.read("index.html") == "one"
    done = run("static_content", second)
    assert done["changed"]
    assert done["diff"] == checked["diff"]
    assert "css/site.css" in done["diff"]["before"]
    assert "new.txt" in done["diff"]["after"]
    assert site.read("index.html") == "two"
    assert not (site.root / "current/css").exists()
    assert run("static_content", second)["changed"] is False


def test_a_second_run_does_not_need_the_drop(site):
    """One fat call: nothing is fetched when nothing is to be done."""
    options = site.package("CFIS001", {"index.html": "one"})
    run("static_content", options)
    assert run("static_content", {**options, "drop": {"path": "/nowhere"}})["changed"] is False


def test_undo_goes_to_what_the_act_found_and_is_idempotent(site):
    """Invariant 9."""
    first = site.package("CFIS001", {"index.html": "one"})
    run("static_content", first)
    run("static_content", site.package("CFIS002", {"index.html": "two"}))
    recipe = newest_act(site.ledger)["undo"]
    assert site.undo()["restored"] is True
    assert site.read("index.html") == "one"
    assert undo_static(recipe, None)["restored"] is False
    # The same release again finds its directory sound and switches to it.
    again = site.package("CFIS002", {"index.html": "two"})
    assert run("static_content", again)["changed"] is True
    assert site.releases() == ["CFIS001", "CFIS002"]


def test_undo_of_the_first_release_serves_nothing_again(site):
    run("static_content", site.package("CFIS001", {"index.html": "one"}))
    recipe = newest_act(site.ledger)["undo"]
    assert site.undo() == {"restored": True, "directory": None}
    assert not os.path.lexists(site.root / "current")
    assert undo_static(recipe, None)["restored"] is False


def test_undo_says_so_when_the_prior_content_is_gone_or_changed(site):
    """T2, T3: never a silent success on an incomplete release."""
    run("static_content", site.package("CFIS001", {"index.html": "one", "a": "1"}))
    run("static_content", site.package("CFIS002", {"index.html": "two"}))
    recipe = newest_act(site.ledger)["undo"]
    prior = site.root / recipe["previous"]
    (prior / "a").unlink()
    assert undo_static(recipe, None)["differs_from_before"] is True
    run("static_content", site.package("CFIS003", {"index.html": "three"}))
    os.rename(prior, prior.with_name("moved"))
    with pytest.raises(Exception, match="the content to switch to is gone"):
        undo_static(newest_act(site.ledger)["undo"], None)
    assert site.read("index.html") == "three"


def test_drift_is_seen_and_repaired_into_a_fresh_directory(site):
    options = site.package("CFIS001", {"index.html": "one", "other.txt": "o"})
    path = pathlib.Path(run("static_content", options)["directory"])
    (path / "index.html").write_text("by hand")
    (path / "extra.txt").write_text("more")
    checked = run("static_content", options, check=True)
    assert (checked["changed"], checked["drift"]) == (True, ["extra.txt", "index.html"])
    done = run("static_content", options)
    assert done["drift"] == ["extra.txt", "index.html"]
    assert done["directory"] == str(path) + "-r2"
    assert site.read("index.html") == "one"
    assert (path / "index.html").read_text() == "by hand"  # evidence, and the way back
    assert run("static_content", options)["changed"] is False
    assert observe_static({"document_root": str(site.root)}).digest == done["tree_digest"]


def test_permissions_are_kept_or_as_wanted(site):
    """T20."""
    files, modes = {"run.cgi": "x", "plain.txt": "y"}, {"run.cgi": 0o750}
    options = site.package("CFIS001", files, modes)
    run("static_content", options)
    mode = lambda name: stat.S_IMODE((site.root / "current" / name).stat().st_mode)  # noqa: E731
    assert (mode("run.cgi"), mode("plain.txt")) == (0o750, 0o644)
    (site.root / "current/run.cgi").chmod(0o700)
    assert run("static_content", options)["drift"] == ["run.cgi"]
    assert mode("run.cgi") == 0o750
    wanted = {**options, "mode": "0640"}
    assert run("static_content", wanted)["changed"] is True
    assert (mode("run.cgi"), mode("")) == (0o640, 0o750)
    assert run("static_content", wanted)["changed"] is False
    assert "not octal" in run("static_content", {**options, "mode": "rw"})["msg"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give files away")
def test_owner_and_group_are_as_wanted(site):
    options = site.package("CFIS001", {"a/b.txt": "x"})
    run("static_content", options)
    wanted = {**options, "owner": "nobody", "group": "nogroup"}
    served = os.readlink(site.root / "current")
    done = run("static_content", wanted)
    assert done["changed"]
    assert os.readlink(site.root / "current") != served
    for name in ("", "a", "a/b.txt"):
        assert (site.root / "current" / name).stat().st_uid == 65534
    assert run("static_content", wanted)["changed"] is False
    assert "no user 'nosuch'" in run("static_content", {**options, "owner": "nosuch"})["msg"]


def _evil(path: pathlib.Path, kind: str) -> pathlib.Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("good.txt", "x")
        if kind == "slip":
            archive.writestr("../../evil.txt", "x")
        elif kind == "bomb":
            archive.writestr("bomb", b"\0" * (20 << 20))
        else:
            link = zipfile.ZipInfo("link")
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, "/etc/passwd")
    return path


@pytest.mark.parametrize(
    "kind,member", [("slip", "../../evil.txt"), ("bomb", "bomb"), ("link", "link")]
)
def test_evil_archives_are_refused_before_anything_is_touched(site, kind, member):
    """FAULTS 6: refused with file and member named, never rewritten."""
    run("static_content", site.package("CFIS001", {"index.html": "one"}))
    options = site.offer("CFIS002", _evil(site.place / "packages/evil.zip", kind))
    before = tree(site.place)
    failed = run("static_content", options)
    assert failed["failed"]
    assert failed["error"]["kind"] == "InvalidInput"
    assert "evil.zip" in failed["msg"]
    assert repr(member) in failed["msg"]
    assert tree(site.place) == before


def test_limits_are_options(site):
    options = site.package("CFIS001", {"a": "x" * 100, "b": "y"})
    assert "2 members, more than 1" in run("static_content", {**options, "max_files": 1})["msg"]
    assert "more than 50" in run("static_content", {**options, "max_size": 50})["msg"]
    assert "keep_releases" in run("static_content", {**options, "keep_releases": 0})["msg"]


def test_old_releases_go_but_never_one_that_may_be_needed(site):
    """T3, T4: the running one, the one before, and both ends of every open change cycle stay."""
    for number in range(1, 6):
        run("static_content", {**site.package(f"CFIS00{number}", {"a": str(number)}), "keep_releases": 1})
    assert site.releases() == ["CFIS001", "CFIS002", "CFIS003", "CFIS004", "CFIS005"]  # all cycles are open
    for number in range(1, 6):
        close(site.ledger, f"CHG{number:07d}")
    (site.root / "releases/by-hand").mkdir()
    done = run("static_content", {**site.package("CFIS006", {"a": "6"}), "keep_releases": 1})
    assert [pathlib.Path(path).name[:7] for path in done["removed"]] == ["CFIS001", "CFIS002", "CFIS003", "CFIS004"]
    assert site.releases() == ["CFIS005", "CFIS006", "by"]


def test_failed_releases_do_not_push_out_the_last_good_one(site):
    """T4."""
    run("static_content", site.package("CFIS001", {"a": "good"}))
    site.close()
    for number in range(2, 6):
        run("static_content", {**site.package(f"CFIS00{number}", {"a": str(number)}), "keep_releases": 1})
        site.undo()
        site.close()
    assert site.read("a") == "good"
    assert "CFIS001" in site.releases()
    assert len(site.releases()) <= 3


def test_a_run_killed_in_the_middle_leaves_nothing_half_done(site):
    """Invariant 8: what is left under a .part name is replaced by the next run."""
    options = site.package("CFIS001", {"index.html": "one"})
    part = site.root / f"releases/CFIS001-{options['sha256'][:12]}.part"
    part.mkdir(parents=True)
    (part / "half").write_text("h")
    run("static_content", options)
    assert not part.exists()
    assert not (site.root / "current/half").exists()


def test_the_switch_is_atomic_for_readers(site):
    """Invariant 8: a reader sees one release or the other, never none."""
    one, two = site.package("CFIS001", {"a": "1"}), site.package("CFIS002", {"a": "2"})
    run("static_content", {**one, **permit(site.ledger, "CHG0000009", "CFIS001", one["sha256"], two["sha256"])})
    stop, faults = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            try:
                if site.read("a") not in "12":
                    faults.append("mixed")
            except OSError as error:
                faults.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    allowed = {"change": "CHG0000009", "lease": 3, "ledger": str(site.ledger)}
    for options in (two, one, two):
        assert run("static_content", {**options, **allowed})["changed"]
    stop.set()
    reader.join()
    assert faults == []


def test_a_current_that_is_a_directory_is_left_alone(site):
    (site.root / "current").mkdir(parents=True)
    failed = run("static_content", site.package("CFIS001", {"a": "1"}))
    assert "current is not a link" in failed["msg"]
    assert "Cure:" in failed["msg"]


def test_what_no_gate_approved_is_refused(site):
    options = site.package("CFIS001", {"a": "1"})
    other = site.package("CFIS002", {"a": "2"})
    refused = run("static_content", {**other, "change": options["change"], "lease": options["lease"]})
    assert refused["error"]["kind"] == "Refused"
    assert not site.root.exists()


def test_a_run_killed_before_the_ledger_was_written_is_recorded_by_the_next(site, tmp_path):
    """Invariant 10."""
    options = site.package("CFIS001", {"a": "1"})
    run("static_content", options)
    fresh = tmp_path / "other/ledger.db"
    again = {**options, **permit(fresh, "CHG0000009", "CFIS001", options["sha256"])}
    assert run("static_content", again)["changed"] is False
    assert newest_act(fresh)["intent"]["action"] == "record"
    assert newest_act(fresh)["undo"] == {}
