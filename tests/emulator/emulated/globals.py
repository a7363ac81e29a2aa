# SPDX-License-Identifier: GPL-3.0-or-later
"""A session's side of the server: globals by directory, and what only the whole instance knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emulated import wire
from emulated.errors import MError
from emulated.values import Key, key, text


class Globals:
    """A connection to the server. Every request may raise the MError that the server answered."""

    def __init__(self, path: Path) -> None:
        self.connection = wire.connect(path)

    def ask(self, request: str, *fields: Any) -> Any:
        """One request and its answer."""
        try:
            wire.send(self.connection, (request, *fields))
            kind, answer = wire.receive(self.connection)
        except (EOFError, OSError) as error:
            raise MError("DISCONNECT", "", "the instance went down") from error
        if kind == "error":
            raise MError(*answer)
        return answer

    def close(self) -> None:
        self.connection.close()

    # -- nodes -----------------------------------------------------------------------

    def get(self, directory: str, name: str, subscripts: list[Key]) -> str | None:
        return self.ask("get", directory, name, _plain(subscripts))  # type: ignore[no-any-return]

    def set(self, directory: str, name: str, subscripts: list[Key], value: str) -> None:
        self.ask("set", directory, name, _plain(subscripts), value)

    def set_many(self, rows: list[tuple[str, str, list[Key], str]]) -> None:
        """Directory, global, subscripts and value of several nodes."""
        self.ask("set_many", [(directory, name, _plain(keys), value) for directory, name, keys, value in rows])

    def kill(self, directory: str, name: str, subscripts: list[Key], descend: bool = True) -> None:
        self.ask("kill", directory, name, _plain(subscripts), descend)

    def data(self, directory: str, name: str, subscripts: list[Key]) -> int:
        return self.ask("data", directory, name, _plain(subscripts))  # type: ignore[no-any-return]

    def next(self, directory: str, name: str, subscripts: list[Key], backwards: bool = False) -> Key:
        return key(self.ask("next", directory, name, _plain(subscripts), backwards))

    def next_name(self, directory: str, name: str, backwards: bool = False) -> str:
        return self.ask("next_name", directory, name, backwards)  # type: ignore[no-any-return]

    def names(self, directory: str) -> list[str]:
        return self.ask("names", directory)  # type: ignore[no-any-return]

    def query(self, directory: str, name: str, subscripts: list[Key], backwards: bool = False) -> list[Key] | None:
        if backwards:
            raise MError("FUNCTION", why="$query backwards over a global")
        found = self.ask("query", directory, name, _plain(subscripts))
        return None if found is None else [key(each) for each in found]

    def nodes(self, directory: str, name: str, subscripts: list[Key]) -> Iterator[tuple[tuple[Key, ...], str]]:
        """Nodes with a value from here on down; subscripts below this node."""
        depth = len(subscripts)
        for subs, value in self.ask("nodes", directory, name, _plain(subscripts)):
            yield tuple(key(each) for each in subs[depth:]), value


def _plain(subscripts: list[Key]) -> list[str]:
    return [text(each) for each in subscripts]
