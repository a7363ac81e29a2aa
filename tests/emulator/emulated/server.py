# SPDX-License-Identifier: GPL-3.0-or-later
"""The server of a running instance: one thread per session, one instance behind all of them."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from emulated import wire
from emulated.errors import MError
from emulated.instance import Instance
from emulated.journal import Update
from emulated.layout import Settings
from emulated.values import key, text

_IDLE_SECONDS = 3600.0


class Session:
    """One connection: a process that runs code, or a command that asks about the instance."""

    def __init__(self, server: Server, connection: wire.Connection) -> None:
        self.server = server
        self.instance = server.instance
        self.connection = connection
        self.pid = 0
        self.namespace = ""
        self.transaction: list[Update] | None = None
        self.level = 0
        self.touched: set[str] = set()

    def serve(self) -> None:
        try:
            while True:
                request = wire.receive(self.connection)
                wire.send(self.connection, self._answer(request))
        except (EOFError, OSError):
            self.rollback()
            self.server.forget(self)

    def _answer(self, request: tuple[Any, ...]) -> tuple[str, Any]:
        self.server.last_request = time.monotonic()
        name, *fields = request
        try:
            return "ok", REQUESTS[name](self, *fields)
        except MError as error:
            return "error", (error.name, error.data, error.why)

    # -- globals ---------------------------------------------------------------------

    def _store(self, directory: str, name: str) -> Any:
        self.touched.add(directory)
        return self.instance.database(directory).store(name)

    def get(self, directory: str, name: str, subscripts: list[str]) -> str | None:
        with self.instance.changed:
            return self._store(directory, name).get(name, _keys(subscripts))  # type: ignore[no-any-return]

    def data(self, directory: str, name: str, subscripts: list[str]) -> int:
        with self.instance.changed:
            return self._store(directory, name).data(name, _keys(subscripts))  # type: ignore[no-any-return]

    def next(self, directory: str, name: str, subscripts: list[str], backwards: bool) -> str:
        with self.instance.changed:
            return text(self._store(directory, name).next(name, _keys(subscripts), backwards))

    def next_name(self, directory: str, name: str, backwards: bool) -> str:
        with self.instance.changed:
            return self._store(directory, "").next_name(name, backwards)  # type: ignore[no-any-return]

    def names(self, directory: str) -> list[str]:
        with self.instance.changed:
            return self._store(directory, "").names()  # type: ignore[no-any-return]

    def query(self, directory: str, name: str, subscripts: list[str]) -> list[str] | None:
        with self.instance.changed:
            found = self._store(directory, name).query(name, _keys(subscripts))
            return None if found is None else [text(each) for each in found]

    def nodes(self, directory: str, name: str, subscripts: list[str]) -> list[tuple[list[str], str]]:
        self.touched.add(directory)
        return self.instance.below(directory, name, _keys(subscripts))

    def set(self, directory: str, name: str, subscripts: list[str], value: str) -> None:
        self.touched.add(directory)
        self._note(self.instance.update("set", directory, name, _keys(subscripts), value))

    def set_many(self, rows: list[tuple[str, str, list[str], str]]) -> None:
        self.touched.update(row[0] for row in rows)
        self.instance.set_many(rows)

    def kill(self, directory: str, name: str, subscripts: list[str], descend: bool) -> None:
        self.touched.add(directory)
        lost = self.instance.below(directory, name, _keys(subscripts)) if self.level and descend else []
        self._note(self.instance.update("kill" if descend else "zkill", directory, name, _keys(subscripts)))
        for subs, value in lost:
            self._note(("set", directory, name, subs, value))

    # -- transactions ----------------------------------------------------------------

    def _note(self, undo: Update | None) -> None:
        if self.transaction is not None and undo is not None:
            self.transaction.append(undo)

    def begin(self) -> int:
        self.level += 1
        if self.transaction is None:
            self.transaction = []
        return self.level

    def commit(self) -> int:
        if not self.level:
            raise MError("COMMAND", why="TCOMMIT without TSTART")
        self.level -= 1
        if not self.level:
            self.transaction = None
        return self.level

    def rollback(self) -> int:
        undone, self.transaction, self.level = self.transaction or [], None, 0
        for kind, directory, name, subscripts, value in reversed(undone):
            self.instance.update(kind, directory, name, _keys(subscripts), value)
        return 0

    # -- the instance ----------------------------------------------------------------

    def hello(self, pid: int) -> str:
        """A process wants in: "" if it may, else the error that it shows (1.2, 3.1)."""
        self.instance.wait_for_logins()
        refusal = self.server.refusal()
        if not refusal:
            self.pid = pid
        return refusal

    def enter(self, namespace: str) -> None:
        self.namespace = namespace

    def freeze(self, switch: bool, timeout: float, limit: float) -> str:
        return self.instance.start_freeze(switch, timeout, limit)

    def thaw(self) -> bool:
        return self.instance.thaw()

    def frozen(self) -> bool:
        return self.instance.freeze is not None

    def mount(self, directory: str, read_only: bool) -> str:
        with self.instance.changed:
            return self.instance.known(directory).mount(read_only)

    def dismount(self, directory: str) -> str:
        """Close a database; its users are refused from then on, or the dismount is (3.3)."""
        with self.instance.changed:
            database = self.instance.database(directory)
            others = [each.pid for each in self.server.sessions if directory in each.touched and each is not self]
            if others and Settings.load(self.server.settings.base).facts.dismount_in_use_fails:
                return f"in use by {', '.join(map(str, others))}"
            if not database.mounted:
                return "not mounted"
            database.dismount()
            return ""

    def mounted(self, directory: str) -> dict[str, Any] | None:
        """What SYS.Database shows of a directory, None if there is no such database."""
        found = self.instance.databases.get(directory)
        if found is None:
            return None
        size = found.path.stat().st_size if found.path.exists() else 0
        return {"mounted": found.mounted, "read_only": found.read_only, "size": size, "file": str(found.path)}

    def directories(self) -> list[str]:
        return list(self.instance.databases)

    def release(self, directory: str) -> str:
        """The file of a database as it is now, closed so that another program may read it."""
        with self.instance.changed:
            database = self.instance.database(directory)
            database.close()
            return str(database.memory or database.path)

    def journal(self, what: str) -> str:
        with self.instance.changed:
            if what == "switch":
                return str(self.instance.journal.switch())
            if what == "offset":
                return str(self.instance.journal.offset())
            return str(self.instance.journal.path)

    def processes(self) -> dict[str, str]:
        """Namespaces by process; the server stands for the system's own."""
        users = {str(each.pid): each.namespace for each in self.server.sessions if each.pid}
        return {str(os.getpid()): "%SYS", **users}

    def terminate(self, pid: int) -> bool:
        """End another process of the instance; False if it is none."""
        if pid not in [each.pid for each in self.server.sessions]:
            return False
        os.kill(pid, signal.SIGTERM)
        return True

    def shutdown(self) -> None:
        self.server.stop(self)


def _keys(subscripts: list[str]) -> list[Any]:
    return [key(each) for each in subscripts]


REQUESTS: dict[str, Callable[..., Any]] = {
    name: getattr(Session, name) for name in (
        "get", "data", "next", "next_name", "names", "query", "nodes", "set", "set_many", "kill", "begin", "commit",
        "rollback",
        "hello", "enter", "freeze", "thaw", "frozen", "mount", "dismount", "mounted", "directories",
        "release", "journal", "processes", "terminate", "shutdown",
    )
}


class Server:
    """Listens until the instance is stopped, or nobody has asked anything for an hour."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.instance = Instance(settings)
        self.sessions: list[Session] = []
        self.refused = 0
        self.started = time.monotonic()
        self.last_request = self.started

    def run(self, ready: Callable[[str], None]) -> None:
        why = self.instance.start()
        if why:
            ready(why)
            return
        listener = wire.listen(self.settings.socket)
        threading.Thread(target=self._watch, daemon=True).start()
        ready("")
        while True:
            connection = wire.accept(listener)
            session = Session(self, connection)
            self.sessions.append(session)
            threading.Thread(target=session.serve, daemon=True).start()

    def _watch(self) -> None:
        """A server that its test forgot ends by itself."""
        while time.monotonic() - self.last_request < _IDLE_SECONDS and self.settings.private.exists():
            time.sleep(5)
        os._exit(1)

    def forget(self, session: Session) -> None:
        if session in self.sessions:
            self.sessions.remove(session)
        session.connection.close()

    def refusal(self) -> str:
        scenario = Settings.load(self.settings.base).scenario
        if time.monotonic() - self.started < scenario.start_delay:
            return "<NOTOPEN>"
        if self.refused < scenario.licence_refusals:
            self.refused += 1
            return "<LICENSE LIMIT EXCEEDED>"
        return ""

    def stop(self, asked_by: Session) -> None:
        """End every process, close every database, and go."""
        for each in self.sessions:
            if each.pid and each is not asked_by:
                os.kill(each.pid, signal.SIGTERM)
        self.instance.stop()
        self.settings.socket.unlink(missing_ok=True)
        wire.send(asked_by.connection, ("ok", None))
        os._exit(0)


def main(base: str, ready: int) -> None:
    """The server's process; how its start went is written to ``ready``, "" for well."""
    os.set_inheritable(ready, False)
    settings = Settings.load(base)
    (settings.private / "server.pid").write_text(str(os.getpid()), encoding="utf-8")

    def tell(why: str) -> None:
        os.write(ready, (why or "ready").encode())
        os.close(ready)

    try:
        Server(settings).run(tell)
    except BaseException:
        import traceback

        (settings.private / "server.log").write_text(traceback.format_exc(), encoding="utf-8")
        raise


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
