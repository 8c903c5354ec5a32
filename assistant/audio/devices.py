"""Microphones and loudspeakers, through PortAudio. The only module that imports sounddevice."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from assistant.audio.audio_system import Fill, Take
from assistant.audio.coreaudio import CoreAudio, Landscape
from assistant.audio.device_choice import Device, Kind
from assistant.audio.stream_ends import BLOCK_MS
from assistant.errors import AudioError
from assistant.quiet import quiet_stderr

__all__ = ["Device", "PortAudio", "list_devices"]

_RATES_HZ = (48_000, 44_100, 24_000, 16_000)
_CURE = "Choose another in the system's sound settings or with devices.{kind}; `assistant devices` lists them."


class _Stream:
    """One of sounddevice's streams (audio_system.OpenStream)."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    @property
    def active(self) -> bool:
        return bool(self._stream.active)

    def close(self) -> None:
        with quiet_stderr():
            self._stream.abort(ignore_errors=True)
            self._stream.close(ignore_errors=True)


class PortAudio:
    """The machine's devices (audio_system.AudioSystem).

    Raises:
        AudioError: PortAudio is missing or cannot start; the text says how to install it.
    """

    def __init__(self) -> None:
        self._sound = _sounddevice()
        self._core = CoreAudio.load()
        self._numbers: dict[str, int | None] = {}  # CoreAudio's, of the loudspeakers asked about

    def devices(self) -> list[Device]:
        """Every device there is now; no stream may be open.

        Raises:
            AudioError: PortAudio cannot list them.
        """
        sound = self._sound
        self._numbers.clear()
        with quiet_stderr():
            try:
                sound._terminate()  # the list is made at the start and never again: python-sounddevice's issue 125
                sound._initialize()
                default_input, default_output = sound.default.device
                return [
                    Device(
                        name=str(device["name"]),
                        inputs=int(device["max_input_channels"]),
                        outputs=int(device["max_output_channels"]),
                        rate_hz=round(device["default_samplerate"]),
                        is_default_input=index == default_input,
                        is_default_output=index == default_output,
                        index=index,
                    )
                    for index, device in enumerate(sound.query_devices())
                ]
            except sound.PortAudioError as error:
                raise AudioError(f"PortAudio cannot list the audio devices: {error}.") from None

    def rates_hz(self, device: Device, kind: Kind) -> list[int]:
        """The usual rates that a device takes, the lowest first; none where it does not open."""
        return [rate_hz for rate_hz in sorted(_RATES_HZ) if self._takes(device, kind, rate_hz)]

    def rate_hz(self, device: Device, kind: Kind, wanted_hz: int) -> int:
        """The rate to open a device at: the one wanted if it takes it, else its own, else a usual one.

        Raises:
            AudioError: It takes none of them.
        """
        for rate_hz in dict.fromkeys((wanted_hz, device.rate_hz, *_RATES_HZ)):
            if rate_hz % (1000 // BLOCK_MS) == 0 and self._takes(device, kind, rate_hz):
                return rate_hz
        raise AudioError(f"The {kind} {device.name} cannot be opened. {_CURE.format(kind=kind)}")

    def _takes(self, device: Device, kind: Kind, rate_hz: int) -> bool:
        look = self._sound.check_input_settings if kind == "microphone" else self._sound.check_output_settings
        with quiet_stderr():
            try:
                look(device.index, channels=_channels(device, kind), dtype="float32", samplerate=rate_hz)
            except self._sound.PortAudioError:
                return False
        return True

    def open_microphone(self, device: Device, rate_hz: int, latency_s: float, take: Take) -> _Stream:
        """Open and start; `take` is called on PortAudio's thread.

        Raises:
            AudioError: It cannot be opened.
        """

        def callback(samples: Any, count: int, times: Any, status: Any) -> None:
            age_s = times.currentTime - times.inputBufferAdcTime if times.inputBufferAdcTime else latency_s
            take(samples[:, 0], age_s, status.input_overflow)

        return self._open(self._sound.InputStream, "microphone", device, rate_hz, latency_s, callback)

    def open_loudspeaker(self, device: Device, rate_hz: int, latency_s: float, fill: Fill) -> _Stream:
        """Open and start; `fill` is called on PortAudio's thread.

        Raises:
            AudioError: It cannot be opened.
        """

        def callback(out: Any, count: int, times: Any, status: Any) -> None:
            ahead_s = times.outputBufferDacTime - times.currentTime if times.outputBufferDacTime else latency_s
            out[:] = fill(count, ahead_s, status.output_underflow)[:, None]

        return self._open(self._sound.OutputStream, "loudspeaker", device, rate_hz, latency_s, callback)

    def _open(
        self, make: Any, kind: Kind, device: Device, rate_hz: int, latency_s: float, callback: Callable[..., None]
    ) -> _Stream:
        with quiet_stderr():
            try:
                stream = make(
                    samplerate=rate_hz,
                    blocksize=rate_hz * BLOCK_MS // 1000,
                    device=device.index,
                    channels=_channels(device, kind),
                    dtype="float32",
                    latency=latency_s,
                    callback=callback,
                )
                stream.start()
            except self._sound.PortAudioError as error:
                reason = str(error).removesuffix(".")
                raise AudioError(f"The {kind} {device.name}: {reason}. {_CURE.format(kind=kind)}") from None
        return _Stream(stream)

    def landscape(self) -> Landscape:
        """The system's choices now; always the same where the system itself moves streams to a new default."""
        return self._core.landscape() if self._core is not None else Landscape()

    def loudspeaker_now(self, device: Device) -> tuple[int, bool, bool]:
        """Its present rate in Hz, whether it is reached by Bluetooth, and whether it is a headphone jack."""
        if self._core is None:
            return device.rate_hz, False, False
        if device.name not in self._numbers:
            self._numbers[device.name] = self._core.loudspeaker(device.name)
        number = self._numbers[device.name]
        if number is None:
            return device.rate_hz, False, False
        return self._core.rate_hz(number), self._core.is_bluetooth(number), self._core.is_headphone_jack(number)

    def slept_s(self) -> float:
        """How long the machine has been asleep since it was started; the event loop's clock stood still then."""
        clock = time.CLOCK_MONOTONIC_RAW if sys.platform == "darwin" else time.CLOCK_BOOTTIME
        return time.clock_gettime(clock) - time.monotonic()


def list_devices() -> list[Device]:
    """Every audio device; no stream may be open.

    Raises:
        AudioError: PortAudio is missing or cannot start; the text says how to install it.
    """
    return PortAudio().devices()


def _channels(device: Device, kind: Kind) -> int:
    """A mono stream on a stereo loudspeaker may sound on one side only."""
    return 1 if kind == "microphone" else min(2, device.outputs)


def _sounddevice() -> Any:
    with quiet_stderr():
        try:
            import sounddevice
        except OSError:
            raise AudioError(
                "PortAudio is not installed, so there is no microphone and no loudspeaker; "
                "on Debian: apt-get install libportaudio2."
            ) from None
        return sounddevice
