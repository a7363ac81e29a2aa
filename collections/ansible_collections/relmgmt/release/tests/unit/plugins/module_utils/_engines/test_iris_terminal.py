# SPDX-License-Identifier: GPL-3.0-or-later
"""A session never hangs, says what it saw, and shows no secret (T27, T28, FACTS 1.2)."""

from __future__ import annotations

import json
import os
import stat
import sys

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._engines import conversation, iris_terminal
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_options import IrisOptions
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_terminal import IrisTerminal
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    EngineError,
    HostStateUnknown,
    InvalidInput,
)

SECRET = "s3cret-pass"
# Plays the control program and the session as its script says; answers the lines of a session
# with the records that they would write.
PROGRAM = r'''
import json, os, re, sys, time
here = os.path.dirname(os.path.abspath(__file__))
say = json.load(open(os.path.join(here, "script.json")))
with open(os.path.join(here, "calls"), "a") as log:
    log.write(json.dumps([sys.argv[1:], dict(os.environ), os.getpid()]) + "\n")
out = lambda text: (sys.stdout.write(text), sys.stdout.flush())
if sys.argv[1] == "qlist":
    out(say.get("qlist", "CFIS^/i^2018.1.1.643.0^running, since^cache.cpf^1^2^3^ok\n"))
    sys.exit(say.get("qlist_status", 0))
if sys.argv[1] == "start":
    out("Starting\n")
    sys.exit(say.get("start_status", 0))
refusals = os.path.join(here, "refusals")
count = int(open(refusals).read()) if os.path.exists(refusals) else 0
if count < say.get("licence", 0):
    open(refusals, "w").write(str(count + 1))
    out("<LICENSE LIMIT EXCEEDED>\n")
    sys.exit(1)
for word in say.get("ask", []):
    out("\n" + word)
    got = sys.stdin.readline()
    if say.get("answers", {}).get(word, got.strip()) != got.strip():
        out("Access Denied\n" + say["ask"][0])
        sys.stdin.readline()
        sys.exit(1)
out(say.get("banner", "\nNode: a, Instance: CFIS\n\nCFIS>"))
if "hang" in say:
    while True: time.sleep(1)
lines = sys.stdin.read()
open(os.path.join(here, "lines"), "w").write(lines)
hit = re.search(r'set rmM="([0-9a-f]+)"', lines)
if hit and not say.get("mute"):
    out("\n[%s:NS:%s:%d:%s]" % (hit.group(1), say.get("namespace", "CFIS"), os.getpid(), say.get("unicode", "1")))
    out("".join("\n[%s:%s]" % (hit.group(1), one) for one in say.get("records", [])))
    if say.get("end", True): out("\n[%s:END:]\n" % hit.group(1))
out(say.get("tail", ""))
sys.exit(say.get("status", 0))
'''


@pytest.fixture
def make(tmp_path, monkeypatch):
    """A terminal whose programs follow a script; ``slept`` has the pauses it made."""
    program = tmp_path / "program"
    program.write_text(f"#!{sys.executable} -IS\n{PROGRAM}", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(iris_terminal, "SHORT", 0.5)
    monkeypatch.setattr(conversation, "GRACE", 0.05)

    def made(script=None, **options):
        (tmp_path / "script.json").write_text(json.dumps(script or {}), encoding="utf-8")
        given = {"control": str(program), "session": str(program), "namespace": "CFIS", **options}
        slept = []
        terminal = IrisTerminal(IrisOptions.of({"name": "CFIS", "engine": "iris", "iris": given}), slept.append)
        terminal.slept = slept
        return terminal

    made.calls = lambda: [json.loads(line) for line in (tmp_path / "calls").read_text().splitlines()]
    made.lines = (tmp_path / "lines").read_text
    return made


def talk(terminal):
    return terminal.talk(terminal.script().do("set x=1"))


def test_a_session_that_works(make):
    terminal = make({"records": ["XX:a:b%58;"]})
    said = talk(terminal)
    assert said.fields("XX") == [("a", "b:")]
    assert said.pid > 1
    assert make.calls()[-1][0] == ["CFIS", "-U", "CFIS"]


def test_without_csession_the_control_program_opens_sessions(make):
    terminal = make(session="")
    talk(terminal)
    assert make.calls()[-1][0] == ["session", "CFIS", "-U", "CFIS"]


@pytest.mark.parametrize("script,said", [
    ({"end": False}, "did not come to its end, status 0"), ({"status": 99}, "did not come to its end, status 99"),
    ({"mute": True, "tail": "\n<NAMESPACE>\n"}, "<NAMESPACE>"),
    ({"records": ["ER:<UNDEFINED>x+1^Y *z"], "end": False, "status": 99}, r"<UNDEFINED>x\+1\^Y \*z"),
    ({"namespace": "USER"}, "the session is in namespace USER, not CFIS"),
    ({"banner": "\nWhat do you want? ", "hang": 1}, "gave no prompt within 0.5 s; it printed: What do you want"),
    ({"banner": "", "hang": 1}, "gave no prompt within 0.5 s; it printed: nothing"),
    ({"ask": ["Username:"]}, "asks for a login"),
])
def test_whatever_is_not_a_whole_session_is_an_error_that_shows_it(make, script, said):
    with pytest.raises(EngineError, match=said):
        talk(make(script))


def test_end_and_status_are_both_required(make):
    with pytest.raises(EngineError, match="status 3"):
        talk(make({"status": 3}))


def test_a_session_that_goes_silent_after_the_prompt_is_ended(make):
    terminal = make({"hang": 1})
    with pytest.raises(EngineError, match=r"did not end within 0\.5 s"):
        terminal.talk(terminal.script(), deadline=0.5)


def test_no_free_licence_is_tried_again_and_then_told(make):
    terminal = make({"licence": 2})
    talk(terminal)
    assert terminal.slept == [1.0, 2.0]
    with pytest.raises(EngineError, match="no licence for a session after 6 attempts"):
        talk(make({"licence": 99}))


LOGIN = {"ask": ["Username:", "Password:"], "answers": {"Username:": "deploy", "Password:": SECRET}}


@pytest.mark.parametrize("way", ["password", "password_file"])
def test_a_login_is_answered_on_standard_input_alone(make, tmp_path, way):
    (tmp_path / "secret").write_text(SECRET + "\n")
    terminal = make(LOGIN, username="deploy", **{way: SECRET if way == "password" else str(tmp_path / "secret")})
    talk(terminal)
    for argv, environment, _pid in make.calls():
        assert SECRET not in json.dumps([argv, environment])
    assert SECRET not in make.lines()
    assert SECRET not in json.dumps(terminal.environment()) + " ".join(terminal.words("CFIS"))


def test_a_refused_login_ends(make):
    with pytest.raises(EngineError, match="refused user name and password") as caught:
        talk(make(LOGIN, username="deploy", password="wrong-one"))
    assert "wrong-one" not in str(caught.value)


def test_a_password_that_is_echoed_does_not_reach_the_message(make):
    with pytest.raises(EngineError) as caught:
        talk(make({"banner": f"\n{SECRET}\nmenu: ", "hang": 1}, username="deploy", password=SECRET))
    assert SECRET not in str(caught.value)
    assert "***" in str(caught.value)


def test_a_password_file_that_cannot_be_read_is_named(make, tmp_path):
    with pytest.raises(InvalidInput, match="the password cannot be read"):
        talk(make(LOGIN, username="deploy", password_file=str(tmp_path / "none")))


def test_a_code_page_for_a_unicode_instance_is_refused(make):
    with pytest.raises(InvalidInput, match=r"holds Unicode characters, iris\.encoding is cp1252"):
        talk(make({"unicode": "1"}, encoding="cp1252"))
    for holds, encoding in (("1", "latin1"), ("0", "latin1"), ("0", "cp1252"), ("0", "utf-8")):
        talk(make({"unicode": holds}, encoding=encoding))


def test_wide_characters_are_not_given_to_an_8_bit_instance(make):
    terminal = make({"unicode": "0", "records": ["ER:<DIVIDE>"], "end": False, "status": 99})
    with pytest.raises(InvalidInput, match="holds 8-bit characters"):
        terminal.talk(terminal.script().text("rmF", "€"))


def test_programs_get_an_environment_of_their_own(make, monkeypatch):
    monkeypatch.setenv("IRISPASSWORD", SECRET)
    talk(make())
    known = {"PATH", "TERM", "LC_ALL", "HOME", "LANG"}
    assert all(set(environment) <= known for _argv, environment, _pid in make.calls())


@pytest.mark.parametrize("script", [{"qlist_status": 1}, {"qlist": "No instance\n"}, {"qlist": ""}])
def test_a_qlist_that_fails_leaves_the_state_unknown(make, script):
    with pytest.raises(HostStateUnknown):
        make(script).status()


@pytest.mark.parametrize("state", ["down", "sign-on inhibited", "crashed", "starting"])
def test_an_instance_that_takes_no_sessions_is_told_with_its_state(make, state):
    with pytest.raises(HostStateUnknown, match=f"'{state}', not running"):
        make({"qlist": f"CFIS^/i^2018.1^{state}, x^cache.cpf^1^2^3\n"}).require_ready()


def test_a_start_has_its_time_and_no_more(make):
    terminal = make({"qlist": "CFIS^/i^2018.1.1^down, x^cache.cpf^1^2^3\n"}, start_timeout=1)
    with pytest.raises(HostStateUnknown, match="did not start within 1 s: Starting"):
        terminal.start()
    assert ["start", "CFIS", "quietly"] in [argv for argv, _environment, _pid in make.calls()]
    make({"namespace": "%SYS"}).start()
    with pytest.raises(HostStateUnknown, match="ended with status 1"):
        make({"start_status": 1}).start()


def test_a_program_that_is_not_there_is_named(make):
    with pytest.raises(EngineError, match="cannot be started"):
        make(control="/nowhere/ccontrol").status()


@pytest.mark.parametrize("options", [
    {"control": ""}, {"namespace": ""}, {"control": "ccontrol"}, {"namespace": "A B"}, {"encoding": "klingon"},
    {"session": "csession"}, {"password_file": "secret"}, {"thaw_command": ["thaw"]},
])
def test_options_that_cannot_work_are_refused(make, options):
    with pytest.raises(InvalidInput):
        make(**options)


def test_what_was_started_is_ended(make):
    with pytest.raises(EngineError):
        talk(make({"banner": "menu: ", "hang": 1}))
    assert not [pid for _argv, _environment, pid in make.calls() if os.path.exists(f"/proc/{pid}")]
