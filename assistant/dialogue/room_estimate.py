"""What a room is like, from what was played in it and what the microphone heard: deconvolution of the echo.

The echo's path is the cross-spectrum of both over the spectrum of what was played (a Wiener deconvolution,
regularised, since speech leaves most high frequencies empty). Its strongest tap is the delay; the energy that
decays after it tells the reverberation time, as in Schroeder (1965).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from assistant.messages import FRAME_MS, FRAME_SAMPLES, MIC_RATE_HZ, Samples

SampleSpan: TypeAlias = tuple[int, int]
Stretch: TypeAlias = tuple[int, int, int]
"""Sound that was played: its first sample, the one after its last, and the one after the last of its echo."""

_AUDIBLE = 10 ** (-50 / 10)
"""Power of a frame of the loudspeaker that is heard."""
MOST_ECHO_SAMPLES = 5 * MIC_RATE_HZ // 2
"""Longest echo path, 2.5 s: a delay of 1 s and a reverberation of 1.5 s, the most that a script's room may have."""
_SHORTEST, _LONGEST = MIC_RATE_HZ, 20 * MIC_RATE_HZ
"""Of a stretch of sound; what goes on longer adds little."""
_FFT = 1 << 19
_EMPTY_BAND = 0.01
"""Frequencies with less than this share of the mean power tell of noise only."""
_SMOOTH = 64 * _FFT // MIC_RATE_HZ
"""64 Hz of the noise's spectrum."""
_EDGE = MIC_RATE_HZ // 10
"""Left of both ends of the path, where nothing but noise can be, so that the noise is known."""
_PEAK = 100.0
"""Power of the strongest tap over that of the noise in the response; chance alone gives 20 in so many samples."""
_REVERBERANT = 10 ** (-15 / 10)
"""Less than this beside the direct sound is what deconvolution leaves of a single tap."""
_DECAY = 10 ** (-20 / 10)
"""How far down the decay is followed; further down is what the empty bands left."""
_DIRECT = 5 * MIC_RATE_HZ // 1000
_NOISE_FRAMES = 2000 // FRAME_MS
_LEAST_NOISE_FRAMES = 300 // FRAME_MS


@dataclass(frozen=True, slots=True, eq=False)
class Echo:
    """How the loudspeaker is heard by the microphone."""

    gain_db: float
    """RMS heard to RMS played, direct and reverberant sound together."""
    delay_ms: float
    """From the reference to its direct sound."""
    rt60_s: float
    """Reverberation time; 0 where none is to be seen."""
    path: Samples
    """(n,) its impulse response, at 16 kHz."""


def estimate_echo(microphone: Samples, reference: Samples, excluded: Sequence[SampleSpan]) -> Echo | None:
    """Measure the echo's path.

    Args:
        microphone: (n,) at 16 kHz.
        reference: (n,) played, at 16 kHz, on the same clock.
        excluded: Samples that tell nothing of the room: somebody spoke, or the microphone was muted.

    Returns:
        None where nothing, or too little, was heard of what was played.
    """
    stretches = list(_stretches(reference, excluded))
    if not stretches:
        return None
    across, played = np.zeros(_FFT // 2 + 1, np.complex128), np.zeros(_FFT // 2 + 1)
    for start, end, until in stretches:
        spectrum = np.fft.rfft(reference[start:end], _FFT)
        across += spectrum.conj() * np.fft.rfft(microphone[start:until], _FFT)
        played += np.square(np.abs(spectrum))
    noise_power = _usual_power(microphone, reference, excluded)
    gain = _power_gain(microphone, reference, stretches, noise_power)
    if gain <= 0:
        return None
    noise = _smoothed_power(estimate_noise(microphone, reference, excluded))
    unsure = noise * sum(until - start for start, _, until in stretches) / gain + _EMPTY_BAND * played.mean()
    response = np.fft.irfft(across / (played + unsure))
    before, after = response[-6 * _EDGE : -_EDGE], response[MOST_ECHO_SAMPLES - 5 * _EDGE : MOST_ECHO_SAMPLES]
    floor = float(max(np.mean(np.square(before)), np.mean(np.square(after))))
    path = response[:MOST_ECHO_SAMPLES]
    peak = int(np.argmax(np.abs(path)))
    if path[peak] ** 2 < _PEAK * floor:
        return None
    rt60_s = _reverberation_s(path, peak, floor)
    gain = _power_gain(microphone, reference, stretches, noise_power, peak)
    end = peak + _DIRECT + round(rt60_s * MIC_RATE_HZ)  # what comes later is noise
    known = path[:end].astype(np.float32)
    return Echo(float(10 * np.log10(gain)), peak * 1000 / MIC_RATE_HZ, rt60_s, known)


def without_echo(microphone: Samples, reference: Samples, echo: Echo) -> Samples:
    """What is left of a microphone's signal without the echo, which is all that a linear path makes of it.

    A canceller as AEC3 also damps whatever sounds at the same time, the user's voice included; this does not.

    Args:
        microphone: (n,) at 16 kHz.
        reference: (n,) played; what was played before the first sample is not known.
        echo: Measured in the same room.

    Returns:
        (n,) at 16 kHz.
    """
    size = 1 << (len(reference) + len(echo.path) - 1).bit_length()
    heard = np.fft.irfft(np.fft.rfft(reference, size) * np.fft.rfft(echo.path, size))[: len(microphone)]
    left: Samples = (microphone - heard).astype(np.float32)
    return left


def estimate_noise(microphone: Samples, reference: Samples, excluded: Sequence[SampleSpan]) -> Samples:
    """The quietest two seconds, or less, in which nobody spoke and nothing was heard of the loudspeaker.

    Arguments as of `estimate_echo`.

    Returns:
        (n,) at 16 kHz; empty where there is no such moment.
    """
    quiet = _quiet(microphone, reference, excluded)
    power = _frame_powers(microphone)
    best = np.zeros(0, np.float32)
    best_power = np.inf
    for start, end in _runs(quiet):
        length = min(end - start, _NOISE_FRAMES)
        if length < _LEAST_NOISE_FRAMES:
            continue
        powers = np.convolve(power[start:end], np.full(length, 1 / length), "valid")
        first = start + int(np.argmin(powers))
        if powers.min() < best_power:
            best_power = float(powers.min())
            best = microphone[first * FRAME_SAMPLES : (first + length) * FRAME_SAMPLES]
    return best


def _quiet(microphone: Samples, reference: Samples, excluded: Sequence[SampleSpan]) -> npt.NDArray[np.bool_]:
    """Of which frames the room's own noise is all there is; exact zeros are no noise."""
    quiet: npt.NDArray[np.bool_] = _frame_powers(reference) == 0
    for index in np.flatnonzero(~quiet):
        quiet[index : index + MOST_ECHO_SAMPLES // FRAME_SAMPLES] = False
    for start, end in excluded:
        quiet[max(start, 0) // FRAME_SAMPLES : -(-end // FRAME_SAMPLES)] = False
    quiet &= _frame_powers(microphone) > 0
    return quiet


def _power_gain(
    microphone: Samples, reference: Samples, stretches: Sequence[Stretch], noise_power: float, delay: int = 0
) -> float:
    """Energy heard to energy played; what was played too late to be heard within its stretch does not count."""
    heard = sum(float(np.dot(y, y)) - noise_power * len(y) for y in (microphone[a:until] for a, _, until in stretches))
    sources = (reference[start : min(end, max(until - delay, start))] for start, end, until in stretches)
    return heard / max(sum(float(np.dot(x, x)) for x in sources), 1e-9)


def _usual_power(microphone: Samples, reference: Samples, excluded: Sequence[SampleSpan]) -> float:
    """The mean over the frames of noise, without knocks: the quietest are too quiet to be taken out of the others."""
    powers = _frame_powers(microphone)[_quiet(microphone, reference, excluded)]
    return float(powers[powers <= 10 * np.median(powers)].mean()) if len(powers) else 0.0


def _smoothed_power(noise: Samples) -> npt.NDArray[np.float64]:
    """(_FFT / 2 + 1,) power of each sample of noise at every frequency."""
    if not len(noise):
        return np.zeros(_FFT // 2 + 1)
    power = np.square(np.abs(np.fft.rfft(noise, _FFT))) / len(noise)
    summed = np.cumsum(np.pad(power, (_SMOOTH // 2 + 1, _SMOOTH // 2), mode="reflect"))
    smoothed: npt.NDArray[np.float64] = (summed[_SMOOTH:] - summed[:-_SMOOTH]) / _SMOOTH
    return smoothed


def _stretches(reference: Samples, excluded: Sequence[SampleSpan]) -> Iterator[Stretch]:
    """Sound played into silence: where it begins and ends, and until when its echo may be heard alone."""
    audible = _frame_powers(reference) >= _AUDIBLE
    for first, last in _runs(_closed(audible, MOST_ECHO_SAMPLES // FRAME_SAMPLES)):
        start, end = first * FRAME_SAMPLES, min(last * FRAME_SAMPLES, first * FRAME_SAMPLES + _LONGEST)
        until = end + MOST_ECHO_SAMPLES if end == last * FRAME_SAMPLES else end
        spoken = [span for span in excluded if span[1] > start and span[0] < until]
        until = min([until, len(reference), *(span[0] for span in spoken)])
        if until - start >= _SHORTEST:
            yield start, min(end, until), until


def _reverberation_s(path: npt.NDArray[np.float64], peak: int, floor: float) -> float:
    """From the slope of the energy after the direct sound, as far as it stands out of the noise."""
    direct = float(np.sum(np.square(path[max(peak - _DIRECT, 0) : peak + _DIRECT])))
    tail = path[peak + _DIRECT :]
    energy = np.square(tail[: len(tail) // FRAME_SAMPLES * FRAME_SAMPLES]).reshape(-1, FRAME_SAMPLES).mean(axis=1)
    above = energy - floor
    (lost,) = np.nonzero(above < max(2 * floor, above[0] * _DECAY))
    above = above[: lost[0]] if len(lost) else above
    if len(above) < 4 or above.sum() * FRAME_SAMPLES < _REVERBERANT * direct:
        return 0.0
    slope_db, _ = np.polyfit(np.arange(len(above)) * FRAME_MS / 1000, 10 * np.log10(above), 1)
    return float(-60 / slope_db) if slope_db < 0 else 0.0


def _frame_powers(samples: Samples) -> npt.NDArray[np.float32]:
    whole = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES]
    powers: npt.NDArray[np.float32] = np.square(whole.reshape(-1, FRAME_SAMPLES)).mean(axis=1)
    return powers


def _closed(frames: npt.NDArray[np.bool_], gap: int) -> npt.NDArray[np.bool_]:
    """The same with gaps shorter than so many frames filled."""
    closed = frames.copy()
    for start, end in _runs(~frames):
        if 0 < start and end < len(frames) and end - start < gap:
            closed[start:end] = True
    return closed


def _runs(frames: npt.NDArray[np.bool_]) -> Iterator[SampleSpan]:
    """Where frames are true: first index, and index after the last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], frames, [False]]).astype(np.int8)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
