# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulator of ccontrol, csession and iris for tests; see README.md beside this package.

Sessions import this package too, so it imports nothing by itself: tests take
``emulated.emulator.Emulator``, ``emulated.facts.Facts`` and ``Scenario``.
"""
