"""How long the end of a turn is waited for, and how often somebody is cut off.

    python bench/endpoint_moments.py ...      recordings -> moments.jsonl, see there
    python bench/endpoint.py moments.jsonl    the table, of the utterances to be judged
    python bench/endpoint.py moments.jsonl --fit    the weights of audio/prosody.py, of those to be tuned with

Each rule decides on the same pauses, with the program's own deciders. A cut-off is an utterance that was ended at one
of its inner pauses; its share has a 95 % interval (Wilson). The wait counts from the last voiced sample of the
recording (DIALOGUE.md) to the end being certain, over utterances that were not cut off. The words of a pause come when
they would under the costs of `[simulation.costs]`.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from assistant.audio import prosody
from assistant.config import Endpoint, load
from assistant.patience import Patience
from assistant.text.completeness import Completeness, completeness
from assistant.turn_end import Ending, hear, weigh

Moment: TypeAlias = dict[str, Any]
Row: TypeAlias = dict[str, Any]

_SHORTEST_TO_LEARN_FROM_MS = 230
_RIDGE = 5.0
_FAST_SHARE = 0.8
_SOUNDS = {"sounds_finished": 0.5, "sounds_unfinished": 0.1}
"""Which quantiles of the turn model's probabilities at ends: half of them need no words, one in ten is doubted."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What the wait is decided from."""

    name: str
    settings: tuple[str, ...] = ()
    sound: bool = False
    words: bool = False
    turn_model: bool = False


RULES = (
    Rule("fixed 800 ms", ("endpoint.adaptive=false",)),
    Rule("fixed 350 ms", ("endpoint.adaptive=false", "endpoint.end_ms=350")),
    Rule("words only", words=True),
    Rule("melody only", sound=True),
    Rule("melody and words", sound=True, words=True),
    Rule("turn model and words", words=True, turn_model=True),
    Rule("all three", sound=True, words=True, turn_model=True),
)


def main() -> int:
    """Print the table, or the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("moments", type=Path)
    parser.add_argument("--fit", action="store_true", help="fit audio/prosody.py on the utterances to be tuned with")
    parser.add_argument("--curve", action="store_true", help="melody and words at other thresholds, too")
    parser.add_argument("--json", metavar="FILE", type=Path)
    arguments = parser.parse_args()
    utterances = [json.loads(line) for line in arguments.moments.read_text(encoding="utf-8").splitlines()]
    if arguments.fit:
        result: Any = fit([one for one in utterances if one["role"] == "tune"])
        sys.stdout.write("".join(f"{name} = {value}\n" for name, value in result.items()))
    else:
        curve = [
            Rule(f"melody {p:.2f} and words", (f"endpoint.final_probability={p}",), True, True)
            for p in np.arange(0.25, 0.8, 0.05)
        ]
        judged = [one for one in utterances if one["role"] == "judge"]
        result = table(judged, (*RULES, *curve) if arguments.curve else RULES)
        sys.stdout.write(_text(result))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1), encoding="utf-8")
    return 0


def table(utterances: Sequence[Row], rules: Sequence[Rule]) -> list[Row]:
    """A row for each kind of utterance and each rule."""
    kinds = sorted({one["set"] for one in utterances})
    groups = {kind: [one for one in utterances if one["set"] == kind] for kind in kinds}
    if len(kinds) > 1:
        groups["all"] = list(utterances)
    return [{"set": kind, **_row(group, rule)} for kind, group in groups.items() for rule in rules]


def _row(utterances: Sequence[Row], rule: Rule) -> Row:
    settings = load("small", settings=rule.settings)
    waits_ms: list[float] = []
    for one in utterances:
        wait_ms = _wait_ms(one["pauses"], rule, settings.endpoint, settings.simulation.costs.turn_model_ms)
        if wait_ms is not None:
            waits_ms.append(wait_ms)
    cut = len(utterances) - len(waits_ms)
    low, high = wilson(cut, len(utterances))
    return {
        "rule": rule.name,
        "utterances": len(utterances),
        "cut_off": cut,
        "cut_off_percent": round(100 * cut / len(utterances), 1),
        "interval_percent": [round(100 * low, 1), round(100 * high, 1)],
        "median_ms": round(float(np.median(waits_ms))) if waits_ms else None,
        "p90_ms": round(float(np.percentile(waits_ms, 90))) if waits_ms else None,
    }


def _wait_ms(pauses: Sequence[Moment], rule: Rule, settings: Endpoint, turn_model_ms: float) -> float | None:
    """The wait at the end; None if it was cut off before."""
    patience = Patience(settings)
    for pause in pauses:
        wait_ms, ending = _decide(pause, rule, settings, patience, turn_model_ms)
        if pause["length_ms"] is None:
            return wait_ms + float(pause["late_ms"])
        if wait_ms < pause["length_ms"]:
            return None
        patience.learn(ending, pause["length_ms"])
    return None


def _decide(
    pause: Moment, rule: Rule, settings: Endpoint, patience: Patience, turn_model_ms: float
) -> tuple[float, Ending]:
    """When the end is certain, if nobody goes on, and what was known then: as turn.Turn decides."""
    finality = _finality(pause) if rule.sound else 0.0
    asked_ms = turn_model_ms if rule.turn_model else 0.0

    def judged(words: Completeness | None) -> Ending:
        ending = hear(words, finality, settings)
        return weigh(ending, pause["turn_model"], settings) if rule.turn_model else ending

    early = judged(None)
    known: list[tuple[float, Ending]] = [(pause["began_ms"] + asked_ms, "final" if early == "final" else "unknown")]
    if rule.words:
        words = completeness(pause["text"], "en") if pause["text"] else "unknown"
        known.append((pause["words_ms"] + asked_ms, judged(words)))
    wait_ms, ending = math.inf, known[0][1]
    for at_ms, then in known:
        if wait_ms <= at_ms:
            break
        ending, wait_ms = then, max(patience.wait_ms(then), at_ms)
    return wait_ms, ending


def _finality(pause: Moment) -> float:
    return prosody.probability(np.array(pause["features"]))


def wilson(count: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    z, share = 1.96, count / of
    middle, half = share + z * z / 2 / of, z * math.sqrt(share * (1 - share) / of + (z / 2 / of) ** 2)
    return max(middle - half, 0) / (1 + z * z / of), (middle + half) / (1 + z * z / of)


def fit(utterances: Sequence[Row]) -> dict[str, Any]:
    """Logistic regression, ends against inner pauses, every collection of recordings with an intercept of its own.

    Collections, and ends and pauses within them, weigh the same. Of a joined utterance the end is left out: it is that
    of the recording it was made of. The threshold is what four in five ends pass; those of the turn model are
    quantiles of the ends that it was asked about.
    """
    found = [
        (pause["features"], pause["length_ms"] is None, one["collection"])
        for one in utterances
        for pause in one["pauses"]
        if (not one["joined"] if pause["length_ms"] is None else pause["length_ms"] >= _SHORTEST_TO_LEARN_FROM_MS)
    ]
    features = np.array([row[0] for row in found])
    ends = np.array([row[1] for row in found], float)
    collections = np.array([row[2] for row in found])
    names = sorted(set(collections))
    means, scales = features.mean(0), features.std(0)
    own = np.stack([collections == name for name in names], 1).astype(float)
    inputs = np.concatenate([(features - means) / scales, own], 1)
    counts = {(name, end): ((collections == name) & (ends == end)).sum() for name in names for end in (0.0, 1.0)}
    weights = np.array([1 / counts[name, end] for name, end in zip(collections, ends, strict=True)])
    solved = _regress(inputs, ends, weights * len(ends) / weights.sum(), len(prosody.FEATURES))
    slopes, bias = solved[: len(means)], float(solved[len(means) :].mean())
    certain = 1 / (1 + np.exp(-((features - means) / scales) @ slopes - bias))
    passed = [np.quantile(certain[(collections == name) & (ends == 1)], 1 - _FAST_SHARE) for name in names]
    sound_of_ends = [
        pause["turn_model"]
        for one in utterances
        for pause in one["pauses"]
        if not one["joined"] and pause["length_ms"] is None and "turn_model" in pause
    ]
    shown = {"MEANS": means, "SCALES": scales, "WEIGHTS": slopes}
    return {
        **{key: tuple(float(f"{value:.3g}") for value in values) for key, values in shown.items()},
        "BIAS": round(bias, 2),
        "final_probability": round(float(np.mean(passed)), 2),
        **{key: round(float(np.quantile(sound_of_ends, share)), 3) for key, share in _SOUNDS.items() if sound_of_ends},
        "pauses": int((ends == 0).sum()),
        "ends": int(ends.sum()),
        "collections": [str(name) for name in names],
    }


def _regress(
    inputs: NDArray[np.float64], ends: NDArray[np.float64], weights: NDArray[np.float64], penalised: int
) -> NDArray[np.float64]:
    """Newton's method; the slopes are drawn towards zero, the intercepts hardly."""
    ridge = np.where(np.arange(inputs.shape[1]) < penalised, _RIDGE, _RIDGE / 10)
    solved = np.zeros(inputs.shape[1])
    for _ in range(30):
        guess = 1 / (1 + np.exp(-inputs @ solved))
        slope = inputs.T @ (weights * (ends - guess)) - ridge * solved
        curvature = (inputs.T * (weights * guess * (1 - guess))) @ inputs + np.diag(ridge)
        solved = solved + np.linalg.solve(curvature, slope)
    return np.asarray(solved)


def _text(rows: Sequence[Row]) -> str:
    lines = [f"{'set':<22}{'rule':<24}{'cut off':>18}{'95 %':>14}{'median':>8}{'90 %':>7}"]
    for row in rows:
        cut = f"{row['cut_off']} of {row['utterances']} = {row['cut_off_percent']} %"
        between = "{} to {}".format(*row["interval_percent"])
        waits = f"{row['median_ms'] or '-':>8}{row['p90_ms'] or '-':>7}"
        lines.append(f"{row['set']:<22}{row['rule']:<24}{cut:>18}{between:>14}{waits}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
