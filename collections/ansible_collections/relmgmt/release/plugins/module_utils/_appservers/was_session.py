# SPDX-License-Identifier: GPL-3.0-or-later
"""A session with a cell: one start of wsadmin, many requests (a start costs 8 to 20 seconds, FACTS 6.1).

Everything that the session needs lies in one private directory: the script, its parameters, the requests and a
soap.client.props of its own. Nothing secret is an argument; wsadmin echoes arguments.
"""

from __future__ import annotations

import contextlib
import json
import os
import pkgutil
import re
import secrets
import shutil
import tempfile
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from ansible_collections.relmgmt.release.plugins.module_utils._appservers import was_jython
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_jython import (
    cell,
    changes,
    session,
    settings,
    text,
)
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_options import WasOptions
from ansible_collections.relmgmt.release.plugins.module_utils._core.soap_properties import session_properties
from ansible_collections.relmgmt.release.plugins.module_utils._core.was_answers import (
    ACCESS,
    CONFLICT,
    LOST,
    connection_trouble,
    error_kind,
)
from ansible_collections.relmgmt.release.plugins.module_utils._engines.conversation import Conversation
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    AppServerError,
    HostStateUnknown,
    InvalidInput,
    RelmgmtError,
)

#: the parts of the script, in the order in which one needs the other
PARTS = (text, cell, changes, settings, session)
HEADER = """# Written by relmgmt for one session; Jython 2.1 and 2.7.
import sys
import time
from java.io import File
from java.lang import Throwable

CAUGHT = (Exception, Throwable)
"""
FOOTER = "\nmain(AdminApp, AdminConfig, AdminControl, AdminTask, %s, lambda path: File(path).delete())\n"
MARK = "# -- wsadmin --\n"
#: seconds without a request after which the script takes its caller for dead; to end once told to
IDLE, ENDING = 300, 20
#: seconds added to the time-out of a request, for the client to notice it
PATIENCE = 30
_TAIL = 400
_INTO_THE_WORKSPACE, _OUT_OF_THE_WORKSPACE = ("install", "uninstall", "write_settings"), ("save", "reset")
_CURES = {
    ACCESS: "give the user the roles Deployer and Operator, or Configurator, in the cell",
    CONFLICT: "somebody else saved the same documents: nothing of this was kept; run again",
    LOST: "the deployment manager is gone: bring it back, then run again",
}


class RequestFailed(AppServerError):
    """A request came back as an error; ``kind`` says what it calls for (see was_answers)."""

    def __init__(self, message: str, place: str, kind: str) -> None:
        super().__init__(message, place, _CURES.get(kind, "read SystemOut.log of the process that it names"))
        self.kind = kind


class SessionLost(HostStateUnknown):
    """wsadmin ended, or is silent: no further request of this session will be answered."""


class Connected(NamedTuple):
    """What a session is connected to."""

    cell: str
    node: str
    process: str
    version: str


class WasSession:
    """One wsadmin, started by the first request and ended by ``close``."""

    def __init__(self, options: WasOptions) -> None:
        self.options = options
        self.directory = ""
        self._conversation: Optional[Conversation] = None
        self._marker = ""
        self._number = 0
        self._unsaved = False
        self._connected: Optional[Connected] = None
        self._aside: List[Callable[[], None]] = []

    # -- beginning and ending --------------------------------------------------------------

    def connect(self) -> Connected:
        """Start wsadmin and see where it is; raises HostStateUnknown if it does not connect."""
        if self._connected is None:
            try:
                self._connected = self._begin()
            except RelmgmtError:
                self.close()
                raise
        return self._connected

    def begin_anew(self) -> None:
        """Go on with a new wsadmin, which sees what is saved; the one so far is left alone until ``close``.

        Its workspace may be what a save that timed out is still saving.
        """
        conversation, directory, number = self._conversation, self.directory, self._number
        self._aside.append(lambda: self._end(conversation, directory, number))
        self._conversation, self._connected, self.directory, self._unsaved = None, None, "", False
        self.connect()

    def refresh(self) -> None:
        """Drop what was not saved: the next save must not save it."""
        if self._is_over():
            self.close()
        elif self._connected is not None:
            self.request("reset")

    def close(self) -> None:
        """End wsadmin and remove what it needed; credentials go in every case."""
        conversation, directory, number = self._conversation, self.directory, self._number
        self._conversation, self._connected, self.directory, self._unsaved = None, None, "", False
        with contextlib.ExitStack() as stack:
            while self._aside:
                stack.callback(self._aside.pop())
            stack.callback(self._end, conversation, directory, number)

    def _end(self, conversation: Optional[Conversation], directory: str, number: int) -> None:
        try:
            if conversation is not None:
                with conversation:
                    if not conversation.ended:
                        self._hand_over(directory, number + 1, {"operation_name": "end"})
                        conversation.wait(ENDING)
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def _begin(self) -> Connected:
        self._prepare()
        seen = self._ask({"operation_name": "hello"}, self.options.connect_timeout)
        if not seen["connected"]:
            raise self._not_connected(seen["why"])
        return Connected(seen["cell"], seen["node"], seen["process"], seen["version"])

    def _prepare(self) -> None:
        self.directory = tempfile.mkdtemp(prefix="relmgmt-was-")
        self._marker, self._number = secrets.token_hex(8), 0
        self._write("parameters.json", json.dumps({"marker": self._marker, "idle": IDLE}))
        self._write("session.py", script(self.directory))
        self._write("soap.client.props", self._properties())
        try:
            self._conversation = Conversation(self._words(), self._environment())
        except OSError as error:
            cure = "correct profile in relmgmt_websphere.was: the deployment manager's, or the server's own"
            raise AppServerError("wsadmin cannot be run: %s" % error.strerror, self.options.wsadmin, cure) from error

    def _words(self) -> List[str]:
        properties = "-Dcom.ibm.SOAP.ConfigURL=file:%s" % os.path.join(self.directory, "soap.client.props")
        address = ["-host", self.options.host] if self.options.host else []
        address += ["-port", str(self.options.port)] if self.options.port else []
        script_file = os.path.join(self.directory, "session.py")
        connection = ["-lang", "jython", "-conntype", "SOAP", *address]
        return [self.options.wsadmin, *connection, "-javaoption", properties, "-f", script_file]

    def _environment(self) -> Dict[str, str]:
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "LC_ALL") if name in os.environ}
        return {"PATH": "/usr/local/bin:/usr/bin:/bin", **kept}

    def _properties(self) -> str:
        try:
            with open(self.options.soap_properties, encoding="latin-1") as stream:
                given = stream.read()
        except OSError as error:
            cure = "correct profile in relmgmt_websphere.was"
            raise AppServerError("not a profile: %s" % error.strerror, self.options.soap_properties, cure) from error
        options = self.options
        return session_properties(given, options.username, options.password(), options.request_timeout)

    # -- requests --------------------------------------------------------------------------

    def request(self, operation: str, /, **parameters: Any) -> Dict[str, Any]:
        """The result of one operation of the script; raises RequestFailed with its kind."""
        if self._is_over() and not self._unsaved:
            self.close()
        self.connect()
        self._unsaved = self._unsaved or operation in _INTO_THE_WORKSPACE
        result = self._ask(dict(parameters, operation_name=operation), self.options.request_timeout + PATIENCE)
        self._unsaved = self._unsaved and operation not in _OUT_OF_THE_WORKSPACE
        return result

    def _is_over(self) -> bool:
        """Whether wsadmin has ended: it does when nobody asked for IDLE seconds."""
        return self._conversation is not None and self._conversation.wait(0) is not None

    def _ask(self, parameters: Dict[str, Any], seconds: float) -> Dict[str, Any]:
        operation = parameters["operation_name"]
        require_latin_1(parameters, self.options.place)
        said = self._answered(parameters, seconds)
        if "error" in said:
            shown = self._tail(said["error"])
            raise RequestFailed("%s failed: %s" % (operation, shown), self.options.place, error_kind(said["error"]))
        return dict(said["result"])

    def _answered(self, parameters: Dict[str, Any], seconds: float) -> Dict[str, Any]:
        conversation = self._conversation
        if conversation is None:
            raise SessionLost("the session with the cell is over", self.options.place, "run again")
        conversation.send(b"")  # what is printed from here on belongs to this request
        self._hand_over(self.directory, self._number + 1, parameters)
        self._number += 1  # from here on the script waits for the next one
        begin, end = (b"%s:%d:%s" % (self._marker.encode(), self._number, word) for word in (b"begin", b"end"))
        printed = conversation.await_text(re.compile(re.escape(end)), seconds)
        if end not in printed:
            what = "ended" if conversation.ended else "gave no answer within %d s" % seconds
            raise self._lost(what, printed)
        said = _said(printed.partition(begin)[2].partition(end)[0])
        if said is None:
            raise self._lost("gave no answer that can be read", printed)
        return said

    def _hand_over(self, directory: str, number: int, parameters: Dict[str, Any]) -> None:
        self._write("request-%d.json" % number, json.dumps(parameters), directory)

    def _write(self, name: str, content: str, directory: str = "") -> None:
        """Under its name at once, for this user's eyes only."""
        path = os.path.join(directory or self.directory, name)
        with os.fdopen(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(content)
        os.rename(path + ".new", path)

    # -- errors ----------------------------------------------------------------------------

    def _not_connected(self, why: str) -> HostStateUnknown:
        printed = bytes(self._conversation.output).decode("utf-8", "replace") if self._conversation else ""
        told = connection_trouble(printed) or connection_trouble(why) or why
        cure = "see whether the deployment manager (or the server) runs, and user and password_file"
        return HostStateUnknown("wsadmin is not connected: %s" % self._tail(told), self.options.place, cure)

    def _lost(self, what: str, printed: bytes) -> SessionLost:
        shown = self._tail(printed.decode("utf-8", "replace"))
        message = "wsadmin %s; it printed: %s" % (what, shown or "nothing")
        return SessionLost(message, self.options.place, "read logs/wsadmin.traceout of the profile")

    def _tail(self, said: str) -> str:
        """The end of a text, in one line and without the password."""
        secret = self.options.password()
        shown = said.replace(secret, "***") if secret else said
        return " ".join(shown.split())[-_TAIL:]


def require_latin_1(value: Any, place: str) -> None:
    """Raise InvalidInput, naming the text, for letters that wsadmin does not take."""
    if any(ord(letter) > 0xFF for letter in json.dumps(value, ensure_ascii=False)):
        message = "wsadmin takes characters of Latin-1 only: %s" % json.dumps(value)
        raise InvalidInput(message, place, "write it with such characters")


def _said(framed: bytes) -> Optional[Dict[str, Any]]:
    """An answer of the script, None if it is none."""
    try:
        said = json.loads(framed.decode("ascii"))
    except ValueError:
        return None
    if isinstance(said, dict) and (isinstance(said.get("result"), dict) or isinstance(said.get("error"), str)):
        return said
    return None


def _source(name: str) -> str:
    data = pkgutil.get_data(was_jython.__name__, name + ".py") or b""
    return data.decode("ascii").split(MARK, 1)[1]


#: read once, for a process that outlives the file that its module came in (T39)
SOURCES = "".join(_source(part.__name__.rpartition(".")[2]) for part in PARTS)


def script(directory: str) -> str:
    """The script of a session: what stands below the mark in every part of was_jython, and the call."""
    return HEADER + SOURCES + FOOTER % json.dumps(directory)
