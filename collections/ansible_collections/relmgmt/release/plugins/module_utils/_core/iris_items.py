# SPDX-License-Identifier: GPL-3.0-or-later
"""What items of a Caché or IRIS instance are called, what they occupy, in which order they go."""

from __future__ import annotations

import re
from typing import Dict, Iterable, List, Mapping, NamedTuple, Sequence, Set, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

CLASS, PAGE, INCLUDE = "CLS", "CSP", "INC"
#: types that compile to an object of their routine's name
COMPILED = frozenset(["MAC", "INT", "BAS", "MVB", "MVI"])
#: item types that an export can name and a load can bring: not OBJ, which has no source, not PRJ and PKG,
#: which only name others
TYPES = frozenset([CLASS, PAGE, INCLUDE]) | COMPILED
NAME = re.compile(r"%?[^\W\d_][^\W_]*(?:\.[^\W_]+)*\Z")
FILE = re.compile(r"/[^/\0]+(?:/[^/\0]+)*\Z")
LONGEST = 220


class Parts(NamedTuple):
    """``App.Case.CLS`` is a CLS called ``App.Case``; a page is called what it is."""

    name: str
    kind: str


def parts_of(name: str) -> Parts:
    """The parts of an item's name. Raises InvalidInput for what such an instance cannot hold."""
    if name.startswith("/"):
        if FILE.match(name) and not {".", ".."} & set(name.split("/")) and len(name) <= LONGEST:
            return Parts(name, PAGE)
        raise _wrong(name, "cannot be a page")
    bare, _dot, kind = name.rpartition(".")
    if kind.upper() not in TYPES:
        raise _wrong(name, f"this engine loads {', '.join(sorted(TYPES))}, not {kind or 'this'}")
    if not NAME.match(bare) or len(bare) > LONGEST:
        raise _wrong(name, "cannot be the name of a class or routine")
    return Parts(bare, kind.upper())


def home_of(name: str) -> str:
    """What an item occupies: MAC and INT of one name compile to one object; case does not part classes."""
    parts = parts_of(name)
    if parts.kind in COMPILED:
        return parts.name
    return f"{parts.name.lower() if parts.kind == CLASS else parts.name}.{parts.kind}"


def key_of(name: str) -> str:
    """A name for comparing: instances spell the type in either case."""
    if name.startswith("/"):
        return name
    bare, _dot, kind = name.rpartition(".")
    return f"{bare}.{kind.upper()}"


def companions(names: Iterable[str]) -> List[str]:
    """Items that change along with these: the other type that a routine of the name may have."""
    given = list(names)
    made: List[str] = []
    for name in given:
        parts = parts_of(name)
        if parts.kind in COMPILED:
            made += [f"{parts.name}.{kind}" for kind in ("MAC", "INT")]
    return [one for one in dict.fromkeys(made) if one not in given]


def deletion_order(names: Sequence[str], supers: Mapping[str, Sequence[str]]) -> List[str]:
    """Pages, then classes with every subclass before its superclass, routines, include files last (T19).

    ``supers``: direct superclasses by class, without ``.CLS``, as the instance holds them.
    """
    ranks = {PAGE: 0, CLASS: 1, INCLUDE: 3}
    by_rank: Dict[int, List[str]] = {0: [], 1: [], 2: [], 3: []}
    for name in names:
        by_rank[ranks.get(parts_of(name).kind, 2)].append(name)
    by_rank[1] = _subclasses_first(by_rank[1], supers)
    return [name for rank in sorted(by_rank) for name in by_rank[rank]]


def _subclasses_first(names: Sequence[str], supers: Mapping[str, Sequence[str]]) -> List[str]:
    by_class = {parts_of(name).name.lower(): name for name in names}
    above: Dict[str, Tuple[str, ...]] = {}
    for owner, held in supers.items():
        package = owner.rpartition(".")[0]
        full = [one if "." in one else f"{package}.{one}" for one in held]
        above[owner.lower()] = tuple(one.lower() for one in full)
    done: List[str] = []
    seen: Set[str] = set()

    def visit(one: str) -> None:
        if one in seen or one not in by_class:
            return
        seen.add(one)
        for higher in above.get(one, ()):
            visit(higher)
        done.append(by_class[one])

    for one in by_class:
        visit(one)
    return done[::-1]


def _wrong(name: str, why: str) -> InvalidInput:
    return InvalidInput(f"{name}: {why}", place=name, cure="take it out of the package, or rename it")
