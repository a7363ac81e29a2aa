# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of items: what they occupy, and the order in which they can go (T19)."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.iris_items import (
    companions,
    deletion_order,
    home_of,
    key_of,
    parts_of,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput


@pytest.mark.parametrize("name,parts", [
    ("CASE.MAC", ("CASE", "MAC")), ("%ZX.INT", ("%ZX", "INT")), ("App.Case.CLS", ("App.Case", "CLS")),
    ("App.Case.1.int", ("App.Case.1", "INT")), ("Größe.Maß.cls", ("Größe.Maß", "CLS")),
    ("/csp/cfis/sub dir/x.csp", ("/csp/cfis/sub dir/x.csp", "CSP")),
])
def test_parts(name, parts):
    assert tuple(parts_of(name)) == parts


@pytest.mark.parametrize("name", [
    "CASE", "CASE.OBJ", "P.PRJ", "^CFG", "A B.MAC", ".MAC", "9A.MAC", "A..B.CLS", 'A".CLS', "A*.CLS", "/csp/../x",
    "/csp//x", "X.lut", "A.CLS\n", "A" * 300 + ".CLS",
])
def test_what_an_instance_cannot_hold_is_refused(name):
    with pytest.raises(InvalidInput):
        parts_of(name)


def test_two_items_of_one_home():
    assert home_of("CASE.MAC") == home_of("CASE.INT")
    assert home_of("CASE.MAC") != home_of("CASE.INC")
    assert home_of("App.Case.CLS") == home_of("app.CASE.cls")
    assert home_of("CASE.MAC") != home_of("Case.MAC")


def test_keys_ignore_the_case_of_the_type_alone():
    assert key_of("App.Case.cls") == "App.Case.CLS"
    assert key_of("/csp/x.csp") == "/csp/x.csp"


def test_companions_are_the_other_forms_of_a_routine():
    assert companions(["CASE.MAC", "App.Case.CLS", "LIB.INC"]) == ["CASE.INT"]
    assert companions(["CASE.MAC", "CASE.INT"]) == []


def test_subclasses_go_before_their_superclasses_and_include_files_last():
    names = ["LIB.INC", "App.Base.CLS", "App.Mid.CLS", "CASE.MAC", "App.Leaf.CLS", "/csp/x.csp"]
    supers = {"App.Leaf": ["App.Mid", "%Library.Base"], "App.Mid": ["Base"], "App.Base": ["%Persistent"]}
    assert deletion_order(names, supers) == [
        "/csp/x.csp", "App.Leaf.CLS", "App.Mid.CLS", "App.Base.CLS", "CASE.MAC", "LIB.INC",
    ]


def test_a_circle_of_superclasses_does_not_hang():
    assert sorted(deletion_order(["A.X.CLS", "A.Y.CLS"], {"A.X": ["A.Y"], "A.Y": ["A.X"]})) == ["A.X.CLS", "A.Y.CLS"]
