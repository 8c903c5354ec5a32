"""How often each expectation failed over repeated runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from assistant.dialogue.result import DialogueResult


@dataclass(frozen=True, slots=True)
class FlakeRate:
    """One expectation of one dialogue that did not always hold."""

    script: str
    name: str
    entry: int | None
    """None: an expectation of the whole dialogue."""
    expectation: str
    """Its key in the script, as `reply.min_words`."""
    failed: int
    runs: int


def flake_rates(results: Iterable[DialogueResult]) -> list[FlakeRate]:
    """Every expectation that failed at least once, in the order in which it first did."""
    runs: Counter[tuple[str, str]] = Counter()
    failed: Counter[tuple[str, str, int | None, str]] = Counter()
    for result in results:
        dialogue = result.script, result.label
        runs[dialogue] += 1
        for seen in result.turns:
            failed.update((*dialogue, seen.index, key) for key in {_key(failure) for failure in seen.failures})
        failed.update((*dialogue, None, key) for key in {_key(failure) for failure in result.failures})
    return [FlakeRate(*expectation, count, runs[expectation[:2]]) for expectation, count in failed.items()]


def _key(failure: str) -> str:
    return failure.partition(":")[0]
