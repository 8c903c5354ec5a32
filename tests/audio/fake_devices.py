"""A machine's devices, moved by hand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from assistant.audio.audio_system import Fill, Take
from assistant.audio.coreaudio import Landscape
from assistant.audio.device_choice import Device, Kind
from assistant.errors import AudioError
from assistant.messages import Samples

MACBOOK_MICROPHONE = Device("MacBook Pro Microphone", 1, 0, 48_000, True, False, 0)
MACBOOK_SPEAKERS = Device("MacBook Pro Speakers", 0, 2, 48_000, False, True, 1)
AIRPODS_MICROPHONE = Device("Ada's AirPods Pro", 1, 0, 24_000, False, False, 2)
AIRPODS = Device("Ada's AirPods Pro", 0, 2, 48_000, False, False, 3)
DEVICES = [MACBOOK_MICROPHONE, MACBOOK_SPEAKERS, AIRPODS_MICROPHONE, AIRPODS]


@dataclass
class FakeStream:
    """A device at work until it is unplugged or given back (audio_system.OpenStream)."""

    device: Device
    active: bool = True
    closed: bool = False

    def close(self) -> None:
        """Give it back."""
        self.closed = True
        self.active = False


@dataclass
class FakeSystem:
    """audio_system.AudioSystem; `hear` and `play` stand for what the devices' threads do."""

    present: list[Device] = field(default_factory=lambda: list(DEVICES))
    broken: set[str] = field(default_factory=set)
    """Names of devices that are there and do not open."""
    streams: list[FakeStream] = field(default_factory=list)
    now: Landscape = field(default_factory=Landscape)
    asleep_s: float = 0.0
    rates_hz: dict[str, int] = field(default_factory=dict)
    """Of devices that take one rate only."""
    bluetooth_rate_hz: int | None = None
    """Of loudspeakers, while the microphone is open."""
    jack: bool = False

    def devices(self) -> list[Device]:
        """See AudioSystem."""
        assert all(stream.closed for stream in self.streams), "PortAudio started anew under an open stream"
        return list(self.present)

    def rate_hz(self, device: Device, kind: Kind, wanted_hz: int) -> int:
        """See AudioSystem."""
        return self.rates_hz.get(device.name, wanted_hz)

    def open_microphone(self, device: Device, rate_hz: int, latency_s: float, take: Take) -> FakeStream:
        """See AudioSystem."""
        self._take, self._take_rate_hz = take, rate_hz
        return self._open(device)

    def open_loudspeaker(self, device: Device, rate_hz: int, latency_s: float, fill: Fill) -> FakeStream:
        """See AudioSystem."""
        self._fill, self._fill_rate_hz = fill, rate_hz
        return self._open(device)

    def landscape(self) -> Landscape:
        """See AudioSystem."""
        return self.now

    def loudspeaker_now(self, device: Device) -> tuple[int, bool, bool]:
        """See AudioSystem."""
        bluetooth = self.bluetooth_rate_hz is not None
        return self.bluetooth_rate_hz or device.rate_hz, bluetooth, self.jack

    def slept_s(self) -> float:
        """See AudioSystem."""
        return self.asleep_s

    def hear(self, level: float = 0.1, lost: bool = False) -> None:
        """The microphone calls with 20 ms that are 20 ms old."""
        self._take(np.full(self._take_rate_hz // 50, level, np.float32), 0.02, lost)

    def play(self, lost: bool = False) -> Samples:
        """The loudspeaker calls for 20 ms that sound in 80 ms."""
        return self._fill(self._fill_rate_hz // 50, 0.08, lost)

    def open_now(self) -> list[str]:
        """Names of the devices at work."""
        return [stream.device.name for stream in self.streams if not stream.closed]

    def unplug(self, *devices: Device) -> None:
        """They are gone; what is open on them fails."""
        self.present = [device for device in self.present if device not in devices]
        for stream in self.streams:
            stream.active = stream.active and stream.device not in devices

    def choose(self, microphone: Device, loudspeaker: Device) -> None:
        """Other defaults, in the system's settings."""
        self.present = [
            replace(device, is_default_input=device == microphone, is_default_output=device == loudspeaker)
            for device in self.present
        ]
        self.now = replace(self.now, default_microphone=microphone.index, default_loudspeaker=loudspeaker.index)

    def _open(self, device: Device) -> FakeStream:
        if device.name in self.broken:
            raise AudioError(f"The device {device.name} cannot be opened.")
        stream = FakeStream(device)
        self.streams.append(stream)
        return stream
