"""The playback timeline: what is to be played, what was played and when, word by word.

The device's callback pulls; the talk pushes, pauses, resumes and cuts. Both may be on different
threads, so every method holds one lock for a few microseconds. Times are seconds of the talk's
clock at which samples leave the loudspeaker.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from assistant import config
from assistant.messages import Samples, SpeechAudio, WordTime
from assistant.metrics import Span

_REMEMBERED_PIECES = 64
"""Pieces kept for what was said lately (the echo's text check looks back a few seconds only)."""


@dataclass(slots=True, eq=False)
class _Piece:
    audio: SpeechAudio
    delay: int = 0
    """Samples of silence before it that no pause of speech is."""
    played: int = 0
    runs: list[tuple[int, int, float]] = field(default_factory=list)
    """(first sample, count, moment the first left the loudspeaker), joined where they touch."""


class Playback:
    """One reply at a time, made of pieces of speech in order.

    Args:
        rate_hz: Sample rate of everything pushed and pulled.
    """

    def __init__(self, rate_hz: int, settings: config.Playback) -> None:
        self.rate_hz = rate_hz
        self.on_progress: Callable[[], None] = lambda: None
        """Called from the device's thread after samples of a reply were taken."""
        self.gain = 1.0
        """Of everything played from now on; what goes beyond full scale is clipped."""
        self._lock = threading.Lock()
        self._fade = round(rate_hz * settings.fade_ms / 1000)
        self._queue: deque[_Piece] = deque()  # bounded by the turn, which waits for `ahead_s`
        self._recent: deque[_Piece] = deque(maxlen=_REMEMBERED_PIECES)
        self._reply: list[_Piece] = []
        self._paused = False
        self._silent = 0
        """Samples asked for since the last one of the reply."""
        self._fading_out: Samples = np.zeros(0, np.float32)
        self._fade_in = False
        self._chime: Samples = np.zeros(0, np.float32)

    # the talk's side

    def begin(self) -> None:
        """Start a new reply; the one before has been played or cut."""
        with self._lock:
            self._reply = []
            self._paused = False

    def push(self, audio: SpeechAudio, gap_ms: float = 0, delay_ms: float = 0) -> None:
        """Append a piece of the reply after a gap of silence, which runs from the last sound on, and a delay."""
        gap, delay = round(self.rate_hz * gap_ms / 1000), round(self.rate_hz * delay_ms / 1000)
        with self._lock:
            if not self._queue:
                gap = max(gap - self._silent, 0)
            piece = _Piece(_after_gap(audio, gap + delay), delay)
            self._queue.append(piece)
            self._reply.append(piece)

    def chime(self, samples: Samples) -> None:
        """Play (n,) samples at once, over whatever else is played; they are no part of a reply."""
        with self._lock:
            self._chime = samples

    @property
    def chime_s(self) -> float:
        """How much of a chime is still to be played."""
        with self._lock:
            return len(self._chime) / self.rate_hz

    def pause(self) -> None:
        """Fall silent at once, keeping the place."""
        with self._lock:
            if not self._paused:
                self._paused = True
                self._fading_out = self._tail()

    def resume(self) -> None:
        """Go on at the sample where the sound stopped."""
        with self._lock:
            self._fade_in = self._paused and any(piece.played for piece in self._reply)
            self._paused = False

    def cut(self) -> int:
        """Drop what is left of the reply; index in the written reply after the last word heard."""
        with self._lock:
            if not self._paused:
                self._fading_out = self._tail()
            self._queue.clear()
            self._paused = False
            return self._heard_end()

    @property
    def started(self) -> bool:
        """Whether any sample of the current reply was taken by the device."""
        with self._lock:
            return any(piece.played > piece.delay for piece in self._reply)

    @property
    def queued_s(self) -> float:
        """Sound ready to be played."""
        with self._lock:
            return sum(len(piece.audio.samples) - piece.played for piece in self._queue) / self.rate_hz

    def words_between(self, start_s: float, end_s: float) -> str:
        """The spoken words that left the loudspeaker, in part at least, between two moments."""
        said: list[str] = []
        with self._lock:
            for piece in self._recent:
                for word, time in zip(piece.audio.fragment.words, piece.audio.words, strict=True):
                    if any(a < end_s and b > start_s for a, b in self._when(piece, time.start, time.end)):
                        said.append(word.text)
        return " ".join(said)

    def spans(self) -> list[Span]:
        """When samples of the current reply left the loudspeaker, in order, touching runs joined."""
        joined: list[Span] = []
        with self._lock:
            for piece in self._reply:
                for span in self._when(piece, piece.delay, len(piece.audio.samples)):
                    if joined and span[0] - joined[-1][1] < 1e-6:
                        joined[-1] = (joined[-1][0], span[1])
                    else:
                        joined.append(span)
        return joined

    # the device's side

    def pull(self, count: int, at_s: float) -> Samples:
        """The next `count` samples, the first of which leaves the loudspeaker at `at_s`."""
        out = np.zeros(count, np.float32)
        with self._lock:
            filled = len(self._fading_out[:count])
            out[:filled] = self._fading_out[:count]
            self._fading_out = self._fading_out[count:]
            start = filled
            while not self._paused and self._queue and filled < count:
                filled += self._take(self._queue[0], out[filled:], at_s + filled / self.rate_hz)
            progressed = filled > start
            self._silent = count - filled if progressed else self._silent + count
            chime, self._chime = self._chime[:count], self._chime[count:]
        if len(chime):
            out[: len(chime)] += chime
        if self.gain != 1 or len(chime):
            np.clip(out * np.float32(self.gain), -1, 1, out=out)
        if progressed:
            self.on_progress()
        return out

    def _take(self, piece: _Piece, into: Samples, at_s: float) -> int:
        samples = piece.audio.samples[piece.played : piece.played + len(into)]
        count = len(samples)
        into[:count] = samples
        if self._fade_in and count:
            ramp = min(self._fade, count)
            into[:ramp] *= np.linspace(0, 1, ramp, dtype=np.float32)
            self._fade_in = False
        if piece.played == 0:
            self._recent.append(piece)
        if count:
            _note_run(piece, count, at_s, self.rate_hz)
        piece.played += count
        if piece.played >= len(piece.audio.samples):
            self._queue.popleft()
        return count

    def _tail(self) -> Samples:
        """A few milliseconds of what would have come next, faded out, so that stopping does not click."""
        if not self._queue:
            return np.zeros(0, np.float32)
        piece = self._queue[0]
        if not piece.played:
            return np.zeros(0, np.float32)
        tail = piece.audio.samples[piece.played : piece.played + self._fade].copy()
        tail *= np.linspace(1, 0, len(tail), dtype=np.float32)
        return tail

    def _heard_end(self) -> int:
        """Index in the written reply after the last word of which half the samples were played."""
        heard = 0
        for piece in self._reply:
            for time in piece.audio.words:
                if piece.played - time.start >= (time.end - time.start) / 2 and piece.played > 0:
                    heard = max(heard, time.written_end)
        return heard

    def _when(self, piece: _Piece, start: int, end: int) -> list[Span]:
        spans = []
        for first, count, at_s in piece.runs:
            low, high = max(start, first), min(end, first + count)
            if low < high:
                spans.append((at_s + (low - first) / self.rate_hz, at_s + (high - first) / self.rate_hz))
        return spans


def _after_gap(audio: SpeechAudio, gap: int) -> SpeechAudio:
    words = tuple(WordTime(word.start + gap, word.end + gap, word.written_end) for word in audio.words)
    return SpeechAudio(np.concatenate([np.zeros(gap, np.float32), audio.samples]), words, audio.fragment)


def _note_run(piece: _Piece, count: int, at_s: float, rate_hz: int) -> None:
    if piece.runs:
        first, length, since_s = piece.runs[-1]
        if abs(since_s + length / rate_hz - at_s) < 1e-6:
            piece.runs[-1] = (first, length + count, since_s)
            return
    piece.runs.append((piece.played, count, at_s))
