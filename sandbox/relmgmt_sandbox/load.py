# SPDX-License-Identifier: GPL-3.0-or-later
"""A steady load of requests through a web entry, and what its users saw of a rollout.

python -m relmgmt_sandbox.load --port 8080 --ask /cfis/api/status=CFIS002 -- ansible-playbook playbooks/release.yml
runs the command under the load and prints, as its last line, what was counted, as JSON.
"""
from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

TIMEOUT = 20


class Question(NamedTuple):
    """A path, and what its answer says once it is the newer release's."""

    path: str
    newer: str


def question(text: str) -> Question:
    """PATH=TEXT; the path may have a query. Raises ValueError."""
    path, equals, newer = text.rpartition("=")
    if not equals:
        raise ValueError(f"not PATH=TEXT: {text}")
    return Question(path, newer)


class Load:
    """Users who ask again and again while this lasts, with a connection for each request and a cookie for each session.

    ``lost``: answers that did not come or were no 200, and users who ended before their time.
    ``backwards``: answers of the older release to a session that had seen the newer one. After ``session``
    requests a user begins a new session.
    """

    def __init__(
        self, port: int, questions: Sequence[Question], users: int = 12, pause: float = 0.005, session: int = 200
    ) -> None:
        self.port, self.questions, self.pause, self.session = port, questions, pause, session
        self.lost: list[str] = []
        self.backwards: list[str] = []
        self.answers = 0
        self.newer_seen = 0
        self._over = threading.Event()
        self._count = threading.Lock()
        self._users = [threading.Thread(target=self._use, args=(number,)) for number in range(users)]

    def __enter__(self) -> Load:
        for user in self._users:
            user.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for user in self._users:
            user.join()

    @property
    def counted(self) -> dict[str, int]:
        """How many answers came, were lost, went backwards, were the newer release's."""
        return {"answers": self.answers, "lost": len(self.lost), "backwards": len(self.backwards),
                "newer": self.newer_seen}

    def _use(self, number: int) -> None:
        try:
            self._ask_on(number)
        except Exception as error:
            # A load that has lost its users would lose no requests.
            self.lost.append(f"user {number} has ended: {error!r}")

    def _ask_on(self, number: int) -> None:
        while not self._over.is_set():
            cookie, newer_seen = "", set[str]()
            for _ in range(self.session):
                for question in self.questions:
                    cookie = self._ask(f"user {number}", question, cookie, newer_seen)
                if self._over.is_set():
                    return

    def _ask(self, user: str, question: Question, cookie: str, newer_seen: set[str]) -> str:
        """One request; returns the session's cookie."""
        try:
            status, text, given = get(self.port, question.path, cookie)
        except (OSError, http.client.HTTPException) as error:
            self.lost.append(f"{user}, {question.path}: {error!r}")
            return cookie
        is_newer = status == 200 and question.newer in text
        if status != 200:
            self.lost.append(f"{user}, {question.path}: status {status}")
        elif question.path in newer_seen and not is_newer:
            self.backwards.append(f"{user}, {question.path}, {cookie}")
        if is_newer:
            newer_seen.add(question.path)
        with self._count:
            self.answers += 1
            self.newer_seen += is_newer
        time.sleep(self.pause)
        return given or cookie


def get(port: int, path: str = "/", cookie: str = "") -> tuple[int, str, str]:
    """Status, text and cookies of one answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
        answer = connection.getresponse()
        given = "; ".join(each.partition(";")[0] for each in answer.msg.get_all("Set-Cookie", []))
        return answer.status, answer.read().decode("utf-8", "replace"), given
    finally:
        connection.close()


def main() -> int:
    """Run a command under the load; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m relmgmt_sandbox.load", description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, required=True, help="of the web entry, on 127.0.0.1")
    parser.add_argument("--ask", action="append", required=True, metavar="PATH=TEXT", type=question,
                        help="a page, and what it says when it is the newer release's")
    parser.add_argument("--users", type=int, default=12)
    parser.add_argument("command", nargs="+", help="after --")
    given = parser.parse_args()
    with Load(given.port, given.ask, given.users) as load:
        time.sleep(1)  # answers of the older release, too
        status = subprocess.run(given.command, stdin=subprocess.DEVNULL, check=False).returncode
        time.sleep(1)
    for line in [*load.lost, *load.backwards][:10]:
        print(line)
    print(json.dumps(load.counted), flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
