# SPDX-License-Identifier: GPL-3.0-or-later
"""What GT.M's programs say, and what its options may be (FACTS 5.2)."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.items import CompileError
from ansible_collections.relmgmt.release.plugins.module_utils._engines import gtm_globals, gtm_items
from ansible_collections.relmgmt.release.plugins.module_utils._engines.choose import open_engine
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import Answer, GtmInstance, Message
from ansible_collections.relmgmt.release.plugins.module_utils._errors import EngineError, InvalidInput

OPTIONS = {
    "dist": "/opt/gtm", "global_directory": "/i/x.gld", "source_directory": "/i/r", "object_directory": "/i/o",
}
COMPILER = """\
\t w "hi ,!
\t         ^-----
\t\tAt column 10, line 2, source module /i/r/_CF.m
%GTM-E-SPOREOL, Either a space or an end-of-line was expected but not found
"""


def instance(**more):
    return GtmInstance("CFIS", **{**OPTIONS, **more})


def answer(rc=0, out="", err=""):
    return Answer(rc, out, err, 42, ("mumps", "-run", "X"))


def test_messages_are_read_from_both_streams():
    said = answer(178, "%GTM-I-MUSTANDALONE, needs it\n", "x\n%GTM-E-INTEGERRS, Database integrity errors\n")
    assert said.messages == [
        Message("E", "INTEGERRS", "Database integrity errors"), Message("I", "MUSTANDALONE", "needs it"),
    ]
    assert said.problems == said.messages[:1]
    assert said.has("MUSTANDALONE")


def test_a_trapped_run_time_error_is_told_with_its_place():
    out = "%RELMGMT-E-TRAP,150373210,P1+5^P1,%GTM-E-DIVZERO, Attempt to divide by zero\n"
    with pytest.raises(EngineError, match=r"DIVZERO: Attempt to divide by zero at P1\+5\^P1") as caught:
        instance().require(answer(1, out), "adding")
    assert caught.value.detail["pid"] == 42


@pytest.mark.parametrize("rc", [1, 90, 178, 253])
def test_every_other_status_than_0_is_a_failure(rc):
    with pytest.raises(EngineError, match=f"status {rc}"):
        instance().require(answer(rc), "it")
    assert instance().require(answer(0), "it").rc == 0


def test_the_environment_is_private_and_ends_on_errors(monkeypatch):
    monkeypatch.setenv("gtm_etrap", "BREAK")
    monkeypatch.setenv("LD_PRELOAD", "/x.so")
    made = instance(environment={"gtm_tmp": "/i/tmp"}).environment("/p(/p)")
    assert set(made) == {"PATH", "LC_ALL", "gtm_dist", "gtmgbldir", "gtmroutines", "gtm_etrap", "gtm_tmp"}
    assert made["gtm_etrap"].endswith("ZHALT 1")
    assert made["gtmroutines"] == "/p(/p) /i/o(/i/r) /opt/gtm/libgtmutil.so /opt/gtm"


def test_utf_8_has_objects_of_its_own():
    made = instance(environment={"gtm_chset": "utf-8"}).environment()
    assert made["gtmroutines"].endswith("/opt/gtm/utf8/libgtmutil.so /opt/gtm/utf8")
    assert made["LC_ALL"] == "C.UTF-8"


@pytest.mark.parametrize("option", sorted(OPTIONS))
@pytest.mark.parametrize("value", ["relative/x", "/with blank", "/with(bracket", "/auto*"])
def test_paths_that_gtmroutines_cannot_carry_are_refused(option, value):
    with pytest.raises(InvalidInput, match=option):
        instance(**{option: value})


@pytest.mark.parametrize("given", [{"engine": "iris", "name": "A"}, {"name": "A"}, {"engine": "gtm", "name": "A"}])
def test_an_instance_that_is_not_described_is_refused(given):
    with pytest.raises(InvalidInput):
        open_engine(given)


def test_compile_errors_name_item_line_text_and_message():
    assert gtm_items._compile_errors(answer(1, "", COMPILER), {"_CF": "%CF.INT"}) == [
        CompileError(
            "%CF.INT", 2, 'w "hi ,!',
            "SPOREOL: Either a space or an end-of-line was expected but not found",
        )
    ]


@pytest.mark.parametrize("name, home", [("CASE.MAC", "CASE"), ("%Z1.INT", "%Z1"), ("a1.INT", "a1")])
def test_a_routine_has_one_home(name, home):
    assert gtm_items.home_of(name) == home


@pytest.mark.parametrize("name", [
    "CASE", "CASE.INC", "App.Case.CLS", "A.B.INT", "1A.MAC", "../x.MAC", "A" * 32 + ".MAC", "A\n.MAC", ".MAC", "Ä.MAC",
])
def test_what_cannot_be_a_routine_is_refused_by_name(name):
    with pytest.raises(InvalidInput):
        gtm_items.home_of(name)


@pytest.mark.parametrize("name", ["CFG", "^", "^A.B", '^|"NS"|A', "^A(1)", "^1", "^A\n", "^$ROUTINE"])
def test_what_cannot_be_a_global_is_refused_by_name(name):
    with pytest.raises(InvalidInput):
        gtm_globals.check_name(name)
