# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory's description of a cell: what cannot be is refused, and no name is a pattern (T16)."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_options import Place, WasOptions
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

GIVEN = {"profile": "/p", "cluster": "cfis"}
SERVER = {"node": "n", "server": "s"}


def test_what_is_not_given_has_a_value():
    options = WasOptions.of({**GIVEN, "servers": None, "username": None, "port": None})
    assert (options.virtual_host, options.rollout, options.request_timeout) == ("default_host", "nodes", 600)
    assert options.wsadmin == "/p/bin/wsadmin.sh"
    assert options.place == "cluster cfis"
    assert options.password() == ""


def test_servers_are_named_with_their_nodes():
    """T11."""
    options = WasOptions.of({"profile": "/p", "servers": [SERVER, {"node": "s", "server": "n"}]})
    assert options.servers == (Place("n", "s"), Place("s", "n"))
    assert options.place == "server n/s, s/n"


@pytest.mark.parametrize("wrong, told", [
    ({"cluster": ""}, "either a cluster or servers"),
    ({"servers": [SERVER]}, "either a cluster or servers"),
    ({"cluster": "*"}, "not a name"),
    ({"cluster": "a,type=x"}, "not a name"),
    ({"virtual_host": "a b"}, "not a name"),
    ({"web_servers": [{"node": "", "server": "s"}]}, "not a name"),
    ({"host": "h -user x"}, "not a name"),
    ({"profile": "p"}, "not an absolute path"),
    ({"username": "u"}, "go together"),
    ({"cluster": "", "servers": [SERVER], "rollout": "servers"}, "the product's own way with a cluster"),
])
def test_what_cannot_be_is_refused(wrong, told):
    with pytest.raises(InvalidInput, match=told):
        WasOptions.of({**GIVEN, **wrong})


def test_the_password_is_the_first_line_of_its_file(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes("pässword\r\nmore\n".encode())
    path.chmod(0o600)
    assert WasOptions.of({**GIVEN, "username": "u", "password_file": str(path)}).password() == "pässword"


@pytest.mark.parametrize("content", [None, b"\xff\n"])
def test_a_password_that_cannot_be_read_is_told_without_it(tmp_path, content):
    path = tmp_path / "secret"
    if content:
        path.write_bytes(content)
        path.chmod(0o600)
    with pytest.raises(InvalidInput, match="the password cannot be read"):
        WasOptions.of({**GIVEN, "username": "u", "password_file": str(path)}).password()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_password_that_others_may_read_is_refused(tmp_path, mode):
    path = tmp_path / "secret"
    path.write_text("s3cret\n")
    path.chmod(mode)
    with pytest.raises(InvalidInput, match="others may read the password file") as caught:
        WasOptions.of({**GIVEN, "username": "u", "password_file": str(path)}).password()
    assert "s3cret" not in str(caught.value)
