"""What listening costs while nobody speaks: the whole `assistant talk`, on a sound card without hardware.

    python bench/idle.py            in a pipe, without the live view
    python bench/idle.py --view     in a terminal, with it

A quiet room is played into the microphone of a private PulseAudio (Linux only, see tests/pulse.py). The
processor time of the talk's process is taken over a minute, once it listens and has settled; PulseAudio's
own is not counted. Exit status 1 if it is more than agreed: 5 % of one core, 9 % with the view.
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "tests"))  # the devices are the tests' own

from pulse import Pulse

MOST_PERCENT = {"pipe": 5.0, "view": 9.0}
SETTLING_S = 10.0
_LISTENS_WITHIN_S = 120.0
_ENDS_WITHIN_S = 3.0
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_ROOM_DB = -60.0


def main() -> int:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--view", action="store_true", help="with the live view, in a terminal")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--json", metavar="FILE", type=Path)
    arguments = parser.parse_args()
    kind = "view" if arguments.view else "pipe"
    folder = Path(tempfile.mkdtemp(prefix="pulse-"))
    pulse = Pulse(folder)
    try:
        pulse.start()
        pulse.noise(_ROOM_DB)
        percent = _measure(pulse, arguments.view, arguments.seconds)
    finally:
        pulse.stop()
        shutil.rmtree(folder)
    facts = {
        "kind": kind,
        "seconds": arguments.seconds,
        "percent_of_a_core": round(percent, 2),
        "most_percent": MOST_PERCENT[kind],
        "load_average": os.getloadavg()[0],
    }
    sys.stdout.write(json.dumps(facts, indent=2) + "\n")
    if arguments.json:
        arguments.json.write_text(json.dumps(facts, indent=2) + "\n")
    return 0 if percent < MOST_PERCENT[kind] else 1


def _measure(pulse: Pulse, view: bool, seconds: float) -> float:
    """Processor time of an idle talk, in percent of one core."""
    terminal, inner = pty.openpty()
    termios.tcsetwinsize(terminal, (40, 120))
    command = [sys.executable, "-m", "assistant", "talk", *([] if view else ["--json-events"])]
    environment = pulse.environment | {"TERM": "xterm-256color"}
    talk = subprocess.Popen(command, env=environment, stdin=inner, stdout=inner, stderr=inner)
    os.close(inner)
    try:
        return _watch(talk.pid, terminal, seconds)
    finally:
        talk.terminate()
        _read(terminal, _ENDS_WITHIN_S)
        talk.wait()


def _watch(pid: int, terminal: int, seconds: float) -> float:
    _read(terminal, _LISTENS_WITHIN_S, "listening")
    _read(terminal, SETTLING_S)
    began_s, used_s = time.monotonic(), _processor_s(pid)
    _read(terminal, seconds)
    return 100 * (_processor_s(pid) - used_s) / (time.monotonic() - began_s)


def _read(terminal: int, seconds: float, until: str = "") -> None:
    """Drain what the talk writes, for a time or until it has written this."""
    end_s, text = time.monotonic() + seconds, ""
    while (left_s := end_s - time.monotonic()) > 0:
        if select.select([terminal], [], [], left_s)[0]:
            try:
                text += os.read(terminal, 65536).decode(errors="replace")
            except OSError:  # the other end is closed
                break
            if until and until in text:
                return
    if until:
        raise TimeoutError(f"The talk did not begin: {text[-500:]}")


def _processor_s(pid: int) -> float:
    """User and system time of a process and its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


if __name__ == "__main__":
    sys.exit(main())
