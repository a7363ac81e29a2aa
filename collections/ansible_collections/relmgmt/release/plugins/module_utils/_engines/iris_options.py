# SPDX-License-Identifier: GPL-3.0-or-later
"""A Caché or IRIS instance as the inventory describes it."""

from __future__ import annotations

import codecs
import os
import re
from typing import Any, List, Mapping, NamedTuple, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.objectscript import UNICODE
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}\Z")
NAMESPACE = re.compile(r"%?[A-Za-z][A-Za-z0-9_-]{0,63}\Z")
START_TIMEOUT = 300


class IrisOptions(NamedTuple):
    """``instance.name`` and ``instance.iris``; the documentation is in the fragment ``instance``."""

    name: str
    control: str
    session: str
    namespace: str
    username: str
    secret: str
    password_file: str
    encoding: str
    databases: Tuple[str, ...]
    start_timeout: int
    thaw_command: Tuple[str, ...]

    @classmethod
    def of(cls, instance: Mapping[str, Any]) -> "IrisOptions":
        """From ``relmgmt_instance``; refuses what cannot be, touches nothing."""
        name = str(instance.get("name") or "")
        given = dict(instance.get("iris") or {})
        options = cls(
            name, str(given.get("control") or ""), str(given.get("session") or ""),
            str(given.get("namespace") or ""), str(given.get("username") or ""), str(given.get("password") or ""),
            str(given.get("password_file") or ""), str(given.get("encoding") or UNICODE),
            _texts(given.get("databases")), int(given.get("start_timeout") or START_TIMEOUT),
            _texts(given.get("thaw_command")),
        )
        options.check()
        return options

    @property
    def by_password(self) -> bool:
        """Whether sessions log in with a user name and a password."""
        return bool(self.username)

    def password(self, quiet: bool = False) -> str:
        """The password; ``quiet``: empty where it cannot be read."""
        if self.secret or not self.password_file:
            return self.secret
        try:
            with open(self.password_file, encoding=self.encoding) as stream:
                return stream.readline().rstrip("\r\n")
        except (OSError, ValueError) as error:
            if quiet:
                return ""
            raise InvalidInput(
                f"the password cannot be read: {error.strerror if isinstance(error, OSError) else 'not text'}",
                place=self.password_file, cure="a file with one line, readable by the user of the playbook alone",
            ) from error

    def check(self) -> None:
        """Raise InvalidInput for options that cannot work."""
        place = f"instance {self.name}"
        for value, what in ((self.control, "control"), (self.namespace, "namespace")):
            if not value:
                raise InvalidInput(f"iris.{what} is missing", place=place, cure="add it to relmgmt_instance")
        if not NAME.match(self.name) or not NAMESPACE.match(self.namespace):
            raise InvalidInput(
                f"{self.name!r} or {self.namespace!r} cannot be the name of an instance or a namespace",
                place=place, cure="correct relmgmt_instance",
            )
        for path in (self.control, self.session, self.password_file, *self.thaw_command[:1]):
            if path and not os.path.isabs(path):
                raise InvalidInput(f"{path!r} is not an absolute path", place=place, cure="correct relmgmt_instance")
        try:
            codecs.lookup(self.encoding)
        except LookupError as error:
            raise InvalidInput(
                f"iris.encoding: there is no encoding {self.encoding!r}", place=place,
                cure="give utf-8, or latin1 for example",
            ) from error


def _texts(given: Any) -> Tuple[str, ...]:
    texts: List[Any] = list(given or [])
    return tuple(str(one) for one in texts)
