# SPDX-License-Identifier: GPL-3.0-or-later
"""Parser of what stands behind OPEN, USE, CLOSE and LOCK."""

from __future__ import annotations

from emulated.expressions import ExpressionParser


class DeviceParser(ExpressionParser):
    """Devices with their parameters; names to lock."""

    def _device(self) -> object:
        """``device:(parameters):timeout`` of OPEN, USE and CLOSE; and of HANG-like JOB parameters."""
        found: list[object] = [self.expression()]
        while self.accept(":"):
            if self.peek() in ":, \n":
                found.append(())
            elif self.peek() == "(":
                found.append(self._parameters())
            else:
                found.append(self.expression())
        return tuple(found)

    def _parameters(self) -> tuple[object, ...]:
        self.require("(")
        found: list[object] = []
        while True:
            if self.peek() == "/" and self.peek(2)[1:].isalpha():
                self.at += 1
                name = self.required_name().lower()
                found.append((name, self.expression() if self.accept("=") else None))
            elif self.peek() not in ":)":
                found.append(self.expression())
            else:
                found.append(None)
            if self.accept(")"):
                return tuple(found)
            self.require(":")

    def _lock(self) -> object:
        sign = self.peek() if self.peek() in ("+", "-") else ""
        self.at += len(sign)
        targets = tuple(self.listed(self.variable)) if self.peek() == "(" else (self.variable(),)
        self.accept('#"')
        kinds = self.string() if self.accept("#") else None
        timeout = self.expression() if self.accept(":") else None
        return sign, targets, kinds, timeout
