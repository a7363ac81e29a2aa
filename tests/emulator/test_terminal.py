# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions: prompts, shapes of errors, exit statuses, logins; each switch both ways (FACTS 1.2)."""

from __future__ import annotations

import re
import subprocess

import pytest
from emulated.emulator import Emulator
from emulator_fixtures import Make


def test_a_session_runs_lines_and_ends_well(emulated: Emulator) -> None:
    done = emulated.session("write $namespace", "write $zversion", "halt", namespace="CFIS")
    assert done.rc == 0
    assert "CFIS>" in done.out
    assert emulated.settings.product.zversion in done.out
    assert "write $namespace" not in done.out  # what is typed is not echoed


def test_an_error_is_shown_and_the_next_line_runs(emulated: Emulator) -> None:
    done = emulated.session("write 1 write x write 2", "write 3", "do ^NOPE", 'zn "NOPE"', "do", namespace="CFIS")
    shown = done.out
    assert re.search(r" write 1 write x write 2\n +\^\n<UNDEFINED> \*x\n", shown)
    assert "2" not in re.sub(r"write.*|Node.*", "", shown).replace("CFIS>", "")
    assert "3" in shown
    assert "<NOROUTINE> *NOPE" in shown
    assert "<NAMESPACE> *NOPE" in shown


def test_exit_status_after_an_error_is_a_switch(cache2018: Emulator) -> None:
    for value in (0, 1):
        cache2018.facts.heredoc_error_status = value
        cache2018.facts.entry_error_status = value + 2
        cache2018.save()
        assert cache2018.session("write x", "halt").rc == value
        assert cache2018.session("write 1").rc == 0
        assert cache2018.session(entry="##class(Nope).X()").rc == value + 2


@pytest.mark.parametrize("code", ["do $SYSTEM.Process.Terminate($JOB,{0})", "do $ZUTIL(4,$JOB,{0})"])
def test_a_process_sets_its_own_exit_status_of_one_byte(shared: Emulator, code: str) -> None:
    assert shared.session(code.format(99), "write 1").rc == 99
    assert shared.session("write x", code.format(0)).rc == 0
    assert shared.session(code.format(256 + 7)).rc == 7


def test_the_stack_is_kept_after_an_error_in_a_routine(shared: Emulator) -> None:
    shared.session('set r=##class(%Routine).%New("R.MAC")', 'do r.WriteLine("R set x=7")',
                     'do r.WriteLine(" write y")', "do r.Save(),r.Compile()", namespace="USER")
    lines = ["new x set x=1", "do ^R", "write \"x=\",x,\"=\"", "quit", "write $stack"]
    done = shared.session(*lines, namespace="USER")
    assert re.search(r" write y\n +\^\n<UNDEFINED>R\+1\^R \*y\nUSER 2d0>", done.out), done.out
    assert "x=7=" in done.out
    shared.facts.stack_kept = False
    shared.save()
    done = shared.session("do ^R", "write 1", namespace="USER")
    assert "USER 2d0>" not in done.out


def test_an_entry_runs_without_prompts(emulated: Emulator) -> None:
    done = emulated.session(entry="##class(%SYSTEM.Status).OK()", namespace="%SYS")
    assert (done.rc, done.out) == (0, "")
    assert "<METHOD DOES NOT EXIST> *Nope,%SYSTEM.OBJ" in emulated.session(entry="##class(%SYSTEM.OBJ).Nope()").out


def test_a_namespace_may_follow_u_without_a_blank(shared: Emulator) -> None:
    done = subprocess.run([shared.bin / "iris", "session", "CFIS", "-U%SYS"], input=b"write $namespace\n",
                          capture_output=True, check=True)
    assert b"%SYS" in done.stdout


def test_u_has_no_effect_on_an_account_with_a_startup_namespace(shared: Emulator) -> None:
    shared.scenario.startup_namespace = "USER"
    shared.save()
    assert "USER>" in shared.session("write 1", namespace="CFIS").out


def test_credentials_are_asked_for_first(cache2008: Emulator) -> None:
    cache2008.scenario.credentials = ("cfis", "secret")
    cache2008.save()
    good = cache2008.session("cfis", "secret", "write $namespace", namespace="CFIS")
    assert good.out.startswith("\nUsername: \nPassword: ")
    assert "CFIS>" in good.out
    bad = cache2008.session("cfis", "wrong", "write 1")
    assert bad.rc == cache2008.facts.refused_login_status
    assert "Access Denied" in bad.out
    assert "secret" not in good.out


def test_the_licence_limit_ends_the_first_sessions(iris2025: Emulator) -> None:
    iris2025.scenario.licence_refusals = 2
    iris2025.save()
    first, second, third = (iris2025.session("write 1") for _ in range(3))
    assert "<LICENSE LIMIT EXCEEDED>" in first.out
    assert first.rc == second.rc == iris2025.facts.licence_status
    assert third.rc == 0


def test_an_unexpected_prompt_waits_for_ever(shared: Emulator) -> None:
    shared.scenario.unexpected_prompt = "Enter the licence key: "
    shared.save()
    with pytest.raises(subprocess.TimeoutExpired) as late:
        shared.session("write 1", timeout=0.5)
    assert b"Enter the licence key: " in (late.value.stdout or b"")


def test_sign_on_inhibited_lets_nobody_in(iris2025: Emulator) -> None:
    iris2025.scenario.state = "sign-on inhibited"
    iris2025.save()
    assert "^sign-on inhibited, since " in iris2025.command("qlist").out
    assert iris2025.session("write 1").rc != 0
    assert iris2025.command("stop", "CFIS", "quietly").rc != 0
    assert iris2025.command("stop", "CFIS", "bypass", "quietly").rc == 0


def test_a_prompt_may_come_late(shared: Emulator) -> None:
    shared.scenario.prompt_delay = 60
    shared.save()
    with pytest.raises(subprocess.TimeoutExpired) as late:
        shared.session("write 1", timeout=0.5)
    assert late.value.stdout is None


def test_blocks_over_lines_and_long_lines_are_switches(shared: Emulator) -> None:
    block = ["if 1 {", "write \"in\"", "}"]
    assert "<SYNTAX>" in shared.session(*block).out
    shared.facts.multiline_blocks = True
    shared.facts.longest_line = 255
    shared.save()
    assert "<SYNTAX>" not in shared.session(*block).out
    assert shared.session('write "{""{"', 'write "ne","xt"').out.count("next") == 1
    assert "<SYNTAX>" in shared.session(f'write $length("{"x" * 300}")').out


def test_the_banner_and_the_line_end_after_input_are_switches(shared: Emulator) -> None:
    assert "Instance: CFIS" in shared.session("halt").out
    shared.facts.banner = shared.facts.newline_after_input = False
    shared.save()
    assert shared.session("write 1", "halt").out == "USER>1\nUSER>"


def test_characters_beyond_ascii_follow_the_encoding(make_emulator: Make) -> None:
    for encoding in ("utf-8", "latin-1"):
        emulator = make_emulator("cache2018", start=False)
        emulator.scenario.encoding = encoding
        emulator.save()
        emulator.start()
        assert "é233" in emulator.session('write $char(233),$ascii("é")').out
        emulator.close()


def test_texts_are_translated_and_codes_are_not(cache2018: Emulator) -> None:
    cache2018.scenario.language = "de"
    cache2018.save()
    done = cache2018.session('set sc=$system.OBJ.Load("/nope.xml")', "write $system.Status.GetErrorText(sc)")
    assert "FEHLER #5012" in done.out
    assert "Laden gestartet" in done.out


def test_status_5002_names_the_product_of_old(cache2008: Emulator) -> None:
    line = 'try { set x=1/0 } catch e { write $system.Status.GetErrorText(e.AsStatus()) }'
    assert "ERROR #5002: Cache error: <DIVIDE>" in cache2008.session(line).out
    cache2008.facts.status_5002_words = "ObjectScript error"
    cache2008.save()
    assert "ERROR #5002: ObjectScript error: <DIVIDE>" in cache2008.session(line).out


def test_processes_are_listed_or_not(shared: Emulator) -> None:
    line = ('set k="" for  set k=$order(^$job(k)) quit:k=""  '
            'write "[",##class(%SYS.ProcessQuery).%OpenId(k).NameSpace,"]"')
    assert "[%SYS][CFIS]" in shared.session(line, namespace="CFIS").out
    shared.facts.processes_listed = False
    shared.save()
    assert "<SYNTAX>" in shared.session(line).out


def test_a_killed_session_gives_its_transaction_back(shared: Emulator) -> None:
    held = subprocess.Popen([shared.bin / "iris", "session", "CFIS", "-U", "CFIS"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)
    assert held.stdin is not None
    assert held.stdout is not None
    held.stdin.write(b'set ^T=1 tstart  set ^T=2 write "do","ne",!\n')
    held.stdin.flush()
    while b"done" not in held.stdout.readline():
        pass
    held.kill()
    held.communicate()
    done = shared.session("for i=1:1:50 quit:^T=1  hang .02", 'write "T=",^T', namespace="CFIS")
    assert "T=1" in done.out
