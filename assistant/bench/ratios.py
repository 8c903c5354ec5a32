"""How much sooner the reply is heard than a peer's: pair by pair, as both were measured in one run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from assistant.bench.figures import grouped
from assistant.bench.peer import PeerTurn
from assistant.bench.turns import LeftOut, MeasuredTurn
from assistant.text.sentences import ends_sentence

LONGEST_WAIT_MS = 2000
"""A peer that waits longer for the end of a turn has not understood the recording, which would flatter us."""
LONG_REPLY = 2
"""Sentences from which on there is something to be gained by not waiting for the whole reply."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One recording: medians of the runs; the ratios are those of pairs of runs, the peer's time over ours."""

    recording: str
    runs: int
    sentences: int
    """Of our reply."""
    same_reply: bool
    """Both said the same in every run."""
    ours_ms: float
    peer_ms: float
    ratio: float
    ratio_without_wait: float
    """Each less its own wait for the end of the turn."""
    ratio_of_one_transcription: float
    """As if the peer had transcribed as quickly as we did, with less context than Whisper was made for."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Medians over recordings."""

    recordings: int
    ratio: float
    least: float
    """Of the recording where the peer comes closest; below 1 it was sooner."""
    ratio_without_wait: float
    ratio_of_one_transcription: float


def sentences(text: str) -> int:
    """How many there are in a reply; what is left when its tokens are spent is one too."""
    words = text.split()
    neighbours = zip(words, [*words[1:], ""], ["", *words], strict=False)
    ends = [ends_sentence(word, following, before) for word, following, before in neighbours]
    return sum(ends) + (bool(ends) and not ends[-1])


def comparisons(ours: Sequence[MeasuredTurn], peers: Iterable[PeerTurn]) -> tuple[list[Comparison], list[LeftOut]]:
    """Compare what both measured.

    Returns:
        A comparison for each recording, in order, and the runs that are left out of it.
    """
    answered = {(turn.recording, turn.run): turn for turn in ours}
    pairs: list[tuple[MeasuredTurn, PeerTurn]] = []
    left_out = []
    for peer in peers:
        mine = answered.get((peer.recording, peer.run))
        if peer.wait_ms > LONGEST_WAIT_MS:
            reason = f"the peer waited {peer.wait_ms / 1000:.1f} s for the end of the turn"
            left_out.append(LeftOut(peer.recording, peer.run, reason))
        elif mine is not None and mine.turns > 1:
            left_out.append(LeftOut(peer.recording, peer.run, "we answered before its end"))
        elif mine is not None:
            pairs.append((mine, peer))
    return [_comparison(same) for same in grouped(pairs, lambda pair: pair[0].recording).values()], left_out


def summary(compared: Sequence[Comparison]) -> Summary | None:
    """Of several recordings; None of none."""
    if not compared:
        return None
    return Summary(
        recordings=len(compared),
        ratio=round(median(one.ratio for one in compared), 2),
        least=min(one.ratio for one in compared),
        ratio_without_wait=round(median(one.ratio_without_wait for one in compared), 2),
        ratio_of_one_transcription=round(median(one.ratio_of_one_transcription for one in compared), 2),
    )


def _comparison(pairs: Sequence[tuple[MeasuredTurn, PeerTurn]]) -> Comparison:
    return Comparison(
        recording=pairs[0][0].recording,
        runs=len(pairs),
        sentences=min(sentences(ours.reply) for ours, _ in pairs),
        same_reply=all(ours.reply.strip() == peer.reply for ours, peer in pairs),
        ours_ms=median(ours.voice_to_voice_ms for ours, _ in pairs),
        peer_ms=median(peer.voice_to_voice_ms for _, peer in pairs),
        ratio=_median_ratio((peer.voice_to_voice_ms, ours.voice_to_voice_ms) for ours, peer in pairs),
        ratio_without_wait=_median_ratio(
            (peer.voice_to_voice_ms - peer.wait_ms, ours.voice_to_voice_ms - ours.held.wait_ms) for ours, peer in pairs
        ),
        ratio_of_one_transcription=_median_ratio(
            (
                peer.voice_to_voice_ms - peer.parts_ms["transcription"] + ours.held.transcription_ms,
                ours.voice_to_voice_ms,
            )
            for ours, peer in pairs
        ),
    )


def _median_ratio(pairs: Iterable[tuple[float, float]]) -> float:
    return round(median(peer / max(ours, 1.0) for peer, ours in pairs), 2)
