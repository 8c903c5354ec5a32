"""espeak-ng through ctypes: text to IPA, nothing else of it."""

from __future__ import annotations

import ctypes
import importlib.util
import threading
from functools import cache

from assistant.errors import ModelError

_INSTALL = "install it: uv pip install espeakng-loader (or apt-get install libespeak-ng1, or brew install espeak-ng)."
_SYSTEM = (
    "libespeak-ng.so.1",
    "libespeak-ng.so",
    "libespeak-ng.dylib",
    "/opt/homebrew/lib/libespeak-ng.dylib",
    "/usr/local/lib/libespeak-ng.dylib",
)
# speak_lib.h
_SYNCHRONOUS, _DO_NOT_EXIT, _UTF8 = 2, 0x8000, 1
_IPA_WITH_TIES = 0x02 | 0x80 | ord("^") << 8


class Espeak:
    """The library, which has one voice at a time for the whole process; hence the lock and `load`."""

    def __init__(self, library: ctypes.CDLL, data: str | None) -> None:
        self._library = library
        self._lock = threading.Lock()
        self._voice = ""
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        library.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
        if library.espeak_Initialize(_SYNCHRONOUS, 0, data.encode() if data else None, _DO_NOT_EXIT) < 0:
            raise ModelError(f"espeak-ng does not find its data in {data or 'its own folder'}; {_INSTALL}")

    @classmethod
    @cache
    def load(cls) -> Espeak:
        """The library that came with espeakng_loader, else the system's.

        Raises:
            ModelError: there is none; the text says how to install it.
        """
        if importlib.util.find_spec("espeakng_loader"):
            import espeakng_loader

            return cls(ctypes.CDLL(espeakng_loader.get_library_path()), espeakng_loader.get_data_path())
        for name in _SYSTEM:
            try:
                return cls(ctypes.CDLL(name), None)
            except OSError:
                continue
        raise ModelError(f"Speech needs espeak-ng for its pronunciation; {_INSTALL}")

    def phonemes(self, text: str, voice: str) -> str:
        """IPA of a text without punctuation, words divided by spaces, ties written "^".

        Args:
            text: Any script; what espeak cannot say is left out.
            voice: espeak's file name of it, as "gmw/en-US".

        Raises:
            ModelError: espeak has no such voice.
        """
        with self._lock:
            self._use(voice)
            rest = ctypes.c_char_p(text.encode())
            clauses: list[str] = []
            while rest.value is not None:
                clauses.append(self._library.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _IPA_WITH_TIES).decode())
        return " ".join(" ".join(clauses).split())

    def _use(self, voice: str) -> None:
        if voice == self._voice:
            return
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:  # and the voice before it stays
            raise ModelError(f"espeak-ng has no voice {voice}, so its data is missing or old; {_INSTALL}")
        self._voice = voice
