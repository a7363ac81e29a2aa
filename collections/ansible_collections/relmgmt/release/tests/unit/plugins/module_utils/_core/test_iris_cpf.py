# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration file: which databases an application has (FACTS 1.3)."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.iris_cpf import parse
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown, InvalidInput

CPF = """\
; made by hand
[ConfigFile]
Product=IRIS
Version=2025.3
# databases
[Databases]
IRISSYS=/usr/irissys/mgr/
IRISLIB=/usr/irissys/mgr/irislib/
CFISDATA=/data/cfis/
CFISCODE=/data/cfiscode,1,,,
AUX=/data/aux/,
FAR=/data/far/,SERVERB,
/* [Databases]
GONE=/x/ */
[Namespaces]
%SYS=IRISSYS
CFIS=CFISDATA,CFISCODE
USER=AUX
[Map.CFIS]
Global_AUX=AUX
Package_%Z=IRISLIB
[Map.%ALL]
Global_Z=AUX
[Map.FAROUT]
Global_F=FAR
// end
[Startup]
DefaultPort=1972
"""


def test_the_databases_of_a_namespace_are_globals_routines_and_mappings_less_the_products():
    found = parse(CPF, "/x/iris.cpf")
    assert [(one.name, one.directory) for one in found.chosen([], "cfis", "here")] == [
        ("AUX", "/data/aux/"), ("CFISCODE", "/data/cfiscode/"), ("CFISDATA", "/data/cfis/"),
    ]
    assert found.namespaces_of("AUX") == ("CFIS", "USER")
    assert set(found.namespaces) == {"%SYS", "CFIS", "USER"}


def test_a_wish_is_followed():
    assert [one.name for one in parse(CPF, "x").chosen(["cfisdata"], "CFIS", "here")] == ["CFISDATA"]


@pytest.mark.parametrize("wanted,namespace,said", [
    (["FAR"], "CFIS", r"databases on another machine: FAR \(on SERVERB\)"), (["NOPE"], "CFIS", "no database NOPE"),
    (["IRISSYS"], "CFIS", "belongs to the product"), ([], "NOPE", "no namespace NOPE"),
    ([], "%SYS", "no database of its own"),
])
def test_what_cannot_be_copied_is_refused_by_name(wanted, namespace, said):
    with pytest.raises(InvalidInput, match=said):
        parse(CPF, "x").chosen(wanted, namespace, "here")


@pytest.mark.parametrize("text", ["", "[Databases]\nA=/a/\n", "[Namespaces]\nA=A\n", "hello"])
def test_a_file_that_is_no_cpf_is_unknown(text):
    with pytest.raises(HostStateUnknown, match="names no databases or no namespaces"):
        parse(text, "/x/iris.cpf")
