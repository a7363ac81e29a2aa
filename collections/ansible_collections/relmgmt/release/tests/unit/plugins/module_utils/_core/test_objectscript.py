# SPDX-License-Identifier: GPL-3.0-or-later
"""ObjectScript for a terminal: data are never code, lines are bounded and guarded, records come back (FACTS 1.2)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._core import objectscript
from ansible_collections.relmgmt.release.plugins.module_utils._core.objectscript import (
    MODERN,
    OLD,
    Script,
    codes_of,
    expressions,
    flags,
    form_of,
    records,
    text_of,
    unescape,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

NONCE = "0123456789abcdef"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
LITERAL = re.compile(r'"((?:[^"]|"")*)"|\$char\(([0-9,]+)\)')


def worth(expression):
    """What an expression of literals and $char is, by M's rules."""
    parts = LITERAL.findall(expression)
    assert "_".join(f'"{text}"' if not codes else f"$char({codes})" for text, codes in parts) == expression
    return "".join(text.replace('""', '"') if not codes else text_of([int(c) for c in codes.split(",")])
                   for text, codes in parts)


@given(TEXT)
@settings(max_examples=80, deadline=None)
def test_any_text_becomes_expressions_that_are_it(text):
    made = list(expressions(codes_of(text)))
    units = [code for part in made for code in codes_of(worth(part))]
    assert text_of(units) == text
    assert all(len(part) <= objectscript.EXPRESSION and part.isascii() and part.isprintable() for part in made)


@given(st.lists(st.tuples(st.sampled_from(["rmF", "rmA(1)"]), TEXT), max_size=4), st.sampled_from([MODERN, OLD]))
@settings(max_examples=40, deadline=None)
def test_whatever_the_data_every_line_parses_and_is_bounded(syntax_errors, values, form):
    script = Script()
    for variable, text in values:
        script.text(variable, text)
    lines = script.reference("^CFG", tuple(text for _v, text in values)).say("XX", "rmF").lines(NONCE, "CFIS", form)
    assert max(map(len, lines)) <= objectscript.LINE
    assert syntax_errors(lines) == []


@pytest.mark.parametrize("wrong", [
    "set x=", 'set x="a', "if x { set y=1", 'write !,"[",rmM,', "set rmQ=##class(A.B).C(", "for rmI=1:1:", "sat x=1",
])
def test_the_check_of_syntax_can_fail(syntax_errors, wrong):
    assert syntax_errors(["set rmN=0", wrong, "halt"])


@pytest.mark.parametrize("form", [MODERN, OLD])
def test_code_that_is_executed_from_variables_parses_too(syntax_errors, form):
    code = [objectscript.SAFE, objectscript.WRITE, objectscript.WRITE_ESCAPED, objectscript.STATUS,
            objectscript.STATUS_TEXTS]
    assert syntax_errors(code) == []
    script = Script().call_last("set rmV=$$A^B(rmA(1))", True)
    lines = script.lines(NONCE, "CFIS", form)
    assert syntax_errors([*lines, script.last.replace("NONCE", NONCE)]) == []
    assert max(map(len, lines)) <= objectscript.LINE
    assert "xecute rmP" in lines[-1], "what the application reads is at its end"


def test_a_name_of_the_application_stays_what_it_is():
    lines = Script().call_last("do NONCE^X", False).lines(NONCE, "CFIS")
    assert "do NONCE^X" in "".join(lines)


def test_a_line_runs_only_if_the_one_before_came_to_its_end():
    lines = Script().do("set x=1", "set y=2").lines(NONCE, "CFIS")
    assert lines[0] == "set rmN=0"
    numbered = [re.match(r"if \$get\(rmN\)=(\d+) ", line) for line in lines[1:-1]]
    assert [int(hit.group(1)) for hit in numbered if hit] == list(range(len(lines) - 2))
    assert all(f"set rmN={number + 1} }}" in line for number, line in enumerate(lines[1:-2]))
    assert lines[-2] == f'if $get(rmN)={len(lines) - 3} write !,"[{NONCE}:END:]",! halt'
    assert lines[-1] == "do $SYSTEM.Process.Terminate($JOB,98)"


def test_an_error_ends_the_process_with_status_99():
    lines = Script().do("set x=1").lines(NONCE, "CFIS")
    assert all("catch rmE { xecute rmX }" in line for line in lines[1:-2])
    pieces = re.findall(r'rmX=(?:rmX_)?((?:"(?:[^"]|"")*"_?)+)', "\n".join(lines))
    assert "".join(map(worth, pieces)).endswith("trollback:$tlevel  do $SYSTEM.Process.Terminate($JOB,99)")


def test_a_version_without_try_is_spoken_to_without_it():
    assert form_of("5.0.21.6408") is form_of("2007.1.4") is OLD
    assert form_of("2008.1.1.310") is form_of("2025.3.0.226.0") is MODERN
    lines = Script().attempt("set x=##class(A).B()", "set x=0").lines(NONCE, "CFIS", OLD)
    assert not any(word in line for line in lines for word in ("try", "catch", "$namespace", "$SYSTEM.Process"))
    assert any("set x=0 set rmN=" in line for line in lines)


def test_an_attempt_goes_on_with_what_to_do_otherwise(syntax_errors):
    lines = Script().attempt("set x=##class(A).B(.rmU)", "set x=0").lines(NONCE, "CFIS")
    assert any("{ try { try { set x=##class(A).B(.rmU) } catch rmE { set x=0 } set rmN=" in line for line in lines)
    assert syntax_errors(lines) == []


def test_wide_characters_stop_at_an_8_bit_instance():
    assert not any("1/$length" in line for line in Script().text("rmF", "é").lines(NONCE, "CFIS"))
    assert any("set rmK=1/$length($char(256))" in line for line in Script().text("rmF", "€").lines(NONCE, "CFIS"))


def test_an_8_bit_instance_gets_its_own_codes():
    assert codes_of("é€", "cp1252") == [0xE9, 0x80]
    assert text_of([0xE9, 0x80], "cp1252") == "é€"
    assert codes_of("é", "latin1") == codes_of("é") == [0xE9]
    with pytest.raises(InvalidInput, match="character 2 of a value cannot be held by an instance of encoding cp1252"):
        codes_of("éж", "cp1252")


@pytest.mark.parametrize("encoding", ["utf-8", "latin1"])
def test_bytes_that_are_no_text_are_refused(encoding):
    with pytest.raises(InvalidInput, match="cannot be held"):
        codes_of("a\udce9", encoding)


def test_characters_beyond_the_basic_plane_travel_as_pairs():
    assert codes_of("😀") == [0xD83D, 0xDE00]
    assert unescape("a%55357;%56832;b") == "a😀b"


@pytest.mark.parametrize("wanted", ["cbk", "ck-d", "-d", "ck"])
def test_flags_that_are_used(wanted):
    assert flags(wanted) == f'"{wanted}"'


@given(st.text("abcdefhikloprsuy-/=", max_size=6))
@settings(max_examples=100, deadline=None)
def test_the_flag_that_deletes_data_cannot_be_made(text):
    for wanted in (text + "e", "e" + text, text[:3] + "e" + text[3:]):
        with pytest.raises(ValueError, match="never used"):
            flags(wanted)


@pytest.mark.parametrize("name", [
    "CFG", "^", "^1A", "^A.", "^A(1)", '^A"', "^|\"X\"|A", "^A B", "^" + "A" * 32, "^||A",
])
def test_a_global_that_cannot_be_is_refused(name):
    with pytest.raises(InvalidInput, match="cannot be a global"):
        Script().reference(name, ())


def test_records_are_found_among_prompts_and_broken_lines():
    output = f"\nUSER>\n[{NONCE}:NS:CFIS:42:1]\r\nCFIS>\n[{NONCE}:ND:a%58;b\r\n:%91;x%93;]\n"
    output += f"[other:ND:no]\n[{NONCE}:ND:cut"
    assert [tuple(one) for one in records(output, NONCE)] == [("NS", ("CFIS", "42", "1")), ("ND", ("a:b", "[x]"))]


def test_what_the_application_writes_is_between_two_marks():
    output = f"CFIS>\n[{NONCE}:BG:]\none\n two\n[{NONCE}:END:]\n"
    assert objectscript.between(output, NONCE) == "one\n two"
    assert objectscript.between("CFIS>\n", NONCE) == ""
