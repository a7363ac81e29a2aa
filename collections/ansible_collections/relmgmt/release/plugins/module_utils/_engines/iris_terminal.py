# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of a Caché or IRIS instance: its control program and its terminal session.

A session is a pipe: prompts come back, commands do not (FACTS 1.2). What is awaited before the
first command is a prompt; anything else (a login, a start-up menu, silence) ends in an error
that shows what was printed, never in waiting (T27). A password goes to standard input alone.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core import iris_qlist, objectscript
from ansible_collections.relmgmt.release.plugins.module_utils._core.iris_console import trapped
from ansible_collections.relmgmt.release.plugins.module_utils._core.iris_qlist import Status
from ansible_collections.relmgmt.release.plugins.module_utils._core.objectscript import Record, Script
from ansible_collections.relmgmt.release.plugins.module_utils._engines.conversation import Conversation
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_options import IrisOptions
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    EngineError,
    HostStateUnknown,
    InvalidInput,
)

SYSTEM = "%SYS"
DEADLINE = 120.0
#: an answer of qlist, a prompt after the session has begun
SHORT = 30.0
#: loading a package, reading many items or nodes; checking a dataset
LONG, VERY_LONG = 3600.0, 24 * 3600.0
#: seconds between attempts while no licence is free
LICENCE_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
LICENCE = "LICENSE LIMIT EXCEEDED"
LOGIN = re.compile(rb"(?:Username|Password):\s*\Z")
PROMPT = re.compile(rb">\s*\Z")
AWAITED = re.compile(LOGIN.pattern + b"|" + PROMPT.pattern)
TAIL = 400
#: seconds that an answer of qlist is taken for the present
RECENT = 2.0


class Result(NamedTuple):
    """A %Status: whether it is a success, and its texts."""

    good: bool
    texts: List[str]


class Said(NamedTuple):
    """What a session said: its records, its whole output, its process in the instance.

    ``between``: what code of the application wrote, where some was run.
    """

    records: List[Record]
    text: str
    pid: int
    between: str = ""

    def fields(self, tag: str) -> List[Tuple[str, ...]]:
        """The fields of every record with this tag."""
        return [record.fields for record in self.records if record.tag == tag]

    def first(self, tag: str) -> Tuple[str, ...]:
        """The fields of the first record with this tag; empty if there is none."""
        return next(iter(self.fields(tag)), ())

    @property
    def failed(self) -> bool:
        """Whether a status that was asked for is not a success."""
        return any(not outcome.good for outcome in self.outcomes)

    @property
    def texts(self) -> List[str]:
        """Texts of statuses and error logs."""
        return [fields[0] for fields in self.fields("TX")]

    @property
    def outcomes(self) -> List[Result]:
        """Every status that was asked for, in order, with the texts that came after it."""
        made: List[Result] = []
        for record in self.records:
            if record.tag == "ST":
                made.append(Result(record.fields[0] == "1", []))
            elif record.tag == "TX" and made:
                made[-1].texts.append(record.fields[0])
        return made


class Ended(NamedTuple):
    """A program that has ended: its status and what it printed."""

    rc: int
    text: str


class IrisTerminal:
    """One instance, reached through its programs."""

    def __init__(self, options: IrisOptions, sleep: Callable[[float], None] = time.sleep) -> None:
        self.options = options
        self.name = options.name
        self.place = f"instance {options.name}"
        self._sleep = sleep
        self._status: Optional[Status] = None
        self._asked = 0.0

    # -- the control program -----------------------------------------------------------

    def status(self, fresh: bool = False) -> Status:
        """What qlist said a moment ago; ``fresh``: ask again."""
        now = time.monotonic()
        if self._status is None or fresh or now - self._asked > RECENT:
            ended = self._control("qlist", self.name, deadline=SHORT)
            self._status = iris_qlist.parse(ended.text, self.name)
            self._asked = now
        return self._status

    def require_ready(self) -> Status:
        """The instance takes sessions. Raises HostStateUnknown if not."""
        status = self.status()
        if not status.ready:
            raise HostStateUnknown(
                f"the instance is {status.state!r}, not running", place=self.place,
                cure=f"bring it up ({os.path.basename(self.options.control)} start {self.name}), then run again; "
                "or run as the instance's owner, if qlist answers otherwise there",
            )
        return status

    def start(self) -> None:
        """Start the instance and wait until it takes sessions: qlist alone says so too early (FACTS 1.1)."""
        timeout = self.options.start_timeout
        ended = self._control("start", self.name, "quietly", deadline=timeout)
        limit = time.monotonic() + timeout
        while time.monotonic() < limit:
            if self.status(fresh=True).ready and self._answers():
                return
            self._sleep(1.0)
        raise HostStateUnknown(
            f"the instance did not start within {timeout} s: {self.tail(ended.text)}", place=self.place,
            cure="see cconsole.log or messages.log of the instance",
        )

    def _answers(self) -> bool:
        try:
            self.talk(self.script(), SYSTEM, SHORT)
        except EngineError:
            return False
        return True

    def _control(self, *arguments: str, deadline: float) -> Ended:
        with self._begin([self.options.control, *arguments], alone=True) as conversation:
            conversation.send(b"", close=True)
            ended = self._end(conversation, deadline)
        if ended.rc:
            raise HostStateUnknown(
                f"{os.path.basename(self.options.control)} {' '.join(arguments)} ended with status {ended.rc}: "
                f"{self.tail(ended.text)}", place=self.place, cure="run it by hand, as the same user",
            )
        return ended

    # -- sessions ----------------------------------------------------------------------

    def script(self) -> Script:
        """An empty script for this instance."""
        return Script(self.options.encoding)

    def talk(self, script: Script, namespace: str = "", deadline: float = DEADLINE) -> Said:
        """Run a script in a session. Raises EngineError unless all of it ran."""
        nonce = secrets.token_hex(8)
        where = namespace or self.options.namespace
        lines = script.lines(nonce, where, objectscript.form_of((self._status or self.status()).version))
        data = "".join(line + "\n" for line in lines).encode("ascii")
        ended = self._session(where, (), data, deadline)
        said = self._said(ended.text, nonce)
        self._refuse_encoding(script, said.first("NS"))
        self._require(said, ended, where)
        return said

    def status_of(self, call: str, deadline: float = DEADLINE) -> Ended:
        """The exit status of a session in %SYS that does nothing but this class call (FACTS 3.1)."""
        return self._session(SYSTEM, (call,), b"", deadline)

    def words(self, namespace: str) -> Tuple[str, ...]:
        """The command of a session, without its entry, for somebody else to run."""
        return tuple(self._session_words(namespace, ()))

    def environment(self) -> Dict[str, str]:
        """The whole environment of a program: nothing of ours, no secret."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        return {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "dumb", "LC_ALL": "C.UTF-8", **kept}

    def _session_words(self, namespace: str, entry: Sequence[str]) -> List[str]:
        options = self.options
        program = [options.session] if options.session else [options.control, "session"]
        return [*program, self.name, "-U", namespace, *entry]

    def _session(self, namespace: str, entry: Sequence[str], data: bytes, deadline: float) -> Ended:
        for pause in (*LICENCE_PAUSES, None):
            with self._begin(self._session_words(namespace, entry)) as conversation:
                # Only before the first prompt: nothing has been done then.
                if self._enter(conversation, bool(entry), deadline):
                    conversation.send(data, close=True)
                    return self._end(conversation, deadline)
            if pause is not None:
                self._sleep(pause)
        raise EngineError(
            f"no licence for a session after {len(LICENCE_PAUSES) + 1} attempts", place=self.place,
            cure="end sessions that are not needed, then run again",
        )

    def _enter(self, conversation: Conversation, entry: bool, deadline: float) -> bool:
        """Get to the first prompt, through a login if there is one; False if no licence was free."""
        asked = 0
        while True:
            text = conversation.await_text(AWAITED, deadline if entry else SHORT)
            if LICENCE.encode() in text:
                return False
            login = LOGIN.search(text)
            if login and asked < 2:
                asked += 1
                conversation.send(self._credential(login.group(), text))
                continue
            if login:
                raise EngineError(
                    "the instance refused user name and password", place=self.place,
                    cure="correct iris.username and iris.password_file in the inventory",
                )
            if entry or PROMPT.search(text):
                return True
            self._refuse_prompt(conversation, text)

    def _credential(self, asked: bytes, text: bytes) -> bytes:
        wanted = self.options.password() if asked.startswith(b"Password") else self.options.username
        if not wanted:
            raise EngineError(
                f"the session asks for a login: {self.tail(self._text(text))}", place=self.place,
                cure="enable operating system authentication for %Service_Terminal, "
                "or give iris.username and iris.password_file",
            )
        return wanted.encode(self.options.encoding) + b"\n"

    def _refuse_prompt(self, conversation: Conversation, text: bytes) -> None:
        ended = "ended" if conversation.ended else f"gave no prompt within {SHORT:g} s"
        raise EngineError(
            f"the session {ended}; it printed: {self.tail(self._text(text)) or 'nothing'}", place=self.place,
            cure="the user of the session needs a prompt: no start-up routine, no question",
        )

    def _end(self, conversation: Conversation, deadline: float) -> Ended:
        rc = conversation.wait(deadline)
        text = self._text(bytes(conversation.output))
        if rc is None:
            raise EngineError(
                f"the program did not end within {deadline:g} s; it printed: {self.tail(text) or 'nothing'}",
                place=self.place, cure="see what it waits for: a lock, a frozen instance, a question",
                pid=self._pid_in(text),
            )
        return Ended(rc, text)

    def _begin(self, argv: List[str], alone: bool = False) -> Conversation:
        try:
            return Conversation(argv, self.environment(), alone)
        except OSError as error:
            raise EngineError(
                f"{argv[0]} cannot be started: {error.strerror}", place=self.place,
                cure="correct iris.control and iris.session in the inventory",
            ) from error

    # -- answers -----------------------------------------------------------------------

    def _said(self, text: str, nonce: str) -> Said:
        try:
            found = objectscript.records(text, nonce, self.options.encoding)
        except ValueError:
            # Codes beyond a byte, and an 8-bit encoding in the inventory.
            found = objectscript.records(text, nonce)
        where = next((record.fields for record in found if record.tag == "NS"), ())
        return Said(found, text, int(where[1]) if len(where) > 1 else 0, objectscript.between(text, nonce))

    def _require(self, said: Said, ended: Ended, namespace: str) -> None:
        where = said.first("NS")
        trouble = said.first("ER") or said.first("EP")
        if trouble or not said.fields("END") or ended.rc:
            silent = f"it did not come to its end, status {ended.rc}; it printed: {said.text}"
            what = trouble[0] if trouble else trapped(said.text) or silent
            raise EngineError(
                f"the session failed: {self.tail(what)}", place=f"{self.place}, namespace {namespace}",
                cure=self._cure(what), rc=ended.rc, pid=said.pid,
            )
        if where[0].upper() != namespace.upper():
            raise EngineError(
                f"the session is in namespace {where[0]}, not {namespace}", place=self.place,
                cure="see the start-up namespace of the session's user",
            )

    def _refuse_encoding(self, script: Script, where: Tuple[str, ...]) -> None:
        encoding = self.options.encoding
        holds_unicode = len(where) < 3 or where[2] == "1"
        if holds_unicode and len(where) == 3 and not objectscript.is_transparent(encoding):
            raise InvalidInput(
                f"the instance holds Unicode characters, iris.encoding is {encoding}", place=self.place,
                cure="leave iris.encoding out",
            )
        if script.wide and not holds_unicode:
            raise InvalidInput(
                "the instance holds 8-bit characters, and there are others in what it shall take; nothing was done",
                place=self.place, cure="set iris.encoding to its own, or take the values out of the package",
            )

    def _cure(self, what: str) -> str:
        lacking = "this version of the product does not have what is called: see its class reference"
        cures = {
            "<NAMESPACE>": "correct iris.namespace in the inventory",
            "<PROTECT>": "give the session's user the role that it needs",
            "<NOLINE>": lacking,
            "<METHOD DOES NOT EXIST>": lacking,
            "<STORE>": "raise the memory of processes (bbsiz), or split the package",
        }
        return next((cure for code, cure in cures.items() if code in what), "")

    def _text(self, data: bytes) -> str:
        return data.decode(self.options.encoding, "surrogateescape")

    def tail(self, text: str) -> str:
        """The end of a text, fit for a message: in one line and without the password."""
        secret = self.options.password(quiet=True)
        shown = text.replace(secret, "***") if secret else text
        return " ".join(re.sub(r"[^\x20-\x7e\xa0-\uffff]", " ", shown).split())[-TAIL:]

    def _pid_in(self, text: str) -> int:
        hit = re.search(r":NS:[^][:]*:(\d+):", text)
        return int(hit.group(1)) if hit else 0
