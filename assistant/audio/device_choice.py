"""Which device is meant, and what kind it is: names and numbers only, nothing is opened here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from assistant.config import nearest
from assistant.errors import AudioError

Kind: TypeAlias = Literal["microphone", "loudspeaker"]

_HEADPHONES = re.compile(
    r"head-?(phone|set)|ear-?(phone|bud|pod|piece)|air-?pods|galaxy buds|pixel buds|hands-?free|in-?ear"
    r"|\bbuds\b|\bw[hf]-\w*x[m\d]|quietcomfort|\bqc ?\d|powerbeats|beats (studio|solo|fit|flex)|momentum [234t]"
    r"|(jabra|poly|plantronics).*(evolve|elite|engage|biz|voyager|blackwire|savi)|kopfhörer|auriculares|casque|cuffie",
    re.IGNORECASE,
)
_TELEPHONE_RATE_HZ = 24_000
"""Bluetooth's hands-free profile speaks at 8, 16 or 24 kHz, mono, in both directions."""


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
    index: int = 0
    """Its number at the system, until devices come or go."""

    def channels(self, kind: Kind) -> int:
        """How many it has as a microphone or a loudspeaker."""
        return self.inputs if kind == "microphone" else self.outputs

    def is_default(self, kind: Kind) -> bool:
        """Whether the system's settings choose it."""
        return self.is_default_input if kind == "microphone" else self.is_default_output


def choose(devices: Sequence[Device], kind: Kind, wanted: str) -> Device | None:
    """The device to use: the one wanted if it is there, else the system's default, if there is one.

    Args:
        devices: What is there now.
        kind: For what.
        wanted: Name, part of a name, or number; empty for the system's default.
    """
    usable = [device for device in devices if device.channels(kind)]
    default = next((device for device in usable if device.is_default(kind)), None)
    return _named(usable, wanted) or default


def check(devices: Sequence[Device], kind: Kind, wanted: str) -> None:
    """Refuse a name that no device has.

    Raises:
        AudioError: Naming the nearest device and how to list them.
    """
    usable = [device for device in devices if device.channels(kind)]
    if wanted and _named(usable, wanted) is None:
        names = [device.name for device in usable]
        hint = nearest(wanted, names) if names else "; none is connected."
        raise AudioError(f"There is no {kind} {wanted!r}{hint} `assistant devices` lists what there is.")


def is_named(device: Device, wanted: str) -> bool:
    """Whether a name, part of a name or number means this device; nothing means none."""
    return bool(wanted) and (wanted.casefold() in device.name.casefold() or wanted == str(device.index))


def _named(devices: Sequence[Device], wanted: str) -> Device | None:
    exact = [device for device in devices if wanted.casefold() in (device.name.casefold(), str(device.index))]
    partly = [device for device in devices if is_named(device, wanted)]
    return next(iter(exact + partly), None)


def are_headphones(name: str) -> bool:
    """Whether a loudspeaker's name tells that no microphone can hear it; unknown names are loudspeakers."""
    return _HEADPHONES.search(name) is not None


def in_telephone_profile(microphone: str, loudspeaker: str, loudspeaker_rate_hz: int, bluetooth: bool) -> bool:
    """Whether a headset gave up its sound to lend its microphone.

    Args:
        microphone: Its name; the two ends of a headset share it.
        loudspeaker: Its name.
        loudspeaker_rate_hz: At which it runs now, while the microphone is open.
        bluetooth: Whether the loudspeaker is known to be reached by Bluetooth.
    """
    same = microphone.casefold() == loudspeaker.casefold()
    return same and (bluetooth or are_headphones(loudspeaker)) and loudspeaker_rate_hz <= _TELEPHONE_RATE_HZ
