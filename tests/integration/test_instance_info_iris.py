# SPDX-License-Identifier: GPL-3.0-or-later
"""instance_info on Caché and IRIS (FACTS 1, T27, T28)."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from iris_instance import REAL, IrisSandbox, Make, products
from module_runner import run_module

from ansible_collections.relmgmt.release.plugins.module_utils._errors import RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._module import instance


@pytest.fixture(scope="module", params=products("cache2018"))
def shared(make_shared_iris: Make, request: pytest.FixtureRequest) -> IrisSandbox:
    return make_shared_iris(request.param)


@pytest.fixture
def iris(shared: IrisSandbox) -> IrisSandbox:
    shared.settle()
    return shared


def with_options(iris: IrisSandbox, **options):
    return {**iris.instance, "iris": {**iris.instance["iris"], **options}}


def look(iris: IrisSandbox, **options):
    """What the module returns; in this process, for a module's own start takes longer than its work."""
    return instance.look(SimpleNamespace(params={"instance": with_options(iris, **options)})).record


def refused(iris: IrisSandbox, **options):
    with pytest.raises(RelmgmtError) as caught:
        look(iris, **options)
    return caught.value.as_dict()


# Every product in `make test` too: whether it can be spoken to at all differs from one to the next.
@pytest.mark.parametrize("product", products())
def test_a_running_instance_is_observed(make_iris, product):
    iris = make_iris(product)
    result = run_module("instance_info", {"instance": iris.instance}, check=True)
    assert {**run_module("instance_info", {"instance": iris.instance})} == result
    assert (result["changed"], result["engine"], result["state"], result["health"]) == (False, "iris", "running", "ok")
    assert (result["mirror"], result["code_in_datasets"]) == ("", True)
    assert all(one["mounted"] and one["size"] and not one["frozen"] and one["journal"] for one in result["datasets"])
    assert iris.instance["iris"]["namespace"] in result["namespaces"]
    if product == REAL:
        return
    file = "IRIS.DAT" if product == "iris2025" else "CACHE.DAT"
    assert {one["name"]: one["path"] for one in result["datasets"]} == {
        name: str(iris.emulator.file(name)) for name in ("CFISCODE", "CFISDATA")
    }
    assert all(one["path"].endswith(file) for one in result["datasets"])
    assert result["version"].split(".")[0] == product[-4:]
    assert result["product"] == ("IRIS" if product == "iris2025" else "Cache")


def test_looking_changes_nothing(iris):
    before = {name: iris.emulator.file(name).read_bytes() for name in ("CFISCODE", "CFISDATA")}
    journals = sorted(iris.emulator.settings.journals.iterdir())
    look(iris)
    assert {name: iris.emulator.file(name).read_bytes() for name in before} == before
    assert sorted(iris.emulator.settings.journals.iterdir()) == journals


def test_an_instance_that_is_down_is_down_and_known(iris):
    iris.emulator.stop()
    result = look(iris)
    assert result["state"] == "down"
    assert [one["mounted"] for one in result["datasets"]] == [False, False]
    assert result["attached"] == {"processes": 0, "pids": []}


def test_a_frozen_instance_is_frozen(iris):
    iris.emulator.session(entry="##class(Backup.General).ExternalFreeze()", namespace="%SYS")
    result = look(iris)
    assert result["state"] == "frozen"
    assert all(one["frozen"] for one in result["datasets"])
    iris.emulator.session(entry="##class(Backup.General).ExternalThaw()", namespace="%SYS")


def test_a_dismounted_database_is_seen(iris):
    directory = f"{iris.emulator.directory('CFISDATA')}/"
    iris.emulator.session(f'write ##class(SYS.Database).DismountDatabase("{directory}")', namespace="%SYS")
    assert [one["mounted"] for one in look(iris)["datasets"]] == [True, False]
    iris.emulator.session(f'write ##class(SYS.Database).MountDatabase("{directory}")', namespace="%SYS")


def test_databases_are_those_that_the_inventory_names(iris):
    assert [one["name"] for one in look(iris, databases=["CFISDATA"])["datasets"]] == ["CFISDATA"]
    assert "NOPE" in refused(iris, databases=["NOPE"])["message"]
    system = "IRISSYS" if iris.emulator.settings.product.iris else "CACHESYS"
    assert "belongs to the product" in refused(iris, databases=[system])["message"]


@pytest.mark.parametrize("product", products("cache2018"))
def test_a_missing_dataset_is_unknown_never_down(make_iris, product):
    iris = make_iris(product)
    iris.emulator.stop()
    iris.emulator.file("CFISDATA").unlink()
    error = refused(iris)
    assert error["kind"] == "HostStateUnknown"
    assert error["place"] == str(iris.emulator.file("CFISDATA"))


@pytest.mark.parametrize("state", [
    "sign-on inhibited", "sign-on inhibited:primary transition", "crashed", "indeterminate",
])
def test_a_state_that_is_neither_up_nor_down_is_unknown(iris, state):
    iris.scenario(state=state)
    error = refused(iris)
    assert error["kind"] == "HostStateUnknown"
    assert f"'{state}'" in error["message"]


@pytest.mark.parametrize("after", ["down", "crashed"])
def test_a_crash_is_not_taken_for_order(iris, after):
    iris.facts(state_after_crash=after)
    iris.emulator.kill()
    if after == "crashed":
        assert refused(iris)["kind"] == "HostStateUnknown"
    else:
        assert look(iris)["state"] == "down"


@pytest.mark.parametrize("product", products("iris2025"))
def test_health_and_mirror_role_are_said(make_iris, product):
    iris = make_iris(product)
    if iris.emulator.settings.product.qlist_fields < 12:
        pytest.skip("untested: lines of this age have no mirror fields")
    iris.scenario(health="warn", mirror_backup=True)
    result = look(iris)
    assert (result["health"], result["mirror"]) == ("warn", "Failover Backup")


def test_who_is_attached_is_unknown_where_the_instance_does_not_tell(iris):
    assert look(iris)["attached"] == {"processes": 0, "pids": []}
    iris.facts(processes_listed=False)
    assert look(iris)["attached"] is None
    iris.emulator.settings.private.joinpath("refused.log").unlink(missing_ok=True)


# -- the dialogue --------------------------------------------------------------------------


@pytest.mark.parametrize("switch", [
    {"stack_kept": False}, {"newline_after_input": False}, {"banner": False}, {"heredoc_error_status": 1},
    {"longest_line": 255},
])
def test_what_nobody_has_confirmed_about_terminals_does_not_matter(iris, switch):
    iris.facts(**switch)
    assert look(iris)["state"] == "running"


def test_a_start_up_namespace_does_not_lead_astray(iris):
    iris.scenario(startup_namespace="USER")
    assert look(iris)["state"] == "running"


def test_a_login_is_answered_and_its_secret_is_nowhere(iris, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    iris.scenario(credentials=("deploy", "s3cret"))
    result = look(iris, username="deploy", password_file=str(secret))
    assert result["state"] == "running"
    assert "s3cret" not in json.dumps(result)
    assert "s3cret" not in iris.emulator.log()


@pytest.mark.parametrize("options,said", [
    ({}, "asks for a login"), ({"username": "deploy", "password": "wr0ng"}, "refused user name and password"),
])
@pytest.mark.parametrize("status", [0, 1])
def test_a_login_that_cannot_be_is_an_error(iris, options, said, status):
    iris.facts(refused_login_status=status)
    iris.scenario(credentials=("deploy", "s3cret"))
    error = refused(iris, **options)
    assert said in error["message"]
    assert "wr0ng" not in json.dumps(error)


@pytest.mark.parametrize("status", [0, 1])
def test_a_licence_that_is_not_free_is_waited_for(iris, status):
    iris.facts(licence_status=status)
    iris.scenario(licence_refusals=1)
    assert look(iris)["state"] == "running"


def test_a_namespace_that_is_not_there_is_named(iris):
    assert "no namespace NOPE" in refused(iris, namespace="NOPE")["message"]


@pytest.mark.parametrize("encoding", ["utf-8", "latin1"])
def test_a_terminal_of_another_encoding_is_understood(iris, encoding):
    iris.scenario(encoding="latin-1", language="de")
    assert look(iris, encoding=encoding)["state"] == "running"
