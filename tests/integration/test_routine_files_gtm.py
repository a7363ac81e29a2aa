# SPDX-License-Identifier: GPL-3.0-or-later
"""Routine files that a real ^%RO wrote, on a real GT.M instance; ^%RI is the peer (FACTS 2.4, 5.4)."""

from __future__ import annotations

from pathlib import Path

import pytest
from gtm_instance import GtmSandbox
from package_cycle import Cycle, export_xml, routine_xml

from ansible_collections.relmgmt.release.plugins.module_utils._core.routine_file import read_routines

# As VistA's are: a header in ;; lines, tabs, lines of one blank, the application's own 8-bit characters.
VISTA = (
    b"XUSVIS\t;SF/STAFF - SIGNON ;07/20/2007\n\t;;8.0;KERNEL;**16,26,49**;Jul 10, 1995;Build 2\n ;;\xa9 G\xfcnther\n"
    b"EN(U)\t;entry\n\tN X S X=$P(\"a^b\",\"^\",2)\tI X=\"\" Q \"\"\n\n\tQ U_\";\"_X ;comment\n"
)
OTHER = b"%XUTL ;utility\n w \"util\",!\n q\n"


@pytest.fixture
def source(make_gtm) -> GtmSandbox:
    """The instance where the routines come from."""
    gtm = make_gtm("SOURCE", journal=False)
    (gtm.sources / "XUSVIS.m").write_bytes(VISTA)
    (gtm.sources / "_XUTL.m").write_bytes(OTHER)
    return gtm


@pytest.fixture
def cycle(tmp_path: Path, gtm: GtmSandbox) -> Cycle:
    return Cycle(tmp_path, gtm)


def write_out(gtm: GtmSandbox, target: Path) -> bytes:
    """What ^%RO writes of the two routines."""
    answers = f"XUSVIS\n%XUTL\n\n{target}\nVistA routines\nNo\n".encode()
    gtm.engine.require(gtm.engine.mumps("-run", "%RO", stdin=answers), "%RO")
    return target.read_bytes()


def read_in(gtm: GtmSandbox, file: Path, target: Path, form_feeds: bool = False) -> dict[str, bytes]:
    """What ^%RI makes of a routine file."""
    target.mkdir()
    answers = f"{'Yes' if form_feeds else 'No'}\n{file}\n{target}/\n".encode()
    answer = gtm.engine.require(gtm.engine.mumps("-run", "%RI", stdin=answers), "%RI")
    assert "ERROR" not in answer.out, answer.out
    return {path.name: path.read_bytes() for path in target.iterdir()}


def test_what_ro_wrote_is_installed_as_ri_would_and_taken_back(source, cycle, tmp_path):
    data = write_out(source, tmp_path / "vista.ro")
    peer = read_in(source, tmp_path / "vista.ro", tmp_path / "peer")
    before = cycle.state()
    args = cycle.begin_file("CFIS002", data, type="routines", percent_items=["%XUTL.INT"])
    made = cycle.install(args)
    assert {one["name"]: one["state"] for one in made["items"]} == {"XUSVIS.INT": "added", "%XUTL.INT": "added"}
    assert {path.name: path.read_bytes() for path in cycle.gtm.sources.iterdir()} == peer
    assert b"\xa9 G\xfcnther" in peer["XUSVIS.m"]
    assert cycle.gtm.m('write $$EN^XUSVIS("x")') == "x;b"
    assert cycle.gtm.run("%XUTL") == "util\n"
    assert cycle.install(args)["changed"] is False
    cycle.roll_back(args)
    assert cycle.state() == before


def test_form_feeds_end_routines_as_ri_reads_them(source, tmp_path):
    file = tmp_path / "ff.ro"
    file.write_bytes(b"label\nGT.M 21-NOV-2026 23:18:55\nXUSVIS\n" + VISTA + b"\r\f\n%XUTL\n" + OTHER + b"\r\f\n")
    peer = read_in(source, file, tmp_path / "peer", form_feeds=True)
    items = {item.name: item for item in read_routines([file.read_bytes()], "ff.ro")}
    for name, path in (("XUSVIS.INT", "XUSVIS.m"), ("%XUTL.INT", "_XUTL.m")):
        # ^%RI writes a blank for an empty line.
        lines = [line or " " for line in items[name].lines]
        assert "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape") == peer[path]


def test_a_file_of_caches_dialect_is_loaded_too_and_compared_with_an_export(cycle):
    text = "CASE ;cases\n w \"case\",!\n\n q\n"
    head = "Cache for UNIX^INT^x^~Format=Cache.S~^RAW\n%RO on 08 Feb 2010   4:19 PM\n"
    cache = f"{head}CASE^INT^1^59973,59905^0\n{text}\n"
    first = cycle.begin_file("CFIS001", cache.encode(), type="routines")
    assert cycle.install(first)["compiled"] == 1
    assert cycle.gtm.run("CASE") == "case\n"
    same = cycle.begin("CFIS002", routine_xml("CASE.MAC", text))
    assert cycle.install(same)["changed"] is False, "the same routine, exported as XML"


def test_a_package_of_another_type_than_the_release_says_is_refused(cycle):
    error = cycle.refused(cycle.begin_file("CFIS002", export_xml(routine_xml("A.MAC", "A ;\n q\n")), type="routines"))
    assert "release.yml as cache_xml" in error["cure"]
    error = cycle.refused(cycle.begin_file("CFIS002", b"l\nGT.M 21-NOV-2026 23:18:55\nA\n q\n"))
    assert "release.yml as routines" in error["cure"]
