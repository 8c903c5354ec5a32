"""A scene at the desk: a reply, a user and a room, put to `Capture` 10 ms at a time, without models or a clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from assistant.audio.capture import Capture
from assistant.audio.vad import VOICED_RANGE_DB, voiced_span
from assistant.config import Config
from assistant.messages import FRAME_SAMPLES, MIC_RATE_HZ, Frame, Samples, SpeechStarted, TurnEvent, UtteranceEnded
from assistant.simulation.room import Room, RoomConfig

Manners: TypeAlias = Literal["goes on", "stops", "pauses"]
"""What the reply does when speech begins; paused, it goes on where it was when the utterance has ended."""


@dataclass(frozen=True, slots=True)
class Stall:
    """The echo comes at another time from some moment on, as when a sound server stalls."""

    at_s: float
    later_ms: float
    """Negative: sooner, by no more than the echo's delay."""


def silence(seconds: float) -> Samples:
    """(n,) zeros at 16 kHz."""
    return np.zeros(round(seconds * MIC_RATE_HZ), np.float32)


def gained(samples: Samples, gain_db: float) -> Samples:
    """The same, louder by so much."""
    return samples * np.float32(10 ** (gain_db / 20))


def loudness_db(samples: Samples) -> float:
    """RMS of the 10 ms frames within 25 dB of the loudest, dBFS."""
    power = _frame_power(samples)
    return float(10 * np.log10(power[power > power.max() * 10 ** (-VOICED_RANGE_DB / 10)].mean()))


def at_loudness(samples: Samples, loudness: float) -> Samples:
    """The same, at so many dBFS."""
    return gained(samples, loudness - loudness_db(samples))


def talk(prompts: Sequence[Samples], seconds: float, rng: np.random.Generator) -> Samples:
    """One voice talking, (n,) at 16 kHz: its prompts in random order, with 100 to 400 ms between them."""
    pieces, samples = [silence(0)], 0
    while samples < seconds * MIC_RATE_HZ:
        for index in rng.permutation(len(prompts)):
            pieces += [prompts[index], silence(rng.uniform(0.1, 0.4))]
            samples += len(prompts[index])
    return np.concatenate(pieces)[: round(seconds * MIC_RATE_HZ)]


def spoken(samples: Samples) -> Samples:
    """The voiced part of a recording and little else: a knock before it would interrupt as well."""
    span = voiced_span(samples)
    assert span is not None, "a recording of somebody who speaks"
    return samples[max(span[0] - MIC_RATE_HZ // 20, 0) : span[1] + MIC_RATE_HZ // 10]


def said(samples: Samples, at_s: float) -> tuple[Samples, int, int]:
    """A recording with its first voiced sample at `at_s`, and the indices of its voiced span."""
    span = voiced_span(samples)
    assert span is not None, "a recording of somebody who speaks"
    at = round(at_s * MIC_RATE_HZ) - span[0]
    track = np.concatenate([np.zeros(max(at, 0), np.float32), samples[max(-at, 0) :]])
    return track, at + span[0], at + span[1]


@dataclass
class Scene:
    """What came of it. Sample indices are the microphone's."""

    events: list[tuple[int, TurnEvent]] = field(default_factory=list)
    """With the sample index after the frame that brought each."""
    silenced: list[int] = field(default_factory=list)
    """After the last sample of the reply that left the loudspeaker, each time it was silenced."""
    window_spans: list[tuple[int, int]] = field(default_factory=list)

    @property
    def started(self) -> list[tuple[int, SpeechStarted]]:
        """Beginnings."""
        return [(at, event) for at, event in self.events if isinstance(event, SpeechStarted)]

    @property
    def ended(self) -> list[UtteranceEnded]:
        """Utterances."""
        return [event for _, event in self.events if isinstance(event, UtteranceEnded)]

    def turns(self, config: Config) -> list[UtteranceEnded]:
        """Utterances that are answered: with enough voice, and no echo by their sound."""
        said = [ended for ended in self.ended if not ended.utterance.is_echo]
        return [ended for ended in said if ended.utterance.voiced_ms >= config.endpoint.min_voiced_ms]


class _Reply:
    """The playback of a scene: at most one sound, which fades out within 5 ms of being silenced."""

    def __init__(self, samples: Samples, fade_ms: float) -> None:
        self._samples = samples
        self._fade = round(fade_ms * MIC_RATE_HZ / 1000)
        self._at = 0
        self.silent = False
        self._fading = False

    @property
    def over(self) -> bool:
        return self._at >= len(self._samples)

    def silence(self) -> None:
        self.silent = self._fading = True

    def pull(self) -> Samples:
        played = np.zeros(FRAME_SAMPLES, np.float32)
        if not self.silent:
            piece = self._samples[self._at : self._at + FRAME_SAMPLES]
            played[: len(piece)] = piece
            self._at += FRAME_SAMPLES
        elif self._fading:
            piece = self._samples[self._at : self._at + self._fade]
            played[: len(piece)] = piece * np.linspace(1, 0, self._fade, dtype=np.float32)[: len(piece)]
            self._fading = False
        return played


def play(
    reply: Samples,
    user: Samples,
    room: RoomConfig,
    config: Config,
    manners: Manners = "goes on",
    stall: Stall | None = None,
) -> Scene:
    """Run a reply and a user, (n,) each at 16 kHz, through a room into a fresh `Capture`, until both are over."""
    sounds, speaker = [Room(room)], _Reply(reply, config.playback.fade_ms)
    if stall is not None:
        sounds.append(Room(room.model_copy(update={"echo_delay_ms": room.echo_delay_ms + stall.later_ms})))
    capture = Capture(config, room.loudspeakers, False, room.reported_latency_ms)
    scene = Scene()
    start = 0
    while start < len(user) or not (speaker.over or (speaker.silent and manners == "stops")):
        played = speaker.pull()
        said_now = np.zeros(FRAME_SAMPLES, np.float32)
        piece = user[start : start + FRAME_SAMPLES]
        said_now[: len(piece)] = piece
        heard = [sound.step(played, said_now) for sound in sounds]
        late = stall is not None and start >= stall.at_s * MIC_RATE_HZ
        events = capture.feed(Frame(start, heard[late], played))
        start += FRAME_SAMPLES
        for event in events:
            scene.events.append((start, event))
            if isinstance(event, SpeechStarted) and manners != "goes on" and not speaker.silent:
                speaker.silence()
                latency_ms = room.reported_latency_ms + config.playback.fade_ms
                scene.silenced.append(start + round(latency_ms * MIC_RATE_HZ / 1000))
            elif isinstance(event, UtteranceEnded) and manners == "pauses":
                speaker.silent = False
    scene.window_spans = list(capture.window.spans)
    return scene


def frames(reply: Samples, user: Samples, room: RoomConfig) -> Iterator[Frame]:
    """The frames of a scene in which nobody listens."""
    sound = Room(room)
    for start in range(0, min(len(reply), len(user)) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        played = reply[start : start + FRAME_SAMPLES]
        yield Frame(start, sound.step(played, user[start : start + FRAME_SAMPLES]), played)


def _frame_power(samples: Samples) -> npt.NDArray[np.float32]:
    whole = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES]
    power: npt.NDArray[np.float32] = np.square(whole.reshape(-1, FRAME_SAMPLES)).mean(axis=1)
    return power
