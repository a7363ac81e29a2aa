# SPDX-License-Identifier: GPL-3.0-or-later
"""The error tree of the collection's half.

RelmgmtError
 ├── InvalidInput        a document, option or package is wrong; nothing was touched
 ├── Refused             a gate, receipt, lease or digest forbids the change
 │    ├── LeaseHeld      another change cycle holds the environment
 │    └── ReceiptMissing this host has no valid receipt for the change
 ├── EngineError         the M engine said no, or answered what nobody expects
 │    └── CompileFailed  items of a package do not compile; detail ``errors``
 ├── AppServerError      the application server said no, or the application did not start
 ├── ProxyError          the proxy said no, or does not do what it was told
 ├── FenceError          the packet filter said no, or the fence does not stand as it should
 ├── DatasetError        a backup set or a dataset is not what its manifest says
 ├── DeliveryError       the drop does not hold, or would not take, a package
 └── HostStateUnknown    what is true on the host could not be observed
"""

from __future__ import annotations

from typing import Any


class RelmgmtError(Exception):
    """An error that names the thing (message), the place and the cure."""

    def __init__(self, message: str, place: str = "", cure: str = "", **detail: Any) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.cure = cure
        self.detail = detail

    def __str__(self) -> str:
        text = self.message
        if self.place:
            text += f" [{self.place}]"
        if self.cure:
            text += f". Cure: {self.cure}"
        return text

    def as_dict(self) -> dict[str, Any]:
        """The error as JSON-able values, as a module's result carries it."""
        return {
            "kind": type(self).__name__,
            "message": self.message,
            "place": self.place,
            "cure": self.cure,
            **self.detail,
        }


class InvalidInput(RelmgmtError):
    """A document, an option or a package is wrong."""


class Refused(RelmgmtError):
    """A gate, a receipt, the lease or a digest forbids the change."""


class LeaseHeld(Refused):
    """Another change cycle holds the environment."""


class ReceiptMissing(Refused):
    """This host has no valid receipt for the change."""


class EngineError(RelmgmtError):
    """The M engine refused, failed or answered unexpectedly."""


class CompileFailed(EngineError):
    """Items do not compile; ``detail["errors"]`` lists item, line, text and message."""


class AppServerError(RelmgmtError):
    """The application server refused, or the application did not start."""


class ProxyError(RelmgmtError):
    """The proxy before the application servers refused, or does not do what it was told."""


class FenceError(RelmgmtError):
    """The packet filter refused, or the fence of test mode does not stand as it should."""


class DatasetError(RelmgmtError):
    """A backup set or a dataset is not what its manifest says."""


class DeliveryError(RelmgmtError):
    """The drop does not hold, or would not take, a package."""


class HostStateUnknown(RelmgmtError):
    """What is true on the host could not be observed: hold, never guess."""
