# SPDX-License-Identifier: GPL-3.0-or-later
"""A Caché or IRIS instance in a test's own directory: ``make_iris`` and ``iris`` are the fixtures.

Emulated (``tests/emulator``), or the real one that ``RELMGMT_IRIS`` describes as JSON:
``{"name": "IRIS", "engine": "iris", "iris": {"control": "/usr/bin/iris", "namespace": "RELMGMTTEST"}}``.
Its namespace is written to, its databases are restored: it has to be one for tests alone.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from emulated.emulator import Emulator
from emulated.facts import Scenario, default_facts

from ansible_collections.relmgmt.release.plugins.module_utils._core.items import GlobalChange, Node
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_engine import IrisEngine
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_storage import IrisStorage

EVERY = ("cache2008", "cache2018", "iris2025")
REAL = "real"
NAMES = ("RELMGMTCASE", "RELMGMTNEW", "RELMGMTOLD")


def products(*slice_: str) -> list[str]:
    """The products to run a test on: the slice, or all with RELMGMT_ENGINES=all; the real one too."""
    chosen = list(EVERY if os.environ.get("RELMGMT_ENGINES") == "all" else slice_ or EVERY)
    return [*chosen, *([REAL] if os.environ.get("RELMGMT_IRIS") else [])]


class IrisSandbox:
    """An instance as the product sees it. ``emulator``: None for a real one."""

    def __init__(self, instance: dict[str, Any], emulator: Emulator | None = None) -> None:
        self.instance = instance
        self.emulated = emulator
        self.engine = IrisEngine.of(instance)

    @classmethod
    def emulating(cls, emulator: Emulator) -> IrisSandbox:
        """From an emulated instance."""
        found = emulator.settings.product.iris
        options: dict[str, Any] = {
            "control": str(emulator.bin / ("iris" if found else "ccontrol")), "namespace": "CFIS",
            **({} if found else {"session": str(emulator.bin / "csession")}),
        }
        return cls({"name": emulator.name, "engine": "iris", "iris": options}, emulator)

    @property
    def emulator(self) -> Emulator:
        """The emulated instance; the test is skipped on a real one."""
        if self.emulated is None:
            pytest.skip("untested: only an emulated instance can be brought into this situation")
        return self.emulated

    @property
    def storage(self) -> IrisStorage:
        """Its datasets as files."""
        return IrisStorage.of(self.instance)

    def scenario(self, **switches: Any) -> None:
        """Put the emulated instance into a situation."""
        for name, value in switches.items():
            assert hasattr(self.emulator.scenario, name), name
            setattr(self.emulator.scenario, name, value)
        self.emulator.save()

    def facts(self, **switches: Any) -> None:
        """Turn facts that nobody has confirmed the other way."""
        for name, value in switches.items():
            assert hasattr(self.emulator.facts, name), name
            setattr(self.emulator.facts, name, value)
        self.emulator.save()

    def set(self, name: str, *subscripts: str, value: str) -> None:
        """Write a node, as a user of the application does."""
        if self.emulated:
            self.emulated.set(name.lstrip("^"), *subscripts, value=value)
        else:
            self.engine.write_globals([GlobalChange(name, (Node(subscripts, value),), (), {})])

    def nodes(self, name: str) -> dict[tuple[str, ...], str]:
        """Every node of a global, past the product where that can be."""
        if self.emulated:
            return self.emulated.nodes(name.lstrip("^"))
        return {node.subscripts: node.value for node in self.engine.read_global(name)}

    @contextmanager
    def user(self) -> Iterator[int]:
        """Somebody has a session in the application's namespace and uses its data; the process in the instance."""
        words = self.engine.terminal.words(self.instance["iris"]["namespace"])
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(b'write $data(^RELMGMTDATA)," pid=",$job,"."\n')
            process.stdin.flush()
            said = b""
            while not (hit := re.search(rb"pid=(\d+)\.", said)):
                said += os.read(process.stdout.fileno(), 4096)
            yield int(hit[1])
            process.stdin.close()
            process.stdout.read()

    def settle(self) -> None:
        """As it was when it was made, but for its data: running, nothing special about it."""
        emulator = self.emulator
        emulator.settings.facts = default_facts(emulator.settings.product_key)
        emulator.settings.scenario = Scenario()
        emulator.save()
        emulator.settings.private.joinpath("refused.log").unlink(missing_ok=True)
        if not emulator.running:
            emulator.start()
        self.engine = IrisEngine.of(self.instance)

    def clear(self) -> None:
        """No code and no data of an earlier test is left."""
        if self.emulated:
            self.emulated.clean()
            return
        names = [f"{name}.{kind}" for name in NAMES for kind in ("MAC", "INT", "INC")]
        names += [f"RelMgmt.{name}.CLS" for name in ("Base", "Case", "New", "Old")]
        self.engine.load_items([], list(self.engine.read_items(names)))
        for name in ("^RELMGMTCFG", "^RELMGMTDATA"):
            nodes = self.engine.read_global(name)
            if nodes:
                self.engine.write_globals([GlobalChange(name, (), tuple(node.subscripts for node in nodes), {})])


Make = Callable[[str], IrisSandbox]


@contextmanager
def making(base: Path) -> Iterator[Make]:
    """Makes instances of a product, each in a directory of its own, and ends them."""
    made: list[Emulator] = []

    def make(product: str) -> IrisSandbox:
        if product == REAL:
            sandbox = IrisSandbox(json.loads(os.environ["RELMGMT_IRIS"]))
            sandbox.clear()
            return sandbox
        emulator = Emulator(base / f"instance-{len(made)}", product)
        made.append(emulator)
        emulator.start()
        return IrisSandbox.emulating(emulator)

    try:
        yield make
    finally:
        refused = [emulator.refused() for emulator in made]
        for emulator in made:
            emulator.close()
    assert not any(refused), f"the emulator does not know: {refused}"


@pytest.fixture
def make_iris(tmp_path: Path) -> Iterator[Make]:
    """Makes instances for one test."""
    with making(tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def make_shared_iris(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Makes instances that the tests of a file share; each begins with ``settle``."""
    with making(tmp_path_factory.mktemp("iris")) as make:
        yield make
