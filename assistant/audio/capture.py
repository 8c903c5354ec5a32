"""The microphone's side as one machine: echo, voice activity and endpointing, 10 ms at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from assistant.audio.double_talk import DoubleTalk
from assistant.audio.echo import EchoWindow
from assistant.audio.echo_canceller import LATENCY_SAMPLES, LONGEST_DELAY_MS, EchoCanceller
from assistant.audio.endpoint import Endpointer, PushToTalk
from assistant.audio.level import level_db
from assistant.audio.onset import Began, Onset, Voice
from assistant.audio.self_hearing import SelfHearing
from assistant.audio.vad import VoiceDetector
from assistant.config import Config
from assistant.messages import (
    FRAME_SAMPLES,
    MIC_RATE_HZ,
    DeskOpened,
    Frame,
    PauseBegan,
    PauseReached,
    TurnEvent,
    UtteranceEnded,
)

LONGEST_GAP_S = 2
"""Lost frames are made up with silence, up to this much: it ends any utterance."""


class Capture:
    """Turns frames of the microphone into the events of turn taking.

    Args:
        config: The whole configuration; `[vad]`, `[endpoint]`, `[push_to_talk]` and `[echo]` are read.
        loudspeakers: The output device's kind; `echo.device` may overrule it.
        push_to_talk: Only `press` and `release` begin and end a turn.
        latency_ms: What the output device reports.
    """

    def __init__(self, config: Config, loudspeakers: bool, push_to_talk: bool, latency_ms: float) -> None:
        self._config = config
        self._open(DeskOpened(loudspeakers, latency_ms))
        self.muted = False
        """The microphone counts as silent; what is being said ends."""
        self._detector = VoiceDetector(config.vad)
        self._onset = Onset(config.vad, config.endpoint.pause_ms)
        self._endpointer = Endpointer(config.endpoint)
        self._push_to_talk = PushToTalk(config.push_to_talk) if push_to_talk else None
        self._heard = np.zeros(0, np.float32)
        self._next = 0

    def _open(self, desk: DeskOpened) -> None:
        """A room of which nothing is known."""
        echo = self._config.echo
        self._loudspeakers = desk.loudspeakers if echo.device == "auto" else echo.device == "loudspeakers"
        self.window = EchoWindow(echo, desk.latency_ms)
        """For the timeline and the meter; never open with headphones."""
        self._canceller = EchoCanceller() if self._loudspeakers and echo.canceller else None
        self._double_talk = DoubleTalk()
        self._self_hearing = SelfHearing()
        self._in_echo = False

    @property
    def open(self) -> bool:
        """Speech is under way, or may be beginning."""
        if self._push_to_talk is not None:
            return self._push_to_talk.open
        return self._endpointer.open or (self._onset.under_way and self._may_begin)

    @property
    def level_db(self) -> float:
        """The microphone's latest 10 ms, RMS in dBFS, for a level meter."""
        return level_db(self._heard)

    def press(self) -> None:
        """Key down; without push-to-talk nothing happens."""
        if self._push_to_talk is not None:
            self._push_to_talk.press()

    def release(self) -> None:
        """Key up."""
        if self._push_to_talk is not None:
            self._push_to_talk.release()

    def drop(self) -> None:
        """Forget what is being said, as when a turn is given up; a key that is held goes on."""
        self._endpointer.drop()

    def end_after(self, speech_end: int, wait_ms: float) -> None:
        """How long the present pause may last: see `Endpointer.end_after`. A key needs no such advice."""
        self._endpointer.end_after(speech_end, wait_ms)

    def feed(self, frame: Frame) -> list[TurnEvent]:
        """Take the next frame; frames lost before it are made up with silence."""
        events: list[TurnEvent] = []
        nothing = np.zeros(FRAME_SAMPLES, np.float32)
        for start in range(self._next, min(frame.start, self._next + LONGEST_GAP_S * MIC_RATE_HZ), FRAME_SAMPLES):
            events += self._take(Frame(start, nothing, nothing))
        self._next = frame.start + FRAME_SAMPLES
        return events + self._take(frame)

    def _take(self, frame: Frame) -> list[TurnEvent]:
        if frame.opened is not None:
            self._open(frame.opened)
            if self._loudspeakers:  # what the devices before still play has no reference, and cut the reply
                self.window.expect(frame.start)
        if self.muted:
            frame = Frame(frame.start, np.zeros(FRAME_SAMPLES, np.float32), frame.reference)
        start, samples = frame.start, frame.samples
        self._heard = samples
        if self._loudspeakers:
            self.window.feed(frame)
        if self._canceller is not None:
            start, samples = start - LATENCY_SAMPLES, self._canceller.process(frame.samples, frame.reference)
            self._double_talk.take(frame, samples)
            self._self_hearing.take(frame)
        voice = self._detector.process(start, samples)
        if self._push_to_talk is not None:
            return self._push_to_talk.feed(start, samples, voice)
        events = [self._judged(event) for event in self._endpointer.feed(start, samples, voice)]
        return events + self._listen(voice) if voice is not None else events

    def _judged(self, event: TurnEvent) -> TurnEvent:
        """Say of an utterance that began under the echo whether it was nothing else."""
        match event:
            case PauseBegan(said) | PauseReached(said) | UtteranceEnded(said):
                if said.in_echo_window and self._canceller is not None:
                    is_echo = self._self_hearing.is_echo(said, self._double_talk.bands.noise_db)
                    return replace(event, utterance=replace(said, is_echo=is_echo))
        return event

    def _listen(self, voice: Voice) -> list[TurnEvent]:
        """Has speech begun with this chunk?"""
        self._onset.feed(voice)
        if self._endpointer.open:
            return []
        began = self._began(voice)
        if began is None:
            return []
        window = self.window
        if not window.holds(began.speech_start):
            return self._endpointer.begin(began)
        # under the last of the echo a voice is found late: take all that can be the user's
        by = window.last_audible if began.speech_start >= window.last_audible else None
        not_before = 0 if self._cancelling else window.last_audible
        return self._endpointer.begin(began, not_before, by, window.echo_after_ms)

    def _began(self, voice: Voice) -> Began | None:
        # what sounded like speech before the window shut is no more the user's when it has
        self._in_echo = self.window.open or (self._in_echo and self._cancelling and self._onset.under_way)
        if self.window.blind:
            return None
        if self._in_echo:
            return self._double_talk.judge(voice, self.window) if self._cancelling else None
        if self._canceller is not None:
            self._double_talk.rest(voice)
        return self._onset.began(since=self.window.closed)

    @property
    def _cancelling(self) -> bool:
        """There is a canceller, and it can follow an echo this late."""
        return self._canceller is not None and (self.window.delay_ms or 0) <= LONGEST_DELAY_MS

    @property
    def _may_begin(self) -> bool:
        return self._cancelling or not self.window.open
