"""Recordings -> the pauses of bench/endpoint.py, as the program's own detectors and endpointer find them.

    scripts/endpoint-recordings FOLDER
    python bench/endpoint_moments.py --sounds FOLDER --out moments.jsonl [--each 100]

Every recording lies in a room as quiet as its own, so that its end is followed by silence. A joined utterance is a
recording cut in two where its level falls for 90 ms or more, at a border of words or phrases, with a pause between that
is drawn from the inner pauses of other, long recordings of the same role; its sound before the pause is not that of
somebody who knew that he would pause. Words and the turn model are asked where a set says so, with what is known 100 ms
into the pause. Appends to the file; what is there is not done again.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
import zlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from assistant.app import load_transcriber, load_turn
from assistant.audio import prosody
from assistant.audio.endpoint import Endpointer
from assistant.audio.level import level_db
from assistant.audio.onset import Onset
from assistant.audio.vad import VoiceDetector, voiced_span
from assistant.config import Config, load
from assistant.messages import (
    FRAME_SAMPLES,
    MIC_RATE_HZ,
    PauseBegan,
    PauseReached,
    Samples,
    SpeechResumed,
    TurnEvent,
    Utterance,
    UtteranceEnded,
)
from assistant.ports import Transcriber, TurnModel

_LEAD, _TAIL = MIC_RATE_HZ, 5 * MIC_RATE_HZ // 2
_QUIETEST_DB, _LOUDEST_DB = -75.0, -45.0
_SHORTEST_DIP_FRAMES, _DIP_DB, _FROM_THE_ENDS_FRAMES = 9, -22.0, 40
_SHORTEST_PAUSE_MS, _LONGEST_PAUSE_MS = 200, 3000
_CERTAIN = ("endpoint.adaptive=false", "endpoint.end_ms=4000")


def main() -> int:
    """Take every set in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sounds", type=Path, required=True, help="the folder with the recordings")
    parser.add_argument("--sets", type=Path, default=Path(__file__).with_name("endpoint_sets.toml"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--each", type=int, default=10**6, help="at most so many recordings of a set")
    arguments = parser.parse_args()
    done = set()
    if arguments.out.exists():
        lines = arguments.out.read_text(encoding="utf-8").splitlines()
        done = {(one["set"], one["file"]) for one in map(json.loads, lines)}
    ask = _Models()
    with arguments.out.open("a", encoding="utf-8") as out:
        for one in tomllib.loads(arguments.sets.read_text(encoding="utf-8"))["set"]:
            drawn = inner_pauses_ms(sorted(arguments.sounds.glob(one["pauses_of"]))) if "pauses_of" in one else []
            paths = sorted(arguments.sounds.glob(one["files"]))
            for path in paths[len(paths) // 2 if one.get("second_half") else 0 :][: arguments.each]:
                file = str(path.relative_to(arguments.sounds))
                if (one["name"], file) not in done and (found := _utterance(path, one, drawn, ask)):
                    named = {"set": one["name"], "role": one["role"], "joined": bool(drawn), "file": file}
                    collection = one["collection"].format(folder=path.parent.name)
                    out.write(json.dumps({**named, "collection": collection, "pauses": found}) + "\n")
                    out.flush()
    return 0


def _read(path: Path) -> Samples:
    recorded, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    mono = recorded.mean(axis=1, dtype=np.float32)
    return mono if rate_hz == MIC_RATE_HZ else np.asarray(soxr.resample(mono, rate_hz, MIC_RATE_HZ), np.float32)


def _utterance(path: Path, one: dict[str, Any], drawn: Sequence[float], ask: _Models) -> list[dict[str, Any]]:
    """What is found of one recording; nothing where there is no voice, or no place for a pause."""
    rng = np.random.default_rng(zlib.crc32(path.name.encode()))
    samples = _read(path)
    if drawn:
        joined = join(samples, float(rng.choice(drawn)), rng)
        if joined is None:
            return []
        samples = joined
    span = voiced_span(samples)
    if span is None:
        return []
    room = in_a_room(samples, rng)
    found = []
    for began, utterance, length_ms in pauses(room, span[1] + _LEAD):
        if length_ms is not None and length_ms < _SHORTEST_PAUSE_MS:
            continue
        said = utterance.samples[: utterance.speech_end - utterance.start]
        features = prosody.features(said[utterance.speech_start - utterance.start :], utterance.voiced_ms)
        moment: dict[str, Any] = {
            "length_ms": length_ms,
            "began_ms": (began.start + len(began.samples) - began.speech_end) * 1000 / MIC_RATE_HZ,
            "late_ms": max(utterance.speech_end - span[1] - _LEAD, 0) * 1000 / MIC_RATE_HZ if length_ms is None else 0,
            "features": [round(float(value), 4) for value in features],
        }
        if one.get("words"):
            moment |= ask.words(began, moment["began_ms"])
        if one.get("turn_model"):
            moment["turn_model"] = ask.end_probability(began)
        found.append(moment)
    return found if found and found[-1]["length_ms"] is None else []


def in_a_room(samples: Samples, rng: np.random.Generator) -> Samples:
    """A second before it and two and a half after it, as quiet as its own quietest twentieth."""
    levels = [level_db(samples[at : at + FRAME_SAMPLES]) for at in range(0, len(samples), FRAME_SAMPLES)]
    gain = 10 ** (min(max(float(np.percentile(levels, 5)), _QUIETEST_DB), _LOUDEST_DB) / 20)
    before, after = (rng.standard_normal(count).astype(np.float32) * np.float32(gain) for count in (_LEAD, _TAIL))
    return np.concatenate([before, samples, after])


def pauses(room: Samples, end: int) -> Iterator[tuple[Utterance, Utterance, float | None]]:
    """Every pause that was reached: the utterance as the pause began, as it was reached, how long it was.

    The last has no length: it is the end. What is heard after `end`, the last voiced sample, is the room.
    """
    config = load("small", settings=_CERTAIN)
    found: list[tuple[Utterance, Utterance, float | None]] = []
    began: Utterance | None = None
    reached: Utterance | None = None
    for event in _events(room, config):
        if isinstance(event, PauseBegan):
            began = event.utterance
        elif isinstance(event, PauseReached):
            reached = event.utterance
        elif reached is not None and isinstance(event, SpeechResumed | UtteranceEnded):
            ended = isinstance(event, UtteranceEnded) or reached.speech_end >= end - MIC_RATE_HZ // 20
            length_ms = None if not isinstance(event, SpeechResumed) or ended else event.pause_ms
            found.append((began or reached, reached, length_ms))
            if ended:
                break
            began = reached = None
        elif isinstance(event, SpeechResumed):
            began = None
    else:
        if reached is not None:
            found.append((began or reached, reached, None))
    yield from found


def _events(room: Samples, config: Config) -> Iterator[TurnEvent]:
    detector, onset = VoiceDetector(config.vad), Onset(config.vad, config.endpoint.pause_ms)
    endpointer = Endpointer(config.endpoint)
    for start in range(0, len(room) - FRAME_SAMPLES, FRAME_SAMPLES):
        frame = room[start : start + FRAME_SAMPLES]
        voice = detector.process(start, frame)
        yield from endpointer.feed(start, frame, voice)
        if voice is not None:
            onset.feed(voice)
            began = None if endpointer.open else onset.began()
            if began is not None:
                yield from endpointer.begin(began)


def inner_pauses_ms(paths: Sequence[Path]) -> list[float]:
    """Of natural recordings: 200 ms to 3 s long."""
    lengths_ms = []
    for path in paths:
        samples = _read(path)
        span = voiced_span(samples)
        if span is not None:
            room = in_a_room(samples, np.random.default_rng(0))
            lengths_ms += [length_ms for _, _, length_ms in pauses(room, span[1] + _LEAD) if length_ms is not None]
    return [one for one in lengths_ms if _SHORTEST_PAUSE_MS <= one <= _LONGEST_PAUSE_MS]


def join(samples: Samples, pause_ms: float, rng: np.random.Generator) -> Samples | None:
    """A pause put where the level falls, longer falls more often; None where it never does."""
    span = voiced_span(samples)
    if span is None:
        return None
    frames = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    levels = np.array([level_db(frame) for frame in frames])
    first, last = span[0] // FRAME_SAMPLES, span[1] // FRAME_SAMPLES
    low = levels < np.percentile(levels[first:last], 95) + _DIP_DB
    edges = np.flatnonzero(np.diff(low.astype(int)))
    dips = [
        (int(begin) + 1, int(end) + 1)
        for begin, end in pairwise(edges)
        if low[begin + 1] and end - begin >= _SHORTEST_DIP_FRAMES
    ]
    dips = [dip for dip in dips if first + _FROM_THE_ENDS_FRAMES < dip[0] and dip[1] < last - _FROM_THE_ENDS_FRAMES]
    if not dips:
        return None
    lengths = np.array([min(end - begin, 30) for begin, end in dips], float)
    begin, end = dips[rng.choice(len(dips), p=lengths / lengths.sum())]
    at, fade = (begin + end) // 2 * FRAME_SAMPLES, np.linspace(1, 0, FRAME_SAMPLES, dtype=np.float32)
    count = max(round(pause_ms * MIC_RATE_HZ / 1000) - (end - begin) * FRAME_SAMPLES, FRAME_SAMPLES * 10)
    gain = 10 ** (min(max(float(np.percentile(levels, 5)), _QUIETEST_DB), _LOUDEST_DB) / 20)
    before, after = samples[:at].copy(), samples[at:].copy()
    before[-FRAME_SAMPLES:] *= fade
    after[:FRAME_SAMPLES] *= fade[::-1]
    return np.concatenate([before, (rng.standard_normal(count) * gain).astype(np.float32), after])


class _Models:
    """The transcriber and the turn model of the small profile, loaded when first asked."""

    def __init__(self) -> None:
        self._config = load("small", settings=["models.turn=smart-turn-v3"])

    @cached_property
    def _transcriber(self) -> Transcriber:
        return load_transcriber(self._config)

    @cached_property
    def _turn_model(self) -> TurnModel:
        return load_turn(self._config)

    def words(self, utterance: Utterance, began_ms: float) -> dict[str, Any]:
        """The words so far, and when they are known."""
        costs = self._config.simulation.costs
        each_ms = {
            "whisper_encoder": costs.whisper_encoder_ms_per_s_of_context,
            "whisper_token": costs.whisper_token_ms,
        }
        steps = list(self._transcriber.transcribe(utterance.samples))
        cost_ms = sum(each_ms[work.kind] * work.amount for step in steps for work in step.work)
        return {"text": steps[-1].values[0].text, "words_ms": began_ms + cost_ms}

    def end_probability(self, utterance: Utterance) -> float:
        """What the turn model thinks."""
        return list(self._turn_model.end_probability(utterance.samples))[-1].values[0]


if __name__ == "__main__":
    sys.exit(main())
