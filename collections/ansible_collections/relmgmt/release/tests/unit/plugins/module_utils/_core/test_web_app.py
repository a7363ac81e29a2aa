# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and decisions about a web application (T8, T9, T12, T16)."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.web_app import Deployed, has_drift, plan, web_app
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

NEW, OLD = "1" * 64, "2" * 64


@pytest.mark.parametrize(
    "observed,action",
    [
        (Deployed("", "", False, "absent"), "install"),
        (Deployed("", "/cfis", False, "stopped"), "install"),
        (Deployed(OLD, "/cfis", True, "started"), "update"),
        (Deployed(OLD, "/cfis", True, "stopped"), "update"),
        (Deployed(NEW, "/other", False, "started"), "update"),
        (Deployed(NEW, "/cfis", True, "stopped"), "restart"),
        (Deployed(NEW, "/cfis", True, "unknown"), "restart"),
        (Deployed(NEW, "/cfis", True, "started"), "nothing"),
    ],
)
def test_the_action_follows_from_what_is_observed(observed, action):
    decided = plan(observed, NEW)
    assert decided.action == action
    assert decided.reason


@pytest.mark.parametrize("name", ["", "*", "a b", "../a", "a/b", "${x}", "-a", ".a", 'a"b'])
def test_a_name_that_could_mean_more_is_refused(name):
    with pytest.raises(InvalidInput):
        web_app(name, "/x")


@pytest.mark.parametrize("root", ["", "cfis", "/a b", "/../x", "//x", "/x/", "/${a}", '/"'])
def test_a_context_root_that_is_no_path_is_refused(root):
    with pytest.raises(InvalidInput):
        web_app("cfis", root)


def test_the_name_of_a_shared_library_is_one_name():
    with pytest.raises(InvalidInput, match="shared library"):
        web_app("cfis", "/", ["a,b"])


def test_plain_names_pass():
    assert web_app("cfis-web_2.0", "/cfis/web") == ("cfis-web_2.0", "/cfis/web", ())
    assert web_app("cfis", "/", ["common"]).libraries == ("common",)
    assert web_app("cfis", "/").context_root == "/"


def test_drift_is_what_differs_from_the_ledger_if_it_says_anything():
    assert has_drift(OLD, NEW)
    assert has_drift("", NEW)
    assert not has_drift(NEW, NEW)
    assert not has_drift(NEW, "")
