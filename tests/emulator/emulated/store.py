# SPDX-License-Identifier: GPL-3.0-or-later
"""One database file: a GT.M database, asked through a ``mumps`` process of its own.

GT.M's names of globals have no dots: such globals lie below ``^zzDotted``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from emulated.errors import MError
from emulated.values import Key, key, text

_SEPARATOR, _SUBSCRIPT = "\udcf8", "\udcf9"
_PLAIN = re.compile(r"[%A-Za-z][A-Za-z0-9]{0,30}\Z")
#: What the first block of a database file begins with; anything else is not mounted.
MAGIC = b"GDSDYNUNX0"


class Store:
    """An open database file. Strings travel as UTF-8, which leaves bytes over F7 for separators."""

    def __init__(self, path: str, environment: Mapping[str, str], mumps: str) -> None:
        self.path = path
        inward, self._requests = os.pipe()
        self._answers, outward = os.pipe()
        self._pid = os.posix_spawn(
            mumps, [mumps, "-run", "emustore"], {**environment, "emulated_dat": path},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, inward, 0), (os.POSIX_SPAWN_DUP2, outward, 1),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_CLOSE, self._requests), (os.POSIX_SPAWN_CLOSE, self._answers),
            ],
            setpgroup=0,
        )
        os.close(inward)
        os.close(outward)
        self._pending = b""

    def close(self) -> None:
        """End of input lets mumps end; the file is complete and closed then."""
        os.close(self._requests)
        os.close(self._answers)
        os.waitpid(self._pid, 0)

    # -- requests --------------------------------------------------------------------

    def _ask(self, *fields: str) -> str:
        self._send(_request(*fields))
        return self._answer()

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._requests, view) :]

    def _answer(self) -> str:
        while b"\n" not in self._pending:
            chunk = os.read(self._answers, 1 << 20)
            if not chunk:
                raise MError("DATABASE", self.path, "mumps ended")
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        answer = line.decode("utf-8", "surrogateescape")
        if answer.startswith("E\udcf8"):
            raise MError("DATABASE", self.path, answer[2:])
        return answer

    # -- nodes -----------------------------------------------------------------------

    def get(self, name: str, subscripts: list[Key]) -> str | None:
        answer = self._ask("GET", reference(name, subscripts))
        return _decoded(answer[1:]) if answer.startswith("+") else None

    def set(self, name: str, subscripts: list[Key], value: str) -> None:
        self._ask("SET", reference(name, subscripts), _encoded(value))

    def kill(self, name: str, subscripts: list[Key], descend: bool = True) -> None:
        self._ask("KILL" if descend else "ZKILL", reference(name, subscripts))

    def set_many(self, rows: list[tuple[str, list[Key], str]], batch: int = 100) -> None:
        """Several nodes, with fewer waits."""
        for start in range(0, len(rows), batch):
            chunk = rows[start : start + batch]
            self._send(b"".join(_request("SET", reference(name, keys), _encoded(value)) for name, keys, value in chunk))
            for _ in chunk:
                self._answer()

    def data(self, name: str, subscripts: list[Key]) -> int:
        return int(self._ask("DATA", reference(name, subscripts)))

    def next(self, name: str, subscripts: list[Key], backwards: bool = False) -> Key:
        answer = self._ask("NEXT", reference(name, subscripts), "-1" if backwards else "1")
        return key(_decoded(answer[1:]))

    def next_name(self, name: str, backwards: bool = False) -> str:
        """The global beside this one, "" at the end. ``name`` "" stands before the first."""
        names = self.names()
        if backwards:
            return next((each for each in reversed(names) if not name or each < name), "")
        return next((each for each in names if each > name), "")

    def names(self) -> list[str]:
        """Every global of the file."""
        found, at = [], "^%"
        while True:
            # The first request asks for % itself too, which lies before every other name.
            if at == "^%" and self._ask("DATA", at) != "0":
                found.append("%")
            at = self._ask("NEXT", at, "1")[1:]
            if not at:
                break
            found.append(at[1:])
        if "zzDotted" in found:
            found.remove("zzDotted")
            at_key: Key = ""
            while (at_key := self.next("zzDotted", [at_key])) != "":
                found.append(text(at_key))
        return sorted(found)

    def query(self, name: str, subscripts: list[Key]) -> list[Key] | None:
        return _subscripts(self._ask("QUERY", reference(name, subscripts)), name)

    def nodes(self, name: str, subscripts: list[Key], batch: int = 500) -> Iterator[tuple[tuple[Key, ...], str]]:
        """Every node with a value from this one on down, subscripts from the global's name on."""
        own = self.get(name, subscripts)
        if own is not None:
            yield tuple(subscripts), own
        at = list(subscripts)
        more = True
        while more:
            rows, more = self._batch(name, subscripts, at, batch)
            yield from rows
            at = list(rows[-1][0]) if rows else at

    def _batch(
        self, name: str, top: list[Key], at: list[Key], count: int
    ) -> tuple[list[tuple[tuple[Key, ...], str]], bool]:
        answer = self._ask("NODES", reference(name, at), str(count), reference(name, top))
        rows = []
        while answer not in (".", "~"):
            node, _, value = answer[1:].partition(_SEPARATOR)
            rows.append((tuple(_subscripts(node, name) or ()), _decoded(value)))
            answer = self._answer()
        return rows, answer == "~"


def _request(*fields: str) -> bytes:
    data = _SEPARATOR.join(fields).replace("\n", "\udcff").replace("\r", "\udcfe") + "\n"
    return data.encode("utf-8", "surrogateescape")


def _subscripts(written: str, name: str) -> list[Key] | None:
    if not written:
        return None
    found = [key(_decoded(each)) for each in written.split(_SUBSCRIPT)[1:]]
    return found if _PLAIN.match(name) else found[1:]


def _encoded(value: str) -> str:
    """Bytes over F7 stand for separators: lone surrogates of the application are kept apart from them."""
    raw = value.encode("utf-8", "surrogatepass")
    return raw.decode("utf-8", "surrogateescape")


def _decoded(value: str) -> str:
    raw = value.replace("\udcff", "\n").replace("\udcfe", "\r").encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "surrogatepass")


def reference(name: str, subscripts: list[Key]) -> str:
    """A node as GT.M reads it in indirection."""
    top, keys = (f"^{name}", subscripts) if _PLAIN.match(name) else ("^zzDotted", [name, *subscripts])
    return f"{top}({','.join(_written(each) for each in keys)})" if keys else top


def _written(subscript: Key) -> str:
    if not isinstance(subscript, str):
        return text(subscript)
    parts = []
    for piece in re.split(r"([\x00-\x1f\x7f]+)", _encoded(subscript)):
        if (piece and piece[0] < " ") or piece[:1] == "\x7f":
            parts.append("$zchar(" + ",".join(str(ord(each)) for each in piece) + ")")
        elif piece:
            parts.append('"' + piece.replace('"', '""') + '"')
    return "_".join(parts) or '""'


def is_database(path: str) -> bool:
    """Whether a file's first block is that of a database."""
    try:
        with open(path, "rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


