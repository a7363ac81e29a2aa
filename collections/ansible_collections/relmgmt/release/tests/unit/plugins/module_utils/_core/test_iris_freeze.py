# SPDX-License-Identifier: GPL-3.0-or-later
"""The call that freezes, with the dead-man switch where the instance has one (T17, T18, FACTS 3.1)."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.iris_freeze import argument_names, freeze_call

SEVEN = (
    'LogFile:%String="",Text:%String="a, b",SwitchJournalFile:%Boolean=1,TimeOut:%Integer=10,Hibernate:%Integer=0,'
    "Verbose:%Boolean=0,ExternalFreezeTimeOut:%Integer=0"
)
EIGHT_ON = ",Username:%String=\"\",Password:%String=\"\",WDSuspendLimit:%Integer=0"


def test_an_older_method_gets_its_seven_arguments():
    assert freeze_call(SEVEN, 60) == ("##class(Backup.General).ExternalFreeze(,,1,10,0,0,600)", False)
    assert freeze_call("", 60)[1] is False


def test_the_own_limit_goes_where_the_method_has_it():
    assert freeze_call(SEVEN + EIGHT_ON, 45) == ("##class(Backup.General).ExternalFreeze(,,1,10,0,0,600,,,45)", True)
    moved = SEVEN + ",WDSuspendLimit:%Integer=0,Username"
    assert freeze_call(moved, 45)[0].endswith("600,45)")


@pytest.mark.parametrize("spec", ["&A:%String,*B,C=5", "A , B:X , C"])
def test_names_of_arguments(spec):
    assert argument_names(spec) == ["A", "B", "C"]


def test_the_call_has_nothing_that_a_shell_or_a_log_would_mind():
    call, _own = freeze_call(SEVEN + EIGHT_ON, 300)
    assert '"' not in call
    assert "ExternalSetHistory" not in call
