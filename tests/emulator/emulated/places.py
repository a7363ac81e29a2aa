# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reference means when it is used: a node of a local or global, or a property of an object."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING

from emulated import values
from emulated.errors import MError
from emulated.values import Key, Value
from emulated.variables import Scope, Tree

if TYPE_CHECKING:
    from emulated.globals import Globals


class Place(ABC):
    """A node that can be read, set and killed."""

    subscripts: list[Key]

    @abstractmethod
    def written(self) -> str:
        """The reference as it would be typed."""

    @abstractmethod
    def read(self) -> Value | None:
        """The value, None if there is none."""

    @abstractmethod
    def set(self, value: Value) -> None: ...

    @abstractmethod
    def kill(self, descend: bool = True) -> None: ...

    @abstractmethod
    def data(self) -> int: ...

    @abstractmethod
    def next(self, backwards: bool = False) -> Key:
        """The subscript beside this node's last one."""

    @abstractmethod
    def query(self, backwards: bool = False) -> str:
        """The next node with a value, as a reference; "" at the end."""

    @abstractmethod
    def nodes(self) -> Iterator[tuple[tuple[Key, ...], Value]]:
        """Every node with a value from here on down: its subscripts below this one, and the value."""

    def value(self) -> Value:
        found = self.read()
        if found is None:
            raise MError("UNDEFINED", "*" + self.written())
        return found


def _reference(name: str, subscripts: list[Key] | tuple[Key, ...]) -> str:
    inner = ",".join(values.quoted(each) for each in subscripts)
    return f"{name}({inner})" if inner else name


class LocalPlace(Place):
    """A node of a local variable."""

    def __init__(self, scope: Scope, name: str, subscripts: list[Key]) -> None:
        self.scope = scope
        self.name = name
        self.subscripts = subscripts

    def written(self) -> str:
        return _reference(self.name, self.subscripts)

    def _node(self) -> Tree | None:
        tree = self.scope.get(self.name)
        return tree.find(self.subscripts) if tree else None

    def read(self) -> Value | None:
        node = self._node()
        return node.value if node else None

    def set(self, value: Value) -> None:
        self.scope.make(self.name).set(self.subscripts, value)

    def kill(self, descend: bool = True) -> None:
        tree = self.scope.get(self.name)
        if tree is None:
            return
        if descend:
            tree.kill(self.subscripts)
            return
        node = tree.find(self.subscripts)
        if node is not None:
            node.value = None
            if not node.children:
                tree.kill(self.subscripts)

    def data(self) -> int:
        node = self._node()
        return node.data() if node else 0

    def next(self, backwards: bool = False) -> Key:
        if not self.subscripts:
            raise MError("SYNTAX", why="$order of an unsubscripted local")
        tree = self.scope.get(self.name)
        node = tree.find(self.subscripts[:-1]) if tree else None
        return node.next(self.subscripts[-1], backwards) if node else ""

    def query(self, backwards: bool = False) -> str:
        tree = self.scope.get(self.name)
        here = [values.collation(each) for each in self.subscripts]
        found = [subs for subs, _ in tree.nodes()] if tree else []
        after = [s for s in found if _ranks(s) < here] if backwards else [s for s in found if _ranks(s) > here]
        after = [each for each in after if each]
        return _reference(self.name, after[-1 if backwards else 0]) if after else ""

    def nodes(self) -> Iterator[tuple[tuple[Key, ...], Value]]:
        node = self._node()
        return iter(list(node.nodes())) if node else iter(())


def _ranks(subscripts: tuple[Key, ...]) -> list[tuple[int, object]]:
    return [values.collation(each) for each in subscripts]


class GlobalPlace(Place):
    """A node of a global in one database."""

    def __init__(self, globals_: Globals, directory: str, name: str, subscripts: list[Key], prefix: str = "") -> None:
        self.globals = globals_
        self.directory = directory
        self.name = name
        self.subscripts = subscripts
        self.prefix = prefix

    def written(self) -> str:
        return _reference(f"^{self.prefix}{self.name}", self.subscripts)

    def _checked(self) -> list[Key]:
        if "" in self.subscripts:
            raise MError("SUBSCRIPT", f"*{self.written()} Subscript {self.subscripts.index('') + 1} is \"\"")
        return self.subscripts

    def read(self) -> Value | None:
        return self.globals.get(self.directory, self.name, self._checked())

    def set(self, value: Value) -> None:
        self.globals.set(self.directory, self.name, self._checked(), values.text(value))

    def kill(self, descend: bool = True) -> None:
        self.globals.kill(self.directory, self.name, self._checked(), descend)

    def data(self) -> int:
        return self.globals.data(self.directory, self.name, self._checked())

    def next(self, backwards: bool = False) -> Key:
        if not self.subscripts:
            return "^" + name if (name := self.globals.next_name(self.directory, self.name, backwards)) else ""
        return self.globals.next(self.directory, self.name, self.subscripts, backwards)

    def query(self, backwards: bool = False) -> str:
        found = self.globals.query(self.directory, self.name, self.subscripts, backwards)
        return _reference(f"^{self.prefix}{self.name}", found) if found is not None else ""

    def nodes(self) -> Iterator[tuple[tuple[Key, ...], Value]]:
        return self.globals.nodes(self.directory, self.name, self.subscripts)
