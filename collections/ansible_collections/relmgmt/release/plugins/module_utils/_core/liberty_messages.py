# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading Liberty's messages.log: what it says about one application after one cutover.

Messages are matched by id: their text is translated, an id is stable. Text and JSON logs are read.
"""

from __future__ import annotations

import json
import re
from typing import Iterable, Iterator, List, NamedTuple

STARTED = frozenset({"CWWKZ0001I", "CWWKZ0003I"})
STARTING = "CWWKZ0018I"
STOPPED = "CWWKZ0009I"
FAILED = frozenset({
    "CWWKZ0002E", "CWWKZ0004E", "CWWKZ0005E", "CWWKZ0010E", "CWWKZ0012I", "CWWKZ0013E", "CWWKZ0014W",
    "CWWKZ0015E", "CWWKZ0016E", "CWWKZ0017E", "CWWKZ0019I", "CWWKZ0020I", "CWWKZ0021E", "CWWKZ0061E",
})  # fmt: skip
CONFIG_UPDATE, CONFIG_DONE = "CWWKG0016I", frozenset({"CWWKG0017I", "CWWKG0018I"})
CONFIG_REFUSED = frozenset({"CWWKG0014E", "CWWKG0020E"})
LAUNCHED, SERVER_STOPPED, SERVER_READY = "CWWKE0001I", "CWWKE0036I", "CWWKF0011I"
FEATURES_DONE = "CWWKF0008I"

_ID = re.compile(r"\A([A-Z]{4,5}\d{4,5}[A-Z]):\s*(.*)", re.DOTALL)
_TEXT_LINE = re.compile(r"\A\[[^\]]+\]\s+[0-9a-fA-F]{8}\s+(\S+)\s+[A-Z]\s+(.*)", re.DOTALL)
_PRINTED = frozenset({"SystemOut", "SystemErr"})  # an application may print anything
_COLONS = re.compile("[:\uff1a]")
_CONFIG_ERROR = re.compile(r"\ACWWK[FG]\d{4}E\Z")  # of the configuration, of the features it names


class Message(NamedTuple):
    """One message of the log: its id and its translated text."""

    id: str
    text: str


class Verdict(NamedTuple):
    """What the log says: state is waiting, started or failed; message is the one that decided."""

    state: str
    message: str = ""


def messages(lines: List[str]) -> Iterator[Message]:
    """The messages with an id among whole log lines, text or JSON."""
    for line in lines:
        found = _ID.match(_text_of(line))
        if found:
            yield Message(found.group(1), found.group(2).strip())


def names(message: Message, application: str) -> bool:
    """Does the message speak of this application, as a whole word and before the quoted exception?"""
    text = _COLONS.split(message.text, 1)[0]
    return bool(re.search(r"(?<![A-Za-z0-9_.-])%s(?![A-Za-z0-9_-]|\.[A-Za-z0-9_])" % re.escape(application), text))


class Watch:
    """Follows the log after a cutover until this deployment of this application started or failed.

    A start that was under way before the cutover also ends with a start message (T14): only one that
    follows a configuration update (or a launch of the server) and the application's own "starting" counts.
    With `restart` nothing counts before the launch, the end of the older process least of all. With `armed`
    messages count from the first on: the application was seen out of service when the log was marked.
    """

    def __init__(self, application: str, restart: bool = False, armed: bool = False) -> None:
        self.application = application
        self.verdict = Verdict("waiting")
        self.errors: List[str] = []
        self.config_done = False
        self.stopped = False
        self.restart = restart
        self._armed = armed
        self._starting = False

    def read(self, lines: List[str]) -> Verdict:
        """Take in further lines; the first decision stands."""
        for message in messages(lines):
            if self.verdict.state == "waiting":
                self._take(message)
        return self.verdict

    def _take(self, message: Message) -> None:
        if message.id == LAUNCHED or (message.id == CONFIG_UPDATE and not self.restart):
            self._armed = True
        elif self.restart and not self._armed:
            return
        elif message.id in CONFIG_DONE or message.id == SERVER_READY:
            self.config_done = self._armed
        elif message.id in CONFIG_REFUSED or message.id == SERVER_STOPPED:
            self._decide("failed", message)
        elif self._armed and names(message, self.application):
            self._take_own(message)
        if message.id.endswith("E") and self._armed:
            self.errors.append("%s: %s" % message)

    def _take_own(self, message: Message) -> None:
        if message.id == STARTING:
            self._starting = True
        elif message.id == STOPPED:
            self.stopped = True
        elif message.id in FAILED:
            self._decide("failed", message)
        elif message.id in STARTED and self._starting:
            self._decide("started", message)

    def _decide(self, state: str, message: Message) -> None:
        self.verdict = Verdict(state, "%s: %s" % message)


class ConfigWatch:
    """Follows the log after a change of configuration until the server has taken it in, or refuses it.

    `features`: the change asks for features, which the server tells of later; `restart`: the server is started
    anew, and tells again of `known` errors, which are only remembered.
    `application_failed`: the server has told since of an application that did not start.
    """

    def __init__(self, features: bool = False, restart: bool = False, known: Iterable[str] = ()) -> None:
        self._known = frozenset(known)
        self.verdict = Verdict("waiting")
        self.errors: List[str] = []
        self.config_done = False
        self.features_done = not features
        self.application_failed = False
        self._restart = restart
        self._armed = False

    def read(self, lines: List[str]) -> Verdict:
        """Take in further lines; the state is waiting, done or failed, and the first decision stands."""
        for message in messages(lines):
            self.application_failed = self.application_failed or (self._armed and message.id in FAILED)
            if self.verdict.state == "waiting":
                self._take(message)
        return self.verdict

    def _take(self, message: Message) -> None:
        if message.id == (LAUNCHED if self._restart else CONFIG_UPDATE):
            self._armed = True
        if not self._armed:
            return
        is_new_error = _is_config_error(message) and "%s: %s" % message not in self._known
        if message.id == SERVER_STOPPED or is_new_error:
            self.verdict = Verdict("failed", "%s: %s" % message)
        elif message.id == SERVER_READY if self._restart else message.id in CONFIG_DONE:
            self.config_done = True
        elif message.id == FEATURES_DONE:
            self.features_done = True
        if _is_config_error(message):
            self.errors.append("%s: %s" % message)
        if self.config_done and (self.features_done or self._restart) and self.verdict.state == "waiting":
            self.verdict = Verdict("done", "%s: %s" % message)


def config_errors(lines: List[str]) -> List[str]:
    """What a log tells of configuration that the server refused."""
    return ["%s: %s" % message for message in messages(lines) if _is_config_error(message)]


def _is_config_error(message: Message) -> bool:
    return bool(_CONFIG_ERROR.match(message.id))


def _text_of(line: str) -> str:
    if line.startswith("{"):
        return _json_text(line)
    found = _TEXT_LINE.match(line)
    return found.group(2) if found and found.group(1) not in _PRINTED else ""


def _json_text(line: str) -> str:
    """Field names can be mapped by the administrator: the message is the field that starts with an id."""
    try:
        record = json.loads(line)
    except ValueError:
        return ""
    if not isinstance(record, dict) or _PRINTED.intersection(map(str, record.values())):
        return ""
    texts = [record.get("message"), *record.values()]
    return next((text for text in texts if isinstance(text, str) and _ID.match(text)), "")
