# SPDX-License-Identifier: GPL-3.0-or-later
"""What HAProxy 2.6 answers, shortened to the columns that count."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.haproxy_stat import (
    being_closed,
    has_cookie,
    has_table,
    servers,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.proxy_state import (
    CLOSING,
    DRAINED,
    SERVING,
    Member,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import ProxyError

HEAD = "# pxname,svname,qcur,qmax,scur,smax,status,cookie,\n"
ANSWER = HEAD + """\
web,FRONTEND,,,4,9,OPEN,,
cfis,app1,0,0,3,5,UP,app1,
cfis,app2,2,2,1,5,MAINT,app2,
cfis,app3,0,0,0,5,DRAIN,app3,
cfis,BACKEND,0,0,4,9,UP,SRV,
other,app1,0,0,0,0,DOWN,,
other,BACKEND,0,0,0,0,DOWN,,

"""


def test_the_servers_of_one_backend() -> None:
    found = servers(ANSWER, "cfis")
    assert {name: (server.member, server.sessions) for name, server in found.items()} == {
        "app1": (Member(SERVING), 3), "app2": (Member(DRAINED), 3), "app3": (Member(CLOSING), 0),
    }
    assert servers(ANSWER, "none") == {}


@pytest.mark.parametrize(
    "status,member",
    [
        ("no check", Member(SERVING)),
        ("UP 1/3", Member(SERVING, healthy=False)),
        ("DOWN 1/2", Member(SERVING, healthy=False)),
        ("NOLB", Member(SERVING, healthy=False)),
        ("MAINT (via cfis/app1)", Member(DRAINED)),
        ("MAINT (resolution)", Member(DRAINED)),
        ("DRAIN (agent)", Member(CLOSING)),
    ],
)
def test_every_status(status: str, member: Member) -> None:
    assert servers(HEAD + f"cfis,app1,0,0,0,0,{status},,\n", "cfis")["app1"].member == member


STATE = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight
3 cfis 1 app1 127.0.0.1 2 0 1
3 cfis 2 app2 127.0.0.1 0 8 1
3 cfis 3 app3 127.0.0.1 0 16 1
3 cfis 4 app4 127.0.0.1 0 9 1
3 cfis 5 app5 127.0.0.1 0 32 1
4 other 1 app6 127.0.0.1 0 8 1

"""


def test_closing_by_the_administrator_alive_or_dead() -> None:
    """Set at the socket or taken from a tracked server; maintenance beside it drains wholly."""
    assert being_closed(STATE, "cfis") == {"app2", "app3"}
    with pytest.raises(ProxyError, match="Permission denied"):
        being_closed("Permission denied\n", "cfis")


def test_affinity_by_cookie_or_table() -> None:
    assert has_cookie(ANSWER, "cfis")
    assert not has_cookie(ANSWER, "other")
    tables = "# table: cfis, type: string, size:1024, used:0\n\n"
    assert has_table(tables, "cfis")
    assert not has_table(tables, "cfi")


def test_another_answer_is_told() -> None:
    with pytest.raises(ProxyError, match="Permission denied"):
        servers("Permission denied\n", "cfis")
