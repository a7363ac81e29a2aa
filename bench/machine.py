# SPDX-License-Identifier: GPL-3.0-or-later
"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from .errors import NotMeasurable
from .harness import Device


def described(directory: Path) -> dict[str, Any]:
    """Processor, memory, kernel, file system and device."""
    try:
        device = Device.below(directory).name
    except NotMeasurable:
        device = "unknown"
    return {
        "processor": _field("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "sha_instructions": "sha_ni" in _field("/proc/cpuinfo", "flags").split(),
        "memory": _field("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "device": device,
        "file_system": _file_system(directory),
    }


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _file_system(directory: Path) -> str:
    done = subprocess.run(
        ["stat", "--file-system", "--format=%T", str(directory)], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
