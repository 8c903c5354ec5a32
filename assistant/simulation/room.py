"""A room: what its microphone hears of the loudspeaker, the user and the noise.

Nothing outside this package reads a room; the assistant learns only what a device would say.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, field_validator

from assistant.messages import FRAME_SAMPLES, MIC_RATE_HZ, Samples

NOISE_LOOP_S = 30


class RoomConfig(BaseModel):
    """A script's `room`, as in DIALOGUE.md."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    echo_gain_db: float | None = Field(default=None, ge=-120, le=40)
    """RMS of direct plus reverberant echo over RMS played; None: headphones."""
    echo_delay_ms: float = Field(default=60, ge=0, le=1000)
    reported_latency_ms: float = Field(default=20, ge=0, le=1000)
    """What the device tells the assistant; the room itself does not use it."""
    reverb_rt60_s: float = Field(default=0, ge=0, le=1.5)
    noise: str | None = None
    noise_dbfs: float = Field(default=-60, ge=-120, le=0)
    seed: int = Field(default=0, ge=0)

    @field_validator("noise")
    @classmethod
    def _known_noise(cls, noise: str | None) -> str | None:
        if noise is not None and noise not in _NOISES and not noise.lower().endswith(".wav"):
            raise ValueError(f"write one of {', '.join(_NOISES)} or the path of a WAV")
        return noise

    @property
    def noise_file(self) -> str | None:
        """The WAV that is the noise, if it is one."""
        return self.noise if self.noise is not None and self.noise not in _NOISES else None

    @property
    def loudspeakers(self) -> bool:
        """Whether the microphone can hear what is played."""
        return self.echo_gain_db is not None


class Room:
    """The sound field of one dialogue, 10 ms at a time; all of it follows the configuration's seed.

    Args:
        config: The script's room; None is headphones and silence.
        noise: (n,) at 16 kHz, what `noise_file` holds, where there is one.
    """

    def __init__(self, config: RoomConfig | None = None, noise: Samples | None = None) -> None:
        config = config or RoomConfig()
        echo_rng, noise_rng = np.random.default_rng(config.seed).spawn(2)
        self._echo = _Convolution(_echo_path(config, echo_rng)) if config.loudspeakers else None
        self._noise = _noise_loop(config, noise, noise_rng)
        self._position = 0

    def step(self, played: Samples, user: Samples) -> Samples:
        """What the microphone hears in the next 10 ms.

        Args:
            played: (160,) float32, 16 kHz, leaving the loudspeaker's converter.
            user: (160,) float32, 16 kHz, the user's voice at the microphone.

        Returns:
            (160,) float32 in [-1, 1].
        """
        heard: Samples = user + self._next_noise()
        if self._echo is not None:
            heard += self._echo.step(played)
        return np.clip(heard, -1, 1, out=heard)

    def _next_noise(self) -> Samples:
        indices = np.arange(self._position, self._position + FRAME_SAMPLES)
        self._position = (self._position + FRAME_SAMPLES) % len(self._noise)
        noise: Samples = self._noise.take(indices, mode="wrap")
        return noise


class _Convolution:
    """Uniformly partitioned overlap-save convolution, without latency of its own (Stockham 1966; Gardner 1995)."""

    def __init__(self, response: Samples) -> None:
        parts = -(-len(response) // FRAME_SAMPLES)
        padded = np.zeros((parts, 2 * FRAME_SAMPLES), np.float32)
        padded[:, :FRAME_SAMPLES].flat[: len(response)] = response
        self._response = np.fft.rfft(padded)
        self._played = np.zeros_like(self._response)  # spectra of the latest blocks, newest first
        self._before = np.zeros(FRAME_SAMPLES, np.float32)
        self._silent_blocks = parts + 1

    def step(self, block: Samples) -> Samples:
        """(160,) in, (160,) of its echo out."""
        self._silent_blocks = 0 if block.any() else self._silent_blocks + 1
        if self._silent_blocks > len(self._response):
            return np.zeros(FRAME_SAMPLES, np.float32)
        self._played[1:] = self._played[:-1]
        self._played[0] = np.fft.rfft(np.concatenate([self._before, block]))
        self._before = block
        heard = np.fft.irfft((self._played * self._response).sum(axis=0))[FRAME_SAMPLES:]
        return heard.astype(np.float32, copy=False)


def _echo_path(config: RoomConfig, rng: np.random.Generator) -> Samples:
    """Impulse response (n,): a direct tap after the delay and, with RT60, a decaying tail of equal energy."""
    delay = round(config.echo_delay_ms * MIC_RATE_HZ / 1000)
    tail_time = np.arange(1, round(config.reverb_rt60_s * MIC_RATE_HZ) + 1) / MIC_RATE_HZ
    response = np.zeros(delay + 1 + len(tail_time), np.float32)
    response[delay] = 1
    if len(tail_time):
        tail = rng.standard_normal(len(tail_time)) * 10 ** (-3 * tail_time / config.reverb_rt60_s)
        response[delay + 1 :] = tail / np.linalg.norm(tail)
    gain = 10 ** ((config.echo_gain_db or 0) / 20)
    return (response * (gain / np.linalg.norm(response))).astype(np.float32)


# noise: each kind is a loop, so that a recording is one kind more


def _noise_loop(config: RoomConfig, recorded: Samples | None, rng: np.random.Generator) -> Samples:
    """(n,) float32 at `noise_dbfs` RMS, to be repeated for ever."""
    if config.noise is None:
        return np.zeros(FRAME_SAMPLES, np.float32)
    loop = _NOISES[config.noise](rng) if recorded is None else recorded.astype(np.float64)
    rms = np.sqrt(np.mean(np.square(loop)))
    return (loop * (10 ** (config.noise_dbfs / 20) / max(float(rms), 1e-9))).astype(np.float32)


_Loop = npt.NDArray[np.float64]


def _white(rng: np.random.Generator) -> _Loop:
    return rng.standard_normal(NOISE_LOOP_S * MIC_RATE_HZ)


def _pink(rng: np.random.Generator) -> _Loop:
    spectrum = np.fft.rfft(_white(rng))
    hz = np.arange(len(spectrum)) / NOISE_LOOP_S
    noise: _Loop = np.fft.irfft(spectrum / np.sqrt(np.maximum(hz, 20)))
    return noise


def _hum(rng: np.random.Generator) -> _Loop:
    """Mains: 50 Hz and its harmonics, 12 dB less per octave."""
    time_s = np.arange(NOISE_LOOP_S * MIC_RATE_HZ) / MIC_RATE_HZ
    phases = rng.uniform(0, 2 * np.pi, 8)
    harmonics = [np.sin(100 * np.pi * k * time_s + phase) / k**2 for k, phase in enumerate(phases, 1)]
    hum: _Loop = np.sum(harmonics, axis=0)
    return hum


def _clicks(rng: np.random.Generator) -> _Loop:
    """Typing: six keys a second, each a press and a softer release some 80 ms later, peaks 25 dB over the RMS."""
    loop = np.zeros(NOISE_LOOP_S * MIC_RATE_HZ)
    decay = np.exp(-np.arange(MIC_RATE_HZ // 50) / (0.003 * MIC_RATE_HZ))  # 3 ms
    for press in np.sort(rng.uniform(0, NOISE_LOOP_S - 0.2, 6 * NOISE_LOOP_S)):
        for at_s, level in ((press, 1.0), (press + rng.uniform(0.05, 0.12), 0.4)):
            start = int(at_s * MIC_RATE_HZ)
            knock = np.diff(rng.standard_normal(len(decay) + 1)) * decay
            loop[start : start + len(decay)] += level * rng.uniform(0.5, 1) * knock
    return loop


_NOISES: dict[str, Callable[[np.random.Generator], _Loop]] = {
    "white": _white,
    "pink": _pink,
    "hum": _hum,
    "clicks": _clicks,
}
