# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmarks against peers: same work, same files, same run. ``make bench`` runs them."""
