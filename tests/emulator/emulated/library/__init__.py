# SPDX-License-Identifier: GPL-3.0-or-later
"""System classes and routines, each answer with the section of FACTS that it rests on."""
