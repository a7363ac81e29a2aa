# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers of an nginx upstream."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.nginx_members import (
    keeps_sessions,
    read_members,
    upstreams_of,
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


def test_a_server_that_is_down_in_one_line_only_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"10\.0\.0\.11:9080 is down in one line"):
        read_members(TEXT + "server 10.0.0.11:9080 backup down;\n", "members.conf")


POOLS = """\
upstream cfis { server a:1 max_fails=0; server b:1 max_fails=0; }
upstream cfis_a { server a:1 max_fails=0; server b:1 max_fails=0 backup; }  # of a
upstream cfis_b { server b:1 max_fails=0; server a:1 max_fails=0 backup; }
"""


def test_a_server_is_down_in_all_upstreams() -> None:
    after = with_member(POOLS, "a:1", True)
    assert read_members(after, "members.conf") == {"a:1": True, "b:1": False}
    assert after.count("server a:1 max_fails=0 down;") == 2
    assert after.count("server a:1 max_fails=0 backup down;") == 1
    assert with_member(after, "a:1", False) == POOLS


def shown(http: str, text: str = TEXT) -> str:
    """What nginx -T prints."""
    main = f"# configuration file /etc/nginx.conf:\nevents {{}} http {{ {http}\n }}\n\n"
    return f"{main}# configuration file /x/members.conf:\n{text}\n"


@pytest.mark.parametrize(
    "upstream,kept",
    [
        ("upstream cfis { hash $route consistent; include /etc/nginx/members.conf; }", False),
        ("upstream cfis {\n include members.conf;\n ip_hash;\n}", False),
        ("upstream cfis { sticky cookie route; include 'members.conf'; }", True),
        ("upstream cfis { # sticky cookie route;\n include members.conf; }", False),
        ("upstream sticky { include members.conf; }", False),
        ("upstream a { sticky cookie r; include members.conf; } upstream b { include members.conf; }", False),
    ],
)
def test_an_upstream_that_includes_the_file(upstream: str, kept: bool) -> None:
    found = upstreams_of(shown(upstream), "members.conf", TEXT)
    assert found
    assert keeps_sessions(found) == kept


@pytest.mark.parametrize(
    "text,kept",
    [(POOLS, True), (POOLS.replace(" backup", ""), False), (POOLS[:POOLS.index("upstream cfis_b")], False)],
    ids=["each its own", "none has its own", "b has none"],
)
def test_upstreams_in_the_file(text: str, kept: bool) -> None:
    found = upstreams_of(shown("include members.conf;", text), "members.conf", text)
    assert len(found) == text.count("upstream")
    assert keeps_sessions(found) == kept


@pytest.mark.parametrize("http", ["upstream cfis { include other-members.conf; }", "# include members.conf;"])
def test_a_file_that_nginx_does_not_read(http: str) -> None:
    text = shown(http).replace("/x/members.conf", "/x/other-members.conf")
    assert upstreams_of(text, "members.conf", TEXT) == []
    assert upstreams_of(text, "members.conf", POOLS) == []
