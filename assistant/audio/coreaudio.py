"""What macOS knows of its devices and PortAudio does not tell: which are the default now, Bluetooth, present rates.

PortAudio's list is that of its start. These are reads of properties, cheap enough for once a second.
Selectors are those of Apple's AudioHardware.h and AudioHardwareBase.h.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from typing import Any

_FRAMEWORKS = "/System/Library/Frameworks"
_SYSTEM_OBJECT = 1
_UTF8 = 0x08000100
_LONGEST_NAME = 512


class _Address(ctypes.Structure):
    _fields_ = (("selector", ctypes.c_uint32), ("scope", ctypes.c_uint32), ("element", ctypes.c_uint32))


def four_characters(code: str) -> int:
    """A selector as CoreAudio counts it: "dIn " is 0x64496E20."""
    return int.from_bytes(code.encode("ascii"), "big")


@dataclass(frozen=True, slots=True)
class Landscape:
    """What there is to choose from, by CoreAudio's numbers; compare it with an earlier one."""

    default_microphone: int = 0
    default_loudspeaker: int = 0
    devices: frozenset[int] = frozenset()


class CoreAudio:
    """Properties of devices.

    Args:
        audio: The CoreAudio library.
        foundation: The CoreFoundation library, which owns the strings.
    """

    def __init__(self, audio: Any, foundation: Any) -> None:
        self._audio = audio
        self._foundation = foundation

    @classmethod
    def load(cls) -> CoreAudio | None:
        """This machine's; None where it is not macOS."""
        if sys.platform != "darwin":
            return None
        audio = ctypes.CDLL(f"{_FRAMEWORKS}/CoreAudio.framework/CoreAudio")
        foundation = ctypes.CDLL(f"{_FRAMEWORKS}/CoreFoundation.framework/CoreFoundation")
        foundation.CFStringGetCString.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_long, ctypes.c_uint32]
        foundation.CFStringGetCString.restype = ctypes.c_bool
        foundation.CFRelease.argtypes = [ctypes.c_void_p]
        foundation.CFRelease.restype = None
        return cls(audio, foundation)

    def landscape(self) -> Landscape:
        """The default devices and all devices, now."""
        return Landscape(
            self._number(_SYSTEM_OBJECT, "dIn "), self._number(_SYSTEM_OBJECT, "dOut"), frozenset(self._devices())
        )

    def loudspeaker(self, name: str) -> int | None:
        """Number of the device with outputs that has this name."""
        return next((device for device in self._devices() if self._name(device) == name and self._plays(device)), None)

    def is_bluetooth(self, device: int) -> bool:
        """Whether it is reached by Bluetooth."""
        return self._number(device, "tran") in (four_characters("blue"), four_characters("blea"))

    def is_headphone_jack(self, device: int) -> bool:
        """Whether a built-in output plays into its jack, as older Macs tell it."""
        return self._number(device, "ssrc", "outp") == four_characters("hdpn")

    def rate_hz(self, device: int) -> int:
        """At which it runs now; 0 when it cannot be read."""
        rate_hz = ctypes.c_double()
        self._read(device, "nsrt", "glob", rate_hz)
        return round(rate_hz.value)

    def _devices(self) -> list[int]:
        size = self._size(_SYSTEM_OBJECT, "dev#", "glob")
        numbers = (ctypes.c_uint32 * (size // ctypes.sizeof(ctypes.c_uint32)))()
        self._read(_SYSTEM_OBJECT, "dev#", "glob", numbers)
        return list(numbers)

    def _plays(self, device: int) -> bool:
        return self._size(device, "stm#", "outp") > 0

    def _name(self, device: int) -> str:
        string = ctypes.c_void_p()
        if not self._read(device, "lnam", "glob", string) or not string:
            return ""
        text = ctypes.create_string_buffer(_LONGEST_NAME)
        fits = self._foundation.CFStringGetCString(string, text, _LONGEST_NAME, _UTF8)
        self._foundation.CFRelease(string)
        return text.value.decode("utf-8") if fits else ""

    def _number(self, device: int, selector: str, scope: str = "glob") -> int:
        number = ctypes.c_uint32()
        self._read(device, selector, scope, number)
        return number.value

    def _size(self, device: int, selector: str, scope: str) -> int:
        """Bytes of a property; 0 when it is not there."""
        address, size = _address(selector, scope), ctypes.c_uint32()
        self._audio.AudioObjectGetPropertyDataSize(device, ctypes.byref(address), 0, None, ctypes.byref(size))
        return size.value

    def _read(self, device: int, selector: str, scope: str, into: Any) -> bool:
        """Whether the property was there; if not, `into` is left as it is."""
        address, size = _address(selector, scope), ctypes.c_uint32(ctypes.sizeof(into))
        get = self._audio.AudioObjectGetPropertyData
        return int(get(device, ctypes.byref(address), 0, None, ctypes.byref(size), ctypes.byref(into))) == 0


def _address(selector: str, scope: str) -> _Address:
    return _Address(four_characters(selector), four_characters(scope), 0)
