"""Microphones and loudspeakers, through PortAudio. The only module that imports sounddevice."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

from assistant.errors import AudioError


@dataclass(frozen=True, slots=True)
class Device:
    """One device as the system names it."""

    name: str
    inputs: int
    outputs: int
    rate_hz: int
    """Default rate."""
    is_default_input: bool
    is_default_output: bool


def list_devices() -> list[Device]:
    """Every audio device.

    Raises:
        AudioError: PortAudio is missing or cannot start; the text says how to install it.
    """
    with _silenced_stderr():
        try:
            import sounddevice
        except OSError:
            raise AudioError(
                "PortAudio is not installed, so there is no microphone and no loudspeaker; "
                "on Debian: apt-get install libportaudio2."
            ) from None
        try:
            default_input, default_output = sounddevice.default.device
            return [
                Device(
                    name=str(device["name"]),
                    inputs=int(device["max_input_channels"]),
                    outputs=int(device["max_output_channels"]),
                    rate_hz=round(device["default_samplerate"]),
                    is_default_input=index == default_input,
                    is_default_output=index == default_output,
                )
                for index, device in enumerate(sounddevice.query_devices())
            ]
        except sounddevice.PortAudioError as error:
            raise AudioError(f"PortAudio cannot list the audio devices: {error}.") from None


@contextlib.contextmanager
def _silenced_stderr() -> Iterator[None]:
    """ALSA and JACK write a page to file descriptor 2 whenever PortAudio starts on a machine without a sound card."""
    kept = os.dup(2)
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
