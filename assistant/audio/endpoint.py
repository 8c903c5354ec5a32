"""Where an utterance begins, pauses and ends: pure state machines that count samples."""

from __future__ import annotations

from collections import deque

import numpy as np

from assistant import config
from assistant.audio.onset import Began, Voice
from assistant.audio.prosody import finality
from assistant.audio.voice_end import VoiceEnd
from assistant.messages import (
    FRAME_SAMPLES,
    MIC_RATE_HZ,
    PauseBegan,
    PauseReached,
    Samples,
    SpeechResumed,
    SpeechStarted,
    TurnEvent,
    Utterance,
    UtteranceEnded,
)

LOOK_BACK_MS = 2500
"""How far before its discovery speech may have begun, beside the pre-roll: see `onset.LOOK_BACK_CHUNKS`."""


def _in_samples(ms: float) -> int:
    return round(ms * MIC_RATE_HZ / 1000)


class LookBack:
    """The latest frames; as many as a beginning may reach back."""

    def __init__(self, ms: float) -> None:
        self._frames: deque[tuple[int, Samples]] = deque(maxlen=_in_samples(ms) // FRAME_SAMPLES + 1)

    def add(self, start: int, samples: Samples) -> None:
        """Take the frame that begins at sample index `start`."""
        self._frames.append((start, samples))

    def since(self, index: int) -> tuple[int, list[Samples]]:
        """The frames from the one that holds sample `index`, perhaps none yet, and where they begin."""
        frames = [(start, samples) for start, samples in self._frames if start + len(samples) > index]
        return frames[0][0] if frames else index, [samples for _, samples in frames]


class _Recording:
    """An utterance under way. Frames are joined only when somebody asks, ten minutes of them if need be."""

    def __init__(self, start: int, frames: list[Samples], speech_start: int, in_echo_window: bool = False) -> None:
        self.start = start
        self.speech_start = speech_start
        self.speech_end = speech_start
        self.heard = speech_start  # index after the last chunk that Silero took for speech
        self.voiced_samples = 0
        self.in_echo_window = in_echo_window
        self._judged = -1, 0.0  # the last voiced sample, and how final it sounds up to there
        self._parts = frames

    def add(self, samples: Samples) -> None:
        self._parts.append(samples)

    def hear(self, voice: Voice, speech_end: int) -> None:
        self.speech_end, self.heard = max(speech_end, self.speech_end), voice.end
        self.voiced_samples += voice.end - voice.start

    def utterance(self) -> Utterance:
        self._parts = [np.concatenate(self._parts)]
        voiced_ms = self.voiced_samples * 1000 / MIC_RATE_HZ
        if self.speech_end != self._judged[0]:
            said = self._parts[0][self.speech_start - self.start : self.speech_end - self.start]
            self._judged = self.speech_end, finality(said, voiced_ms)
        return Utterance(
            start=self.start,
            samples=self._parts[0],
            speech_start=self.speech_start,
            speech_end=self.speech_end,
            voiced_ms=voiced_ms,
            finality=self._judged[1],
            in_echo_window=self.in_echo_window,
        )


class Endpointer:
    """Hands-free turns. Every `UtteranceEnded` follows a `PauseReached` of the same speech, and that a `PauseBegan`.

    Where a pause begins and is reached with the same frame it is only reached.
    """

    def __init__(self, settings: config.Endpoint) -> None:
        self._work = _in_samples(settings.work_ms)
        self._pause = _in_samples(settings.pause_ms)
        self._end = _in_samples(settings.end_ms)
        self._pre_roll = _in_samples(settings.pre_roll_ms)
        self._longest = _in_samples(settings.max_utterance_s * 1000)
        self._look_back = LookBack(LOOK_BACK_MS + settings.pre_roll_ms)
        self._voice_end = VoiceEnd()
        self._recording: _Recording | None = None
        self._begun = self._paused = False
        self._voiced = False  # Silero still hears a voice
        self._wait = self._end
        self._taken = 0  # sample index up to which speech belongs to an earlier utterance

    @property
    def open(self) -> bool:
        """Speech has begun and not ended."""
        return self._recording is not None

    def begin(
        self, began: Began, not_before: int = 0, by: int | None = None, echo_after_ms: float | None = None
    ) -> list[TurnEvent]:
        """Speech has begun, within the frames fed so far.

        Args:
            began: As discovered.
            not_before: Sample index before which nothing can be the user's.
            by: Sample index from which on all is kept, if that is before the pre-roll.
            echo_after_ms: It began inside the echo window, and so late may an echo be.
        """
        earliest = max(not_before, self._taken)
        speech_start = max(began.speech_start, earliest)
        first = began.speech_start - self._pre_roll
        start, frames = self._look_back.since(max(first if by is None else min(first, by), earliest))
        in_echo_window = echo_after_ms is not None
        self._recording = _Recording(start, frames, speech_start, in_echo_window)
        self._recording.voiced_samples = began.voiced_samples
        self._recording.speech_end = self._recording.heard = max(began.speech_end, speech_start)
        self._voice_end.begin()
        self._voiced = False
        self._begun, self._paused, self._wait = False, False, self._end
        return [SpeechStarted(speech_start, in_echo_window, echo_after_ms=echo_after_ms or 0.0)]

    def end_after(self, speech_end: int, wait_ms: float) -> None:
        """How long the present pause may last; the next one has the ordinary length again.

        Args:
            speech_end: Of the utterance as it was when this was decided; if speech has gone on since, nothing changes.
            wait_ms: From the last voiced sample.
        """
        if self._recording is not None and self._begun and self._recording.speech_end == speech_end:
            self._wait = _in_samples(wait_ms)

    def drop(self) -> None:
        """What is being said is nobody's business; what follows begins anew."""
        if self._recording is not None:
            self._taken = self._recording.heard
            self._recording = None

    def feed(self, start: int, samples: Samples, voice: Voice | None) -> list[TurnEvent]:
        """Take the next frame, and the chunk that it completed.

        Args:
            start: Index of the first sample.
            samples: (160,) float32 at 16 kHz.
            voice: What the detectors made of the chunk.
        """
        self._look_back.add(start, samples)
        self._voice_end.add(start, samples)
        recording = self._recording
        if recording is None:
            return []
        recording.add(samples)
        events: list[TurnEvent] = []
        if voice is not None:
            self._voiced = voice.speech
        if voice is not None and voice.speech:
            pause_ms = (voice.start - recording.speech_end) * 1000 / MIC_RATE_HZ
            recording.hear(voice, self._voice_end.after(voice))
            if self._begun:
                self._begun, self._paused, self._wait = False, False, self._end
                events.append(SpeechResumed(pause_ms))
        return events + self._silence(recording, start + len(samples))

    def _silence(self, recording: _Recording, now: int) -> list[TurnEvent]:
        silence = now - recording.speech_end
        too_long = now - recording.start >= self._longest
        events: list[TurnEvent] = []
        if self._voiced and not too_long:
            return events
        if not self._paused and (silence >= min(self._pause, self._wait) or too_long):
            self._begun = self._paused = True
            events.append(PauseReached(recording.utterance()))
        elif not self._begun and silence >= self._work:
            self._begun = True
            events.append(PauseBegan(recording.utterance()))
        if silence >= self._wait or too_long:
            self._taken = now if too_long else recording.heard
            self._recording = None
            events.append(UtteranceEnded(recording.utterance()))
        return events


class PushToTalk:
    """Turns by key: only a key begins one, and only its release, or the longest hold, ends it."""

    def __init__(self, settings: config.PushToTalk) -> None:
        self._post_roll = _in_samples(settings.post_roll_ms)
        self._pre_roll = _in_samples(settings.pre_roll_ms)
        self._longest = _in_samples(settings.max_hold_s * 1000)
        self._look_back = LookBack(settings.pre_roll_ms)
        self._recording: _Recording | None = None
        self._released = 0  # sample index
        self._pressed = False  # since the last frame
        self._down = False

    @property
    def open(self) -> bool:
        """A turn is being spoken, or begins with the next frame."""
        return self._pressed or self._recording is not None

    def press(self) -> None:
        """Key down: speech begins with the next frame. A repeat, or a bounce within the post-roll, changes nothing."""
        self._pressed = self._pressed or not self._down
        self._down = True

    def release(self) -> None:
        """Key up."""
        self._down = False

    def feed(self, start: int, samples: Samples, voice: Voice | None) -> list[TurnEvent]:
        """Take the next frame; `voice` only tells how much of the hold was speech."""
        self._look_back.add(start, samples)
        events: list[TurnEvent] = []
        if self._recording is not None:
            self._recording.add(samples)
        elif self._pressed:
            self._recording = _Recording(*self._look_back.since(start - self._pre_roll), speech_start=start)
            self._released = start
            events.append(SpeechStarted(start, by_key=True))
        self._pressed = False
        if self._recording is None:
            return events
        return events + self._hold(self._recording, start, start + len(samples), voice)

    def _hold(self, recording: _Recording, start: int, now: int, voice: Voice | None) -> list[TurnEvent]:
        if self._down:
            self._released = now
        if voice is not None and voice.speech:
            if not recording.voiced_samples:
                recording.speech_start = max(voice.start, recording.start)
            recording.hear(voice, voice.end)
        if now < self._released + self._post_roll and now - recording.start < self._longest:
            return []
        self._recording = None
        if not recording.voiced_samples:
            recording.speech_end = now
        utterance = recording.utterance()
        return [PauseReached(utterance), UtteranceEnded(utterance, key_up=self._released)]
