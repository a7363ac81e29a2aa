# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers of an nginx upstream."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.nginx_members import (
    read_members,
    upstreams_with,
    with_member,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

TEXT = """\
# CFIS; server 10.0.0.9:80;
server 10.0.0.11:9080 max_fails=0;  # app1
    server   10.0.0.12:9080   weight=2 down max_fails=0;
server app3.example.com;
server 10.0.0.11:90 down;
"""


def test_servers_and_whether_they_are_down() -> None:
    assert read_members(TEXT, "members.conf") == {
        "10.0.0.11:9080": False, "10.0.0.12:9080": True, "app3.example.com": False, "10.0.0.11:90": True,
    }


@pytest.mark.parametrize(
    "address,down,line",
    [
        ("10.0.0.11:9080", True, "server 10.0.0.11:9080 max_fails=0 down;  # app1"),
        ("10.0.0.12:9080", False, "    server   10.0.0.12:9080 weight=2 max_fails=0;"),
        ("app3.example.com", True, "server app3.example.com down;"),
        ("10.0.0.11:90", False, "server 10.0.0.11:90;"),
    ],
)
def test_one_line_changes(address: str, down: bool, line: str) -> None:
    after = with_member(TEXT, address, down).splitlines()
    assert [each for each in after if each not in TEXT.splitlines()] == [line]
    assert len(after) == len(TEXT.splitlines())
    assert read_members("\n".join(after), "members.conf")[address] == down


def test_a_server_that_is_there_twice_is_refused() -> None:
    with pytest.raises(InvalidInput, match="10.0.0.11:9080 is there twice"):
        read_members(TEXT + "server 10.0.0.11:9080;\n", "members.conf")


@pytest.mark.parametrize(
    "upstream,found",
    [
        ("upstream cfis { hash $route consistent; include /etc/nginx/members.conf; }", [True]),
        ("upstream cfis {\n include members.conf;\n ip_hash;\n}", [True]),
        ("upstream cfis { sticky cookie route; include 'members.conf'; }", [True]),
        ("upstream cfis { include members.conf; keepalive 8; }", [False]),
        ("upstream cfis { # ip_hash;\n include members.conf; }", [False]),
        ("upstream hash { include members.conf; }", [False]),
        ("upstream cfis { include other-members.conf; }", []),
        ("# upstream cfis { include members.conf; }", []),
        ("upstream a { ip_hash; include members.conf; } upstream b { include members.conf; }", [True, False]),
    ],
)
def test_upstreams_that_include_the_file(upstream: str, found: list[bool]) -> None:
    assert list(upstreams_with(f"events {{}} http {{ {upstream}\n }}", "members.conf").values()) == found
