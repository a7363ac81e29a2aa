# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded default environment: real hosts' parts on the loopback interface, under one directory."""
