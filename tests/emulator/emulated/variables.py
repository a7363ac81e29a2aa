# SPDX-License-Identifier: GPL-3.0-or-later
"""Local variables: trees of values, and who sees which name."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator

from emulated.values import Key, Value, collation


class Tree:
    """A variable or a node of one: perhaps a value, perhaps subscripts below it."""

    __slots__ = ("children", "order", "value")

    def __init__(self, value: Value | None = None) -> None:
        self.value = value
        self.children: dict[Key, Tree] = {}
        self.order: list[tuple[tuple[int, object], Key]] = []

    def find(self, subscripts: list[Key]) -> Tree | None:
        """The node below, or None."""
        node: Tree | None = self
        for each in subscripts:
            node = node.children.get(each) if node else None
        return node

    def make(self, subscripts: list[Key]) -> Tree:
        """The node below, made if it is not there."""
        node = self
        for each in subscripts:
            below = node.children.get(each)
            if below is None:
                below = node.children[each] = Tree()
                insort(node.order, (collation(each), each), key=_rank)
            node = below
        return node

    def set(self, subscripts: list[Key], value: Value) -> None:
        self.make(subscripts).value = value

    def kill(self, subscripts: list[Key]) -> None:
        """Remove a node with all below it, and ancestors that hold nothing any more."""
        if not subscripts:
            self.value = None
            self.children.clear()
            self.order.clear()
            return
        below = self.children.get(subscripts[0])
        if below is None:
            return
        below.kill(subscripts[1:])
        if below.value is None and not below.children:
            del self.children[subscripts[0]]
            del self.order[bisect_left(self.order, collation(subscripts[0]), key=lambda pair: pair[0])]

    def data(self) -> int:
        """As $DATA tells: 0, 1, 10 or 11."""
        return (1 if self.value is not None else 0) + (10 if self.children else 0)

    def next(self, after: Key, backwards: bool = False) -> Key:
        """The next subscript in collation order, "" if there is none."""
        place = collation(after)
        if backwards:
            at = len(self.order) if after == "" else bisect_left(self.order, place, key=lambda pair: pair[0])
            return self.order[at - 1][1] if at else ""
        at = 0 if after == "" else bisect_right(self.order, place, key=lambda pair: pair[0])
        return self.order[at][1] if at < len(self.order) else ""

    def nodes(self, prefix: tuple[Key, ...] = ()) -> Iterator[tuple[tuple[Key, ...], Value]]:
        """Every node with a value, in order."""
        if self.value is not None:
            yield prefix, self.value
        for _, each in list(self.order):
            if each in self.children:
                yield from self.children[each].nodes((*prefix, each))

    def copy(self) -> Tree:
        other = Tree()
        for subscripts, value in self.nodes():
            other.set(list(subscripts), value)
        return other


def _rank(pair: tuple[tuple[int, object], Key]) -> tuple[int, object]:
    return pair[0]


class Scope:
    """The names that a piece of code sees; ``outer`` holds those that it shares with its caller.

    ``public`` are the names shared; None: all names (code that is no procedure).
    """

    def __init__(self, outer: Scope | None = None, public: frozenset[str] | None = None) -> None:
        self.names: dict[str, Tree] = {}
        self.outer = outer
        self.public = public

    def home(self, name: str) -> dict[str, Tree]:
        """The dictionary in which a name lives; names that begin with % are always shared."""
        scope = self
        while scope.outer is not None and (name.startswith("%") or name in (scope.public or ())):
            scope = scope.outer
        return scope.names

    def get(self, name: str) -> Tree | None:
        return self.home(name).get(name)

    def make(self, name: str) -> Tree:
        names = self.home(name)
        tree = names.get(name)
        if tree is None:
            tree = names[name] = Tree()
        return tree

    def bind(self, name: str, tree: Tree | None) -> None:
        """Let a name mean this tree from now on (by-reference arguments, end of NEW)."""
        names = self.home(name)
        if tree is None:
            names.pop(name, None)
        else:
            names[name] = tree

    def kill(self, name: str) -> None:
        """KILL of a whole variable: what is bound to it by reference becomes undefined too."""
        tree = self.home(name).get(name)
        if tree is not None:
            tree.kill([])
