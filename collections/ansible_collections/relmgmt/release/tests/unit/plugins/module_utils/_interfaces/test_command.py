# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings behind an executable: the JSON contract, with a real one (T39)."""

from __future__ import annotations

import json
import os
import signal
import sys
import time

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import SettingPlace
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.command import CommandPlaces, converse
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.port import Context, Written

NOWHERE = Context(None, None, "/nowhere")
#: keeps its value in a file, and everything that it was asked in another one
GOOD = """\
import json, os, sys
place, verb = sys.argv[1:]
asked = json.load(sys.stdin)
with open(place + ".asked", "a") as stream:
    stream.write(json.dumps([verb, asked]) + "\\n")
if verb == "pending":
    print(json.dumps({"pending": open(place + ".pending").read() if os.path.exists(place + ".pending") else ""}))
    sys.exit()
if verb == "write" and asked["value"] is None:
    os.unlink(place)
elif verb == "write":
    open(place, "w").write(asked["value"])
print(json.dumps({"value": open(place).read() if os.path.exists(place) else None}))
"""


class Executable:
    def __init__(self, directory, text):
        self.value = directory / "value"
        self.program = directory / "program"
        self.program.write_text(f"#!{sys.executable}\n{text}")
        self.program.chmod(0o755)
        options = {"command": [str(self.program), str(self.value)]}
        self.setting = SettingPlace("CATS", "all", "command", options, "5100", "5101")
        self.key = self.setting.key

    def places(self, seconds=20.0):
        return CommandPlaces([self.setting], NOWHERE, seconds)

    @property
    def asked(self):
        path = self.value.with_name("value.asked")
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def make(tmp_path):
    return lambda text=GOOD: Executable(tmp_path, text)


@pytest.fixture
def good(make):
    found = make()
    found.value.write_text("5100")
    return found


def asked(verb, endpoint=None, value=None):
    return [verb, {"schema": 1, "interface": "CATS", "endpoint": endpoint, "value": value}]


def test_it_is_read_written_and_asked_what_is_pending(good):
    places = good.places()
    assert places.read() == {good.key: "5100"}
    assert places.pending() == ""
    assert places.write({good.key: "5101"}) == Written()
    assert good.value.read_text() == "5101"
    good.value.with_name("value.pending").write_text("the daemon has to be restarted")
    assert places.pending() == f"{good.key}: the daemon has to be restarted"
    assert asked("write", "test", "5101") in good.asked
    assert [verb for verb, _value in good.asked] == ["read", "pending", "read", "write", "pending"]
    assert {json.dumps(one) for one in good.asked if one[0] != "write"} == {
        json.dumps(asked("read")), json.dumps(asked("pending")),
    }


def test_the_same_again_changes_nothing(good):
    places = good.places()
    places.write({good.key: "5100"})
    places.write({})
    assert "write" not in [verb for verb, _value in good.asked]


@pytest.mark.parametrize("value,endpoint", [("5100", "production"), ("5101", "test"), ("7", None), (None, None)])
def test_a_value_comes_with_the_mode_that_it_means(good, value, endpoint):
    good.value.write_text("before")
    places = good.places()
    places.write({good.key: value})
    assert asked("write", endpoint, value) in good.asked
    assert places.read() == {good.key: value}


def test_an_editor_in_between_is_noticed(good):
    places = good.places()
    places.read()
    good.value.write_text("5109")
    with pytest.raises(RelmgmtError, match="changed between looking and writing"):
        places.write({good.key: "5101"})
    assert good.value.read_text() == "5109"


def test_nothing_of_it_is_read_by_a_shell(make):
    found = make("import json, sys; print(json.dumps({'value': sys.argv[1]}))")
    word = "$(touch x); `touch x` >x * 'a' \""
    place = found.setting._replace(options={"command": [str(found.program), word]})
    assert CommandPlaces([place], NOWHERE).read() == {place.key: word}


@pytest.mark.parametrize(
    "text,said",
    [
        ("import sys; sys.exit('no route to cats')", r"it ended with 1; it said: no route to cats"),
        ("import sys; print('[1]'); print('beside', file=sys.stderr)", "no JSON object; it said: beside"),
        ("print('{')", "its answer is no JSON"),
        ("pass", "its answer is no JSON"),
        ("print('{}')", "neither text nor null"),
        ("print('{\"value\": 5100}')", "neither text nor null"),
        ("print('[' * 9999)", "its answer is no JSON"),
        ("import sys; sys.stdout.buffer.write(b'{\"value\": \"\\xff\"}')", "its answer is no JSON"),
        ("print('x' * (1 << 20))", "wrote too much"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "it ended with -9"),
    ],
)
def test_what_breaks_the_contract_is_unknown(make, text, said):
    found = make(text)
    with pytest.raises(HostStateUnknown, match=said) as caught:
        found.places().read()
    assert caught.value.message.startswith("CATS, read: ")
    assert caught.value.place.startswith("command /")
    assert caught.value.cure


def test_a_write_that_did_not_take_is_no_write(make):
    found = make("import json, sys; json.load(sys.stdin); print(json.dumps({'value': '5100'}))")
    with pytest.raises(HostStateUnknown, match="given '5101' and answers that '5100' stands"):
        found.places().write({found.key: "5101"})


def test_what_is_pending_is_text(make):
    found = make("print('{\"pending\": null}')")
    with pytest.raises(HostStateUnknown, match="no text under `pending`"):
        found.places().pending()


def test_it_ends_with_its_time_and_all_that_it_began_with_it(make, tmp_path):
    text = "import os, time\nos.fork()\ntime.sleep(600)\n"
    with pytest.raises(HostStateUnknown, match=r"did not end within 0\.5 s"):
        make(text).places(0.5).read()
    deadline = time.monotonic() + 20
    while any(_is_of(pid, tmp_path) for pid in os.listdir("/proc") if pid.isdigit()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _is_of(pid, directory):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as stream:
            return str(directory).encode() in stream.read()
    except OSError:
        return False


def test_what_it_leaves_behind_does_not_hold_the_answer_up(make, tmp_path):
    """T27: somebody holds its output open, for longer than there is time."""
    text = (
        "import os, time\npid = os.fork()\nif pid == 0:\n    time.sleep(600)\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(pid))\nprint('{{\"value\": \"5100\"}}')\n"
    )
    found = make(text)
    try:
        assert found.places(5.0).read() == {found.key: "5100"}
    finally:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_one_that_is_not_there_is_named_before_anything_is_written(good):
    good.program.unlink()
    with pytest.raises(HostStateUnknown, match=r"cannot be run: No such file"):
        good.places().read()
    for _turn in range(2):
        with pytest.raises(RelmgmtError, match="there is no such executable") as caught:
            good.places().write({good.key: "5101"})
        assert caught.value.place == str(good.program)
        good.program.write_text("#!/bin/sh\n")  # there, but not executable


def test_the_request_is_whole_however_the_command_reads_it():
    answer = converse([sys.executable, "-c", "import sys; print(len(sys.stdin.read()))"], b"x" * 60000, 20.0)
    assert (answer.code, answer.out) == (0, b"60000\n")
