"""What the live desk needs of a machine's devices; `devices.PortAudio` has it, tests have their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from assistant.audio.coreaudio import Landscape
from assistant.audio.device_choice import Device, Kind
from assistant.messages import Samples

Take: TypeAlias = Callable[[Samples, float, bool], None]
"""The microphone's callback: (n,) samples, the age of the first in seconds, whether some were lost before them."""
Fill: TypeAlias = Callable[[int, float, bool], Samples]
"""The loudspeaker's: how many, in how many seconds the first sounds, whether there were none when some were due."""


class OpenStream(Protocol):
    """A device at work."""

    @property
    def active(self) -> bool:
        """False once the device has failed."""

    def close(self) -> None:
        """Stop at once and give the device back; a device that is gone is given back too."""


class AudioSystem(Protocol):
    """The machine's devices."""

    def devices(self) -> list[Device]:
        """Every device there is now; no stream may be open. Raises AudioError when they cannot be listed."""

    def rate_hz(self, device: Device, kind: Kind, wanted_hz: int) -> int:
        """The rate to open a device at: the one wanted if it takes it. Raises AudioError when it takes none."""

    def open_microphone(self, device: Device, rate_hz: int, latency_s: float, take: Take) -> OpenStream:
        """Open and start; `take` is called on the device's thread. Raises AudioError when it cannot be opened."""

    def open_loudspeaker(self, device: Device, rate_hz: int, latency_s: float, fill: Fill) -> OpenStream:
        """Open and start; `fill` is called on the device's thread. Raises AudioError when it cannot be opened."""

    def landscape(self) -> Landscape:
        """The system's choices now; always the same where the system itself moves streams to a new default."""

    def loudspeaker_now(self, device: Device) -> tuple[int, bool, bool]:
        """Its present rate in Hz, whether it is reached by Bluetooth, and whether it is a headphone jack."""

    def slept_s(self) -> float:
        """How long the machine has been asleep since it was started; the event loop's clock stood still then."""
