# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as such: independent of the product, true to its source, with switches that switch."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

from emulated import registry
from emulated.emulator import Emulator
from emulated.facts import ALTERNATIVES, Facts, Scenario
from emulator_fixtures import Make

HERE = Path(__file__).parent
SOURCES = sorted((HERE / "emulated").rglob("*.py"))


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {each.name.split(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names


def test_nothing_of_the_product_is_imported() -> None:
    """The tests' own finder of programs is the only thing beside the standard library."""
    found = set().union(*map(imported, SOURCES)) - set(sys.stdlib_module_names)
    assert found == {"emulated", "programs"}
    assert [path.name for path in SOURCES if "programs" in imported(path)] == ["emulator.py"]


def test_every_answer_cites_the_fact_that_it_rests_on() -> None:
    cited = re.compile(r"\b[1-4]\.\d|FAULTS|FACTS|language")
    assert [name for name, (_, section) in registry._MODULES.items() if not cited.search(section)] == []
    uncited = [path.name for path in sorted((HERE / "emulated" / "library").glob("[a-z]*.py"))
               if not cited.search(ast.get_docstring(ast.parse(path.read_text())) or "")]
    assert uncited == []


def test_every_switch_is_used_by_the_code_and_tried_by_a_test() -> None:
    code = "".join(path.read_text() for path in SOURCES if path.name != "facts.py")
    tests = "".join(path.read_text() for path in HERE.glob("test_*.py") if path != Path(__file__))
    names = [*Facts.names(), *Scenario.names()]
    assert [name for name in names if not re.search(rf"\b{name}\b", code)] == []
    untried = [name for name in names if not re.search(rf"\b{name}\b", tests)]
    assert untried == []


def test_every_switch_has_its_other_way() -> None:
    """What the product's tests run over is complete, and differs from the default of an IRIS."""
    assert set(ALTERNATIVES) == set(Facts.names())
    assert [name for name, value in ALTERNATIVES.items() if getattr(Facts(), name) == value] == []


def test_every_class_that_is_known_has_its_module(shared: Emulator) -> None:
    for name in registry._MODULES:
        if not name.startswith("^"):
            namespace = "CFIS" if name.startswith("Ens") else "%SYS"
            done = shared.session(f"do ##class({name}).Nope()", namespace=namespace)
            assert f"<METHOD DOES NOT EXIST> *Nope,{name}" in done.out


def test_close_leaves_no_process_behind(make_emulator: Make) -> None:
    emulator = make_emulator("iris2025")
    pid = int((emulator.settings.private / "server.pid").read_text())
    emulator.close()
    assert not Path(f"/proc/{pid}").exists()
