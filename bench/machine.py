"""What a benchmark ran on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import ssl
import subprocess
from pathlib import Path

from bench.processes import program
from okdrop import __version__


def machine() -> dict[str, str]:
    """Names and versions of all that the figures depend on.

    Raises:
        BenchError: there is no curl.
    """
    curl = subprocess.run([program("curl", "curl"), "--version"], check=True, capture_output=True, text=True)
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "kernel": f"{platform.system()} {platform.release()}",
        "okdrop": __version__,
        "python": platform.python_version(),
        "aiohttp": importlib.metadata.version("aiohttp"),
        "TLS": ssl.OPENSSL_VERSION,
        "curl": " ".join(curl.stdout.split()[:2]),
    }


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()
