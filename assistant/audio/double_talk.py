"""Does the user speak while the loudspeaker is heard? Double-talk detection from three kinds of evidence.

Silero judges what the canceller leaves; its pitch is held against that of what was played (voicing.py); and
band by band the microphone is compared with the loudest that the echo of what is played may be. Silero is late
when two talk at once, by half a second and more, and taken in by whole syllables of echo until the canceller
knows the room, as the pitch is; the bands are taken in by every click. What they say together is summed over
time (the cumulative sum test, Page 1954): strong evidence needs 64 ms, weak evidence longer.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from assistant.audio.echo import EchoWindow
from assistant.audio.echo_canceller import LATENCY_SAMPLES, LONGEST_DELAY_MS
from assistant.audio.level import crest_db
from assistant.audio.onset import CHUNK_SAMPLES, Began, Voice
from assistant.audio.voicing import VOICING_SAMPLES, Voicing, VoicingJudge, resemblance, share
from assistant.messages import FRAME_MS, FRAME_SAMPLES, MIC_RATE_HZ, Frame, Samples

Levels: TypeAlias = npt.NDArray[np.float64]
"""(13,) one level for each band, dB."""

WINDOW_SAMPLES = 256
"""Half a chunk. Heard is, band by band, the softer half of a chunk: a click is over in 10 ms, a voice is not."""
_EDGES_HZ = (100, 300, 500, 700, 900, 1150, 1400, 1750, 2100, 2600, 3200, 4000, 5000, 6500)
_EDGES = np.round(np.array(_EDGES_HZ) * WINDOW_SAMPLES / MIC_RATE_HZ).astype(int)
_BANDS = len(_EDGES_HZ) - 1
_WINDOW = np.hanning(WINDOW_SAMPLES).astype(np.float32)
_WITHIN = np.arange(WINDOW_SAMPLES)
_HALVES = np.array([WINDOW_SAMPLES, 0])
_AROUND = np.array([416, 272, 128, -16, -160])  # the chunk, and 10 ms before and after: so well is the delay known
_POWER_SCALE = 1 / (WINDOW_SAMPLES * float(np.square(_WINDOW).sum()))


def band_levels(windows: Samples) -> npt.NDArray[np.float64]:
    """(k, 256) samples at 16 kHz to (k, 13) levels between 100 and 6500 Hz, dB; -90 and more."""
    power = np.square(np.abs(np.fft.rfft(windows * _WINDOW))) * _POWER_SCALE
    levels: npt.NDArray[np.float64] = 10 * np.log10(np.add.reduceat(power, _EDGES, axis=1)[:, :_BANDS] + 1e-9)
    return levels


DECAY_DB = 2.5
"""By which the echo may die away in a chunk, as with RT60 0.77 s: at 3 dB, endings in such rooms stood out."""
AUDIBLE_BAND_DB = -65.0
NOISE_MARGIN_DB = 3.0
GAIN_UP_DB, GAIN_DOWN_DB = 1.0, 0.5
FIRST_STEPS, FIRST_CHUNKS = 4.0, 20.0
"""The gain's first steps are five times as large, and shrink to one within a second of sound in the band."""


class BandEcho:
    """The loudest that the echo may be, band by band. The gain of its path is learned from 0 dB down."""

    def __init__(self) -> None:
        self._gain_db: Levels = np.zeros(_BANDS)
        self._learned: Levels = np.zeros(_BANDS)  # chunks
        self._echo_db: Levels = np.full(_BANDS, -90.0)
        self.noise_db: Levels = np.full(_BANDS, -70.0)
        """(13,) what is heard with nothing played."""

    def learn_noise(self, heard_db: Levels) -> None:
        """Take a chunk with nothing played: a running median."""
        self.noise_db += np.where(heard_db > self.noise_db, 1.0, -1.0)

    def excess_db(self, heard_db: Levels, played_db: Levels, learn: bool) -> float:
        """How far the next chunk stands out of echo and noise, -5 to 20 dB, in the mean over the bands."""
        direct_db = played_db + self._gain_db
        self._echo_db = np.maximum(direct_db, self._echo_db - DECAY_DB)
        excess_db = heard_db - np.maximum(self._echo_db, self.noise_db + NOISE_MARGIN_DB)
        if learn:  # a running quantile, from the bands in which not the tail of earlier sound is heard
            direct = (direct_db >= self._echo_db) & (played_db > AUDIBLE_BAND_DB)
            steps = 1 + FIRST_STEPS * np.exp(-self._learned / FIRST_CHUNKS)
            self._gain_db += direct * steps * np.where(excess_db > 0, GAIN_UP_DB, -GAIN_DOWN_DB)
            self._learned += direct
        return float(np.clip(excess_db, -5, 20).mean())


KNOWS_LITTLE_MS, KNOWS_ROOM_MS = 1000, 3000
"""Echo between which AEC3 learns the room: whole syllables pass it, at the end still in 1 room of 30."""
COLD, WARM = -1.0, 4.5
"""What is added for Silero, in its log-odds, before and after: warm, 0.01 is as likely speech as not."""
ENOUGH = 6.0
MOST = 3.0
"""Evidence of one chunk, so that two are needed; and of Silero alone, which may be sure of an echo."""
LEAST_LOG_ODDS = -6.0
EXCESS_ZERO_DB = 1.0
EXCESS_LEAST, EXCESS_MOST = -4.0, 3.0
STANDS_OUT_DB = -1.0
"""With less a chunk proves nothing, however sure Silero is: of AEC3's work on typing it was, by 0.6 to 0.9."""
NOTHING_LEFT_PROBABILITY = 0.01
"""Silero's at most, where nothing is left to be judged: it takes 100 ms to let go of an echo that passed."""
LEAST_PROBABILITY = 0.15
"""In one chunk at least, or a pitch: typing alone has neither, and stands out of the echo as a voice does."""
LEAST_EXCESS_DB = 0.75
"""In one chunk at least: where AEC3 let the end of a reverberation pass, Silero was sure of it, and it had a pitch."""
CLICK_CREST_DB = 13.0
"""From here on a chunk stands out by a click: keys hit while AEC3 let an echo pass made a voice of it."""
CLICK_PERIODICITY = 0.3
"""With less, and Silero not sure, a chunk proves nothing: half the false pauses of an hour of typing were of keys."""
PITCHED = 5.0
"""What a full pitch adds: under the echo Silero takes clear vowels for 0.01, up to a second long."""
LEAST_PITCH = 0.3
OWN, RESEMBLES_FROM, RESEMBLES_TO = 6.0, 0.7, 0.3
"""What is added for a pitch that is not the loudspeaker's, and taken off for one that is."""
REVERBERATION_MS = 500
_NEAR_SAMPLES = round(REVERBERATION_MS * MIC_RATE_HZ / 1000) + VOICING_SAMPLES + FRAME_SAMPLES


class Latest:
    """The latest frames of a stream, in one piece.

    Args:
        frames: How many; before the stream there was silence.
    """

    def __init__(self, frames: int) -> None:
        self._count = frames * FRAME_SAMPLES
        self._buffer = np.zeros(2 * self._count, np.float32)
        self._end = self._count

    def add(self, frame: Samples) -> None:
        """Take the next, (160,)."""
        if self._end == len(self._buffer):
            self._buffer[: self._count] = self.samples
            self._end = self._count
        self._buffer[self._end : self._end + FRAME_SAMPLES] = frame
        self._end += FRAME_SAMPLES

    @property
    def samples(self) -> Samples:
        """(n,) valid until the next is taken."""
        return self._buffer[self._end - self._count : self._end]


class DoubleTalk:
    """Pure decider: has the user begun to speak inside the echo window?"""

    def __init__(self) -> None:
        self.bands = BandEcho()
        self._voicing = VoicingJudge()
        self._heard = Latest(8)
        self._left = Latest(8)
        self._played = Latest(round((LONGEST_DELAY_MS + REVERBERATION_MS) / FRAME_MS) + 12)
        self._recent_db: deque[Levels] = deque(maxlen=16)  # 512 ms
        self._now = 0
        self._restart(0)

    def _restart(self, start: int) -> None:
        self._evidence, self._since, self._voiced = 0.0, start, 0
        self._probability, self._pitch, self._excess_db = 0.0, 0.0, -math.inf

    def take(self, frame: Frame, left: Samples) -> None:
        """Take the next 10 ms of what was heard and played, and what the canceller leaves of it."""
        self._heard.add(frame.samples)
        self._left.add(left)
        self._played.add(frame.reference)
        self._now = frame.start + FRAME_SAMPLES

    def rest(self, voice: Voice) -> None:
        """Take the next chunk, with the window shut and nobody speaking."""
        self._restart(voice.end)
        self.bands.learn_noise(self._heard_db(voice))
        self._voicing.learn(self._left_samples(voice)[-CHUNK_SAMPLES:], self._chunk(voice))

    def judge(self, voice: Voice, window: EchoWindow) -> Began | None:
        """Take the next chunk inside the window, with nobody speaking so far."""
        delay_ms = window.delay_ms
        late = round((delay_ms or 0) * MIC_RATE_HZ / 1000)
        self._recent_db.append(self._levels(self._played, voice, late + _AROUND).max(axis=0))
        # until the delay is known the echo may be that of any of the latest half second
        played_db = self._recent_db[-1] if delay_ms is not None else np.max(self._recent_db, axis=0)
        excess_db = self.bands.excess_db(self._heard_db(voice), played_db, learn=delay_ms is not None)
        left, chunk = self._left_samples(voice), self._chunk(voice)
        if crest_db(chunk) > CLICK_CREST_DB:
            excess_db = min(excess_db, 0)
        voicing = self._voicing.judge(left, chunk)
        own = 0.0
        if voicing.periodicity >= CLICK_PERIODICITY:
            near = self._until(self._played, voice.end - late + FRAME_SAMPLES, _NEAR_SAMPLES)
            own = 2 * share(resemblance(left, near), RESEMBLES_FROM, RESEMBLES_TO) - 1
            own = min(own, voicing.pitch)  # what is too soft resembles nothing
        trust = share(window.echo_heard_ms, KNOWS_LITTLE_MS, KNOWS_ROOM_MS)
        return self._sum(voice, excess_db, voicing, COLD + trust * (WARM - COLD + PITCHED * voicing.pitch + OWN * own))

    def _sum(self, voice: Voice, excess_db: float, voicing: Voicing, offset: float) -> Began | None:
        probability = min(voice.probability, 0.999 if voicing.left else NOTHING_LEFT_PROBABILITY)
        log_odds = min(max(math.log(max(probability, 1e-3) / (1 - probability)), LEAST_LOG_ODDS), MOST)
        excess = min(max(excess_db - EXCESS_ZERO_DB, EXCESS_LEAST), EXCESS_MOST)
        evidence = min(log_odds + excess + offset, MOST)
        click = voicing.periodicity < CLICK_PERIODICITY and probability < 0.5
        if click or voice.agreed < 0.5 or excess_db < STANDS_OUT_DB:
            evidence = min(evidence, 0)  # webrtcvad refuses what has no energy of its own, as a click's ring
        if self._evidence == 0:
            self._restart(voice.start)
        self._evidence = max(self._evidence + evidence, 0)
        self._probability = max(self._probability, probability)
        if evidence > 0:
            self._pitch = max(self._pitch, voicing.pitch)
            self._excess_db = max(self._excess_db, excess_db)
        self._voiced += (voice.end - voice.start) * voice.speech
        voiced = self._probability >= LEAST_PROBABILITY or self._pitch >= LEAST_PITCH
        if self._evidence < ENOUGH or self._excess_db < LEAST_EXCESS_DB or not voiced:
            return None
        began = Began(self._since, voice.end, self._voiced)
        self._restart(voice.end)
        return began

    # what was heard, left and played at the time of a chunk

    def _chunk(self, voice: Voice) -> Samples:
        return self._until(self._heard, voice.end, CHUNK_SAMPLES)

    def _left_samples(self, voice: Voice) -> Samples:
        """(1024,) the chunk and the one before; what the canceller leaves comes late."""
        return self._until(self._left, voice.end + LATENCY_SAMPLES, VOICING_SAMPLES)

    def _until(self, latest: Latest, end: int, count: int) -> Samples:
        samples = latest.samples
        last = len(samples) - (self._now - end)
        return samples[last - count : last]

    def _heard_db(self, voice: Voice) -> Levels:
        levels: Levels = self._levels(self._heard, voice, _HALVES).min(axis=0)
        return levels

    def _levels(self, latest: Latest, voice: Voice, earlier: npt.NDArray[np.int_]) -> npt.NDArray[np.float64]:
        """(k, 13) levels of the windows that end so many samples before the chunk's end."""
        samples = latest.samples
        starts = len(samples) - (self._now - voice.end) - WINDOW_SAMPLES - earlier
        return band_levels(samples[starts[:, np.newaxis] + _WITHIN])
