"""A microphone and a loudspeaker at work together: opened as a pair, watched, given back as a pair."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Generic, TypeVar

from assistant import config
from assistant.audio.audio_system import AudioSystem, OpenStream
from assistant.audio.device_choice import Device, Kind, are_headphones, choose, in_telephone_profile, is_named
from assistant.audio.stream_ends import LoudspeakerEnd, MicrophoneEnd
from assistant.errors import AudioError
from assistant.messages import MIC_RATE_HZ
from assistant.ports import Pull

_SILENT_S = 1.0
"""A device that has not called for this long is lost: PortAudio tells of few of the ways in which they go."""
_SETTLING_S = 3.0
"""Not counted as silence: PulseAudio has called thrice and then paused for 1.7 s, Bluetooth takes as long to begin."""
_ZEROS_S = 2.0
_SLEPT_S = 1.0

_LOST = (
    "The {kind} {name} is lost. Connect it again, or choose another in the system's sound settings; "
    "the talk goes on with the next that opens."
)
_WITHHELD = {
    "darwin": "macOS gives this terminal no microphone, only silence. Allow it in System Settings > Privacy & "
    "Security > Microphone, then quit the terminal and start it again."
}
_MUTED = (
    "The microphone {name} gives nothing but exact zeros: it is muted, or nothing stands behind it. Unmute it in "
    "the system's sound settings, or choose another: assistant devices."
)
_TELEPHONE = (
    "The headset {name} is in its telephone profile, since its microphone is in use: both sound poor. "
    "Choose another microphone, as the computer's own, with devices.microphone."
)

End = TypeVar("End", MicrophoneEnd, LoudspeakerEnd)


@dataclass(frozen=True, slots=True)
class Side(Generic[End]):
    """One of the two."""

    kind: Kind
    device: Device
    end: End
    stream: OpenStream
    wanted: str
    """What the settings ask for; empty for the system's default."""

    @property
    def as_wanted(self) -> bool:
        """It was asked for by name, and is there."""
        return is_named(self.device, self.wanted)


class Session:
    """Opens the devices wanted, or else the system's choice; blocks, for seconds where Bluetooth is one of them.

    Args:
        settings: The `[devices]` section.
        system: Where the devices are.
        pull: Where the sound comes from.
        voice_rate_hz: Its rate.
        now_s: The talk's clock, readable from any thread.
        wake: Called from the microphone's thread when there is something to take.

    Raises:
        AudioError: There is no microphone or no loudspeaker, or it does not open.
    """

    def __init__(
        self,
        settings: config.Devices,
        system: AudioSystem,
        pull: Pull,
        voice_rate_hz: int,
        now_s: Callable[[], float],
        wake: Callable[[], object],
    ) -> None:
        self._system = system
        self._now_s = now_s
        self._landscape = system.landscape()
        self._slept_s = system.slept_s()
        latency_s = settings.latency_ms / 1000
        devices = system.devices()

        with ExitStack() as closing:
            device = _present(devices, "microphone", settings.microphone)
            rate_hz = system.rate_hz(device, "microphone", MIC_RATE_HZ)
            heard = MicrophoneEnd(rate_hz, now_s, wake)
            stream = system.open_microphone(device, rate_hz, latency_s, heard.take)
            closing.callback(stream.close)
            self.microphone = Side("microphone", device, heard, stream, settings.microphone)

            device = _present(devices, "loudspeaker", settings.loudspeaker)
            rate_hz = system.rate_hz(device, "loudspeaker", voice_rate_hz)
            played = LoudspeakerEnd(rate_hz, pull, voice_rate_hz, now_s)
            stream = system.open_loudspeaker(device, rate_hz, latency_s, played.fill)
            closing.callback(stream.close)
            self.loudspeaker = Side("loudspeaker", device, played, stream, settings.loudspeaker)
            self._closing = closing.pop_all()
        self._opened_s = now_s()

    def close(self) -> None:
        """Give both back, at once."""
        self._closing.close()

    @property
    def xruns(self) -> int:
        """Times that either lost samples or had none to play."""
        return self.microphone.end.xruns + self.loudspeaker.end.xruns

    def loss(self) -> str:
        """Which device is lost, and the cure; empty while both work."""
        settled_s = self._opened_s + _SETTLING_S
        for side in (self.microphone, self.loudspeaker):
            silent_s = self._now_s() - max(side.end.called_s, settled_s)
            if not side.stream.active or silent_s > _SILENT_S:
                return _LOST.format(kind=side.kind, name=side.device.name)
        return ""

    def is_outdated(self) -> bool:
        """Whether other devices are to be opened now, though these work: after a sleep, or as the system was told."""
        if self._system.slept_s() - self._slept_s > _SLEPT_S:
            return True
        then, now = self._landscape, self._system.landscape()
        microphone, loudspeaker = self.microphone, self.loudspeaker
        return (
            (not microphone.as_wanted and now.default_microphone != then.default_microphone)
            or (not loudspeaker.as_wanted and now.default_loudspeaker != then.default_loudspeaker)
            or (any(side.wanted and not side.as_wanted for side in (microphone, loudspeaker)) and now != then)
        )

    def withheld(self) -> str:
        """That the microphone has given nothing but zeros so far, and the cure; empty when all is well."""
        end = self.microphone.end
        if end.alive or end.zeros_s < _ZEROS_S:
            return ""
        return _WITHHELD.get(sys.platform, _MUTED).format(name=self.microphone.device.name)

    def warning(self) -> str:
        """What works, but not as it should."""
        warnings = [
            f"There is no {side.kind} {side.wanted!r} now; {side.device.name} is used."
            for side in (self.microphone, self.loudspeaker)
            if side.wanted and not side.as_wanted
        ]
        loudspeaker = self.loudspeaker.device
        rate_hz, bluetooth, _ = self._system.loudspeaker_now(loudspeaker)
        if in_telephone_profile(self.microphone.device.name, loudspeaker.name, rate_hz, bluetooth):
            warnings.append(_TELEPHONE.format(name=loudspeaker.name))
        return " ".join(warnings)


def can_be_heard(system: AudioSystem, loudspeaker: Device) -> bool:
    """Whether a microphone can hear it: everything not known to be headphones."""
    _, _, is_jack = system.loudspeaker_now(loudspeaker)
    return not (is_jack or are_headphones(loudspeaker.name))


def _present(devices: Sequence[Device], kind: Kind, wanted: str) -> Device:
    device = choose(devices, kind, wanted)
    if device is None:
        raise AudioError(f"There is no {kind}. Connect one; it is used as soon as it is there.")
    return device
