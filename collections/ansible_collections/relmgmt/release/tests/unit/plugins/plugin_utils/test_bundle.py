# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle is what was sealed, file for file (A2)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput
from ansible_collections.relmgmt.release.plugins.plugin_utils.bundle import bundle_of, load_bundle, load_ticket
from ansible_collections.relmgmt.release.plugins.plugin_utils.bundle_lint import lint_bundle

RELEASE = """\
schema: 1
name: CFIS009
packages:
  - {type: war, file: a.war, sha256: %s, application: cfis}
"""


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def seal(directory: Path) -> None:
    lines = [f"{sha(p)}  {p.name}\n" for p in sorted(directory.iterdir()) if p.name != "SHA256SUMS"]
    (directory / "SHA256SUMS").write_text("".join(lines))


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    (tmp_path / "a.war").write_bytes(b"PK war")
    (tmp_path / "release.yml").write_text(RELEASE % sha(tmp_path / "a.war"))
    seal(tmp_path)
    return tmp_path


def test_a_sealed_bundle_is_accepted(bundle: Path) -> None:
    loaded = load_bundle(str(bundle))
    assert loaded.name == "CFIS009"
    lines = "".join(sorted((bundle / "SHA256SUMS").read_text().splitlines(keepends=True), key=lambda x: x[66:]))
    assert loaded.digest == hashlib.sha256(lines.encode()).hexdigest()
    assert loaded.drop_name == f"CFIS009-{loaded.digest[:12]}"
    assert loaded.release.packages_of("war")[0]["context_root"] == "/cfis"


def flip(bundle: Path) -> None:
    (bundle / "a.war").write_bytes(b"PK wAr")


def add(bundle: Path) -> None:
    (bundle / "more.txt").write_text("x")


def remove(bundle: Path) -> None:
    (bundle / "a.war").unlink()


def reseal_other_war(bundle: Path) -> None:
    flip(bundle)
    seal(bundle)


def link(bundle: Path) -> None:
    (bundle / "link").symlink_to("/etc/passwd")


def no_sums(bundle: Path) -> None:
    (bundle / "SHA256SUMS").unlink()


def bad_line(bundle: Path) -> None:
    (bundle / "SHA256SUMS").write_text("nonsense\n")


@pytest.mark.parametrize(
    "damage, reason",
    [
        (flip, "is not what SHA256SUMS says"),
        (add, "more.txt is not listed"),
        (remove, "a.war is missing"),
        (reseal_other_war, "release.yml says sha256"),
        (link, "plain files only"),
        (no_sums, "no readable SHA256SUMS"),
        (bad_line, "not a checksum line"),
    ],
)
def test_any_other_is_refused(bundle: Path, damage: Callable[[Path], None], reason: str) -> None:
    damage(bundle)
    with pytest.raises(InvalidInput, match=reason) as caught:
        load_bundle(str(bundle))
    assert caught.value.place
    assert caught.value.cure


def test_a_ticket_is_read_with_the_approvals_beside_it(tmp_path: Path) -> None:
    (tmp_path / "C1.yml").write_text(
        "change: C1\nrelease: R\nbundle: ../b\nenvironment: e\nrequested_by: m\ndate: 2026-01-01\n"
    )
    ticket, approvals, path = load_ticket(str(tmp_path / "C1.yml"))
    assert (ticket.kind, approvals, path) == ("regular", [], str(tmp_path.parent / "b"))
    (tmp_path / "C1.approvals.yml").write_text(
        "approvals:\n  - {gate: g, person: p, role: r, time: '2026-01-01T00:00:00Z', "
        f"expires: '2026-01-02T00:00:00Z', digest: {'a' * 64}}}\n"
    )
    assert load_ticket(str(tmp_path / "C1.yml"))[1][0].person == "p"


ROUTINE = '<Routine name="{}" type="MAC"><![CDATA[\n{} ;\n]]></Routine>\n'
CODE = """\
schema: 1
name: CFIS009
packages:
  - type: cache_xml
    file: A.xml
    sha256: {xml}
    globals: [{{name: ^CFG, mode: merge}}]
    steps:
      - {{name: convert, call: $$ALL^CNV, arguments: [1, two], expect: 1, undo: {{reason: it only counts}}}}
  - {{type: routines, file: B.ro, sha256: {ro}, percent_items: ["%U.INT"], drops: [OLD.MAC, App.Old.CLS, /csp/a/x.csp]}}
"""


def seal_code(directory: Path) -> Path:
    text = CODE.format(xml=sha(directory / "A.xml"), ro=sha(directory / "B.ro"))
    (directory / "release.yml").write_text(text)
    seal(directory)
    return directory


def code_bundle(directory: Path, export: str, routines: str) -> Path:
    (directory / "A.xml").write_text(f"<Export>\n{export}</Export>\n")
    (directory / "B.ro").write_text(f"label\nGT.M 21-NOV-2026 23:18:55\n{routines}")
    return seal_code(directory)


CFG = "<Global><Node><Sub>^CFG</Sub><Data>1</Data></Node></Global>\n"


def test_packages_of_database_code_keep_the_releases_order_and_options(tmp_path: Path) -> None:
    bundle = load_bundle(str(code_bundle(tmp_path, ROUTINE.format("A", "A") + CFG, "%U\n%U ;\n")))
    first, second = bundle.release.packages_of("cache_xml", "routines")
    assert (first["type"], second["type"]) == ("cache_xml", "routines")
    assert first["steps"][0]["undo"] == {"reason": "it only counts"}
    assert (second["globals"], second["steps"], second["percent_items"]) == ([], [], ["%U.INT"])
    assert lint_bundle(bundle) == []


def test_findings_name_file_item_and_line(tmp_path: Path) -> None:
    export = ROUTINE.format("%A", "%A") + ROUTINE.format("B", "B") + CFG
    directory = code_bundle(tmp_path, export.replace("^CFG", "^OTHER"), "B^MAC\nB ;\n\n%U\n%U ;\n")
    (directory / "B.ro").write_text("IRIS^MAC^^~Format=IRIS.S~\n%RO\nB^MAC\nB ;\n\n%U^INT\n%U ;\n")
    seal_code(directory)
    found = [(one.rule, one.item, one.file, one.line) for one in lint_bundle(load_bundle(str(directory)))]
    assert found == [
        ("percent", "%A.MAC", "A.xml", 2), ("global", "^OTHER", "A.xml", 8), ("absent", "^CFG", "A.xml", 0),
        ("twice", "B.MAC", "B.ro", 3),
    ]


def test_a_package_that_cannot_be_read_is_a_finding(tmp_path: Path) -> None:
    (found,) = lint_bundle(load_bundle(str(code_bundle(tmp_path, ROUTINE.format("A", "A") + "<Oops/>", "%U\n%U ;\n"))))
    assert (found.rule, found.line) == ("unreadable", 5)


@pytest.mark.parametrize("wrong", [
    "call: A^B(1)", "call: do ^X", 'call: "##class(A).b()"', "timeout: 0", "undo: {}", "undo: {call: A^B}",
    "undo: {call: A^B, expect: 1, reason: x}", "expect: true", "arguments: [[1]]", "more: 1",
])
def test_steps_of_another_shape_are_refused(tmp_path: Path, wrong: str) -> None:
    directory = code_bundle(tmp_path, ROUTINE.format("A", "A") + CFG, "%U\n%U ;\n")
    step = {"name": "x", "call": "A^B", "expect": "1", "undo": "{reason: y}"}
    key, _colon, value = wrong.partition(": ")
    text = ", ".join(f"{name}: {said}" for name, said in {**step, key: value}.items())
    release = (directory / "release.yml").read_text()
    line = next(line for line in release.splitlines() if "name: convert" in line)
    (directory / "release.yml").write_text(release.replace(line, f"      - {{{text}}}"))
    seal(directory)
    with pytest.raises(InvalidInput, match=r"release\.schema\.json"):
        load_bundle(str(directory))


CONFIGURED = RELEASE + """\
configuration:
  - {type: variable, name: a.b, from_inventory: gateway}
  - {type: variable, name: db.password, from_inventory: password}
  - {type: fragment, name: ds, file: ds.xml, sha256: %s}
  - {type: fragment, name: old, state: absent}
"""


def configured(bundle: Path, fragment: str, release: str = CONFIGURED) -> Path:
    (bundle / "ds.xml").write_text(fragment)
    (bundle / "release.yml").write_text(release % (sha(bundle / "a.war"), sha(bundle / "ds.xml")))
    seal(bundle)
    return bundle


def test_configuration_and_its_files_are_part_of_a_bundle(bundle: Path) -> None:
    release = load_bundle(str(configured(bundle, "<server/>"))).release
    assert [file for file, _digest in release.files] == ["a.war", "ds.xml"]
    assert release.configuration[0] == {
        "type": "variable", "name": "a.b", "from_inventory": "gateway", "state": "present",
    }


@pytest.mark.parametrize(
    "fragment, release, reason",
    [
        ("<server", CONFIGURED, "not sound XML"),
        ("<server><include location='/etc/x'/></server>", CONFIGURED, "includes another file"),
        ("<server/>", CONFIGURED.replace("name: a.b, from_inventory: gateway", "name: a.b"), "neither value nor"),
        ("<server/>", CONFIGURED.replace("db.password, from_inventory: password", "db.password, value: x"), "a secret"),
        ("<server/>", CONFIGURED.replace("name: old, state: absent", "name: old"), "'file' is a required property"),
        ("<server/>", CONFIGURED.replace("from_inventory: gateway", "option: -X"), "option"),
    ],
)
def test_configuration_that_no_server_could_take_is_refused(
    bundle: Path, fragment: str, release: str, reason: str
) -> None:
    """Invariant 12: at the gate, not on the third server."""
    with pytest.raises(InvalidInput, match=reason) as caught:
        load_bundle(str(configured(bundle, fragment, release)))
    assert caught.value.place
    assert caught.value.cure


def test_another_fragment_than_the_named_one_is_refused(bundle: Path) -> None:
    configured(bundle, "<server/>")
    (bundle / "ds.xml").write_text("<server />")
    seal(bundle)
    with pytest.raises(InvalidInput, match=r"ds\.xml: release\.yml says sha256"):
        load_bundle(str(bundle))


ON_DEMAND = "change: C5\nenvironment: e\nkind: test_mode\nrequested_by: r\ndate: '2026-12-05'\n"


def test_a_ticket_of_test_mode_names_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "C5.yml").write_text(ON_DEMAND)
    ticket, approvals, path = load_ticket(str(tmp_path / "C5.yml"))
    assert (ticket.release, ticket.on_demand, approvals, path) == ("test-mode", True, [], "")
    stand_in = bundle_of(ticket, path)
    assert (stand_in.digest, stand_in.release.packages) == (ticket.own_digest, [])


@pytest.mark.parametrize("more", ["release: CFIS002\n", "bundle: b\n"])
def test_a_ticket_of_test_mode_with_a_release_is_refused(tmp_path: Path, more: str) -> None:
    (tmp_path / "C5.yml").write_text(ON_DEMAND + more)
    with pytest.raises(InvalidInput, match="brings no release"):
        load_ticket(str(tmp_path / "C5.yml"))


def test_another_ticket_still_needs_its_bundle(tmp_path: Path) -> None:
    (tmp_path / "C5.yml").write_text(ON_DEMAND.replace("test_mode", "regular"))
    with pytest.raises(InvalidInput, match="'release' is a required property"):
        load_ticket(str(tmp_path / "C5.yml"))
