"""Where a bench ran: the machine, the state of the code, and what the program held at its peak."""

from __future__ import annotations

import os
import platform
import re
import resource
import subprocess
import sys
from pathlib import Path

from assistant.bench.figures import Memory
from assistant.models.runtime import peak_memory_bytes

_ROOT = Path(__file__).parent.parent.parent


def machine() -> str:
    """Like "Linux x86_64, 2 cores, AMD EPYC"."""
    facts = [f"{platform.system()} {platform.machine()}", f"{os.cpu_count()} cores", _processor()]
    return ", ".join(fact for fact in facts if fact)


def commit() -> str | None:
    """The commit that is checked out where this program runs from; None where it is installed."""
    command = ["git", "-C", str(_ROOT), "rev-parse", "--show-toplevel", "HEAD"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return None
    top, _, head = ran.stdout.strip().partition("\n")
    # a virtual environment may lie in somebody else's repository
    return head[:12] if ran.returncode == 0 and Path(top).resolve() == _ROOT.resolve() else None


def peak_memory() -> Memory:
    """Since the program began."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Memory(peak if sys.platform == "darwin" else peak * 1024, peak_memory_bytes())


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if not facts.exists():
        return platform.processor()
    named = re.search(r"^model name\s*:\s*(.+)$", facts.read_text(encoding="utf-8"), re.MULTILINE)
    return named[1].strip() if named else ""
