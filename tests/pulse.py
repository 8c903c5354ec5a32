"""A sound card without hardware: a private PulseAudio whose null sinks PortAudio takes for real devices.

What is played into the sink `mic` is heard by the microphone; what the assistant plays can be
recorded from the sink `speaker`. A second pair, the headset, is there to change to. PortAudio
reads its environment when it starts, so the code under test runs in a subprocess with `Pulse.environment`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

DRIVERS = Path(__file__).parent
_MODULES = """\
load-module module-native-protocol-unix
load-module module-cli-protocol-unix
load-module module-null-sink sink_name=mic rate=48000 channels=1
load-module module-null-sink sink_name=speaker rate=48000 channels=1
load-module module-null-sink sink_name=headset_in rate=48000 channels=1
load-module module-null-sink sink_name=headset_out rate=48000 channels=1
load-module module-remap-source source_name=micin master=mic.monitor
load-module module-remap-source source_name=headset_micin master=headset_in.monitor
set-default-sink speaker
set-default-source micin
"""
_NAMED = {
    "desk_mic": "micin",
    "desk_speaker": "speaker",
    "headset_mic": "headset_micin",
    "headset_phones": "headset_out",
}
_START_S = 10.0
URGENT = ["nice", "-n", "-10"] if os.geteuid() == 0 else []
"""For what moves sound: with a real card its threads run before all others, and a busy machine is not tested."""


class Pulse:
    """One server, with its own home and runtime folders.

    Args:
        folder: An empty folder with a short path: it holds the server's socket.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        runtime = folder / "run"
        runtime.mkdir(mode=0o700)
        kept = ("PATH", "LANG", "ASSISTANT_MODELS", "VIRTUAL_ENV")
        self.environment = {name: os.environ[name] for name in kept if name in os.environ}
        self.environment |= {"HOME": str(folder), "XDG_RUNTIME_DIR": str(runtime)}
        self.environment.setdefault("ASSISTANT_MODELS", str(Path.home() / ".cache/assistant/models"))
        # without `hint { show on }` PortAudio does not list a device
        devices = [
            f'pcm.{name} {{ type pulse device {to} hint {{ show on description "{name}" }} }}'
            for name, to in _NAMED.items()
        ]
        default = 'pcm.!default { type pulse hint { show on description "default" } }'
        (folder / ".asoundrc").write_text("\n".join([default, *devices, ""]))
        (folder / "modules.pa").write_text(_MODULES)
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start the server and wait until it answers; raises RuntimeError with its log if it does not."""
        log = self.folder / "pulse.log"
        server = ["pulseaudio", "-n", "-F", str(self.folder / "modules.pa"), "--daemonize=no", "--exit-idle-time=-1"]
        self._server = self._spawn([*server, f"--log-target=file:{log}"])
        give_up = time.monotonic() + _START_S
        while subprocess.run(["pactl", "info"], env=self.environment, capture_output=True).returncode:
            if time.monotonic() > give_up:
                raise RuntimeError(f"PulseAudio did not start: {log.read_text() if log.exists() else 'no log'}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End the server and everything started on it."""
        for process in reversed(self._running):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(10)
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        self._running.clear()

    def kill_server(self) -> None:
        """Let the server die, and all that plays or records with it; `start` it again."""
        self._server.kill()
        self._server.wait(10)

    def play(self, recording: Path, sink: str = "mic") -> subprocess.Popen[bytes]:
        """Say a WAV file into the microphone; `wait()` on what comes back for its end."""
        return self._spawn(["paplay", f"--device={sink}", str(recording)])

    def noise(self, db: float = -70.0, sink: str = "mic") -> None:
        """A quiet room, from now on: an idle null sink gives exact zeros, as a microphone that macOS withholds."""
        volume = round(65536 * 10 ** ((db + 4.8) / 60))  # PulseAudio's volumes are cubic; uniform noise has -4.8 dB
        raw = ["--raw", "--format=s16le", "--rate=16000", "--channels=1"]
        self._spawn(
            ["pacat", "--playback", "--latency-msec=20", f"--device={sink}", f"--volume={volume}", *raw, "/dev/urandom"]
        )

    @contextlib.contextmanager
    def recording(self, to: Path, sink: str = "speaker") -> Iterator[None]:
        """Record what a loudspeaker plays, 48 kHz mono, while the context lasts."""
        wav = ["--file-format=wav", "--rate=48000", "--channels=1", "--format=s16le", "--latency-msec=20"]
        recorder = self._spawn(["parec", f"--device={sink}.monitor", *wav, str(to)])
        try:
            yield
        finally:
            recorder.send_signal(signal.SIGINT)  # it then writes the length into the header
            recorder.wait(10)

    def loopback(self, delay_ms: int = 60, gain_db: float = -10.0) -> None:
        """Let the microphone hear the loudspeaker, as on a desk."""
        self.pactl(
            "load-module",
            "module-loopback",
            "source=speaker.monitor",
            "sink=mic",
            f"latency_msec={delay_ms}",
            "adjust_time=0",
        )
        inputs = [line.split() for line in self.pactl("list", "short", "sink-inputs").splitlines()]
        looped = [fields[0] for fields in inputs if "module-loopback.c" in fields]
        self.pactl("set-sink-input-volume", looped[-1], f"{gain_db}dB")

    def remove_microphone(self) -> None:
        """Pull the microphone's plug: streams on it end."""
        modules = [line.split("\t") for line in self.pactl("list", "short", "modules").splitlines()]
        for index, name, arguments, *_ in modules:
            if name == "module-remap-source" and "source_name=micin " in arguments:
                self.pactl("unload-module", index)
        # PulseAudio moves the streams to another source, be it the monitor of a loudspeaker; elsewhere they fail
        outputs = [line.split() for line in self.pactl("list", "short", "source-outputs").splitlines()]
        for index, _, client, *_ in outputs:
            if client != "-":
                subprocess.run(["pacmd", "kill-source-output", index], env=self.environment, check=True)

    def restore_microphone(self) -> None:
        """Plug it in again, as the default."""
        self.pactl("load-module", "module-remap-source", "source_name=micin", "master=mic.monitor")
        self.set_default(source="micin")

    def set_default(self, sink: str = "", source: str = "") -> None:
        """Choose another default device, as in the system's sound settings; streams on the old one stay there."""
        if sink:
            self.pactl("set-default-sink", sink)
        if source:
            self.pactl("set-default-source", source)

    def pactl(self, *arguments: str) -> str:
        """Run pactl; what it prints."""
        run = subprocess.run(["pactl", *arguments], env=self.environment, capture_output=True, text=True, check=True)
        return run.stdout

    def python(self, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start Python on these devices, with pipes to it; it is ended with the server at the latest."""
        environment = self.environment | {"PYTHONPATH": str(DRIVERS)}
        return self._spawn([sys.executable, *arguments], environment, pipes=True)

    def _spawn(
        self, command: Sequence[str], environment: dict[str, str] | None = None, pipes: bool = False
    ) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE if pipes else subprocess.DEVNULL
        process = subprocess.Popen(
            [*URGENT, *command],
            env=environment or self.environment,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            start_new_session=True,
        )
        self._running.append(process)
        return process


@pytest.fixture
def pulse() -> Iterator[Pulse]:
    """Devices of one test's own. Mark tests that use it `audio`."""
    folder = Path(tempfile.mkdtemp(prefix="pulse-"))  # a test's own tmp_path can be too long for a socket
    server = Pulse(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """PulseAudio's devices reach PortAudio on Linux only."""
    if sys.platform != "linux":
        without = [item for item in items if item.get_closest_marker("audio")]
        config.hook.pytest_deselected(items=without)
        items[:] = [item for item in items if item not in without]
