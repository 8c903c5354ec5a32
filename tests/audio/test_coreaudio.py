"""Reading macOS's properties, against a library that answers as Apple's headers say."""

from __future__ import annotations

import ctypes
import struct
from typing import Any

from assistant.audio.coreaudio import CoreAudio, Landscape, four_characters

_NOT_THERE = four_characters("who?")


class FakeLibrary:
    """CoreAudio and CoreFoundation: properties by object, selector and scope."""

    def __init__(self) -> None:
        self.strings = {0x1000: b"MacBook Pro Microphone", 0x2000: b"Ada's AirPods Pro"}
        self.released: list[int] = []
        self.properties: dict[tuple[int, str, str], bytes] = {
            (1, "dIn ", "glob"): struct.pack("=I", 40),
            (1, "dOut", "glob"): struct.pack("=I", 51),
            (1, "dev#", "glob"): struct.pack("=III", 40, 50, 51),
            (40, "lnam", "glob"): struct.pack("=Q", 0x1000),
            (50, "lnam", "glob"): struct.pack("=Q", 0x2000),
            (51, "lnam", "glob"): struct.pack("=Q", 0x2000),
            (51, "stm#", "outp"): struct.pack("=I", 7),
            (51, "tran", "glob"): b"eulb",
            (51, "nsrt", "glob"): struct.pack("=d", 24_000.0),
            (52, "ssrc", "outp"): b"npdh",
        }

    def AudioObjectGetPropertyDataSize(self, device: int, address: Any, _: int, __: None, size: Any) -> int:
        value = self._property(device, address)
        if value is None:
            return _NOT_THERE
        size._obj.value = len(value)
        return 0

    def AudioObjectGetPropertyData(self, device: int, address: Any, _: int, __: None, size: Any, into: Any) -> int:
        value = self._property(device, address)
        if value is None:
            return _NOT_THERE
        assert size._obj.value == len(value)
        ctypes.memmove(into, value, len(value))
        return 0

    def CFStringGetCString(self, string: Any, text: Any, size: int, encoding: int) -> bool:
        assert encoding == 0x08000100
        text.value = self.strings[string.value]
        return True

    def CFRelease(self, string: Any) -> None:
        self.released.append(string.value)

    def _property(self, device: int, address: Any) -> bytes | None:
        selector, scope = (number.to_bytes(4, "big").decode() for number in (address._obj.selector, address._obj.scope))
        assert address._obj.element == 0
        return self.properties.get((device, selector, scope))


def core() -> tuple[FakeLibrary, CoreAudio]:
    """A MacBook with AirPods as its loudspeaker."""
    library = FakeLibrary()
    return library, CoreAudio(library, library)


def test_the_landscape() -> None:
    """Default devices and all devices; what changes is seen as a difference."""
    library, audio = core()
    before = audio.landscape()
    assert before == Landscape(40, 51, frozenset({40, 50, 51}))
    library.properties[(1, "dOut", "glob")] = struct.pack("=I", 52)
    assert audio.landscape() != before


def test_a_loudspeaker_is_found_by_name() -> None:
    """The microphone of the same name has no output stream; every string is given back."""
    library, audio = core()
    assert audio.loudspeaker("Ada's AirPods Pro") == 51
    assert audio.loudspeaker("MacBook Pro Microphone") is None
    assert library.released == [0x1000, 0x2000, 0x2000, 0x1000, 0x2000, 0x2000]


def test_bluetooth_rate_and_jack() -> None:
    """A device without the property is none of these."""
    _, audio = core()
    assert audio.is_bluetooth(51)
    assert not audio.is_bluetooth(40)
    assert audio.rate_hz(51) == 24_000
    assert audio.rate_hz(40) == 0
    assert audio.is_headphone_jack(52)
    assert not audio.is_headphone_jack(51)


def test_elsewhere_there_is_none() -> None:
    """Only macOS has the library."""
    import sys

    assert (CoreAudio.load() is None) == (sys.platform != "darwin")
