"""Nothing piles up in a long talk, and the soak would say so if it did."""

from __future__ import annotations

import mmap
from dataclasses import replace

import pytest
from soak import GROWTH, Sample, Soak, fake_models, findings, growth, rss_kb

from assistant.metrics import TurnRecord

EMPTY = Sample(10, 100_000, 0, 0, 0, 0, 0, 20, 64, 20)


def test_two_hundred_turns_leave_nothing_behind() -> None:
    """Spoken, typed, interrupted by voice, by line and by key: tasks end, queues empty, records are bounded."""
    soak = Soak(fake_models())
    soak.run(200)
    assert len(soak.samples) == 20
    # memory is judged by what is left, not by the process of whatever tests came before
    assert findings([replace(sample, rss_kb=100_000) for sample in soak.samples]) == []
    messages = [sample.messages for sample in soak.samples]
    assert max(messages) <= 2 * soak.samples[-1].turn


def test_what_somebody_keeps_is_found() -> None:
    """A listener that never lets go of a record is such a leak."""

    class Hoarder(Soak):
        def __init__(self) -> None:
            super().__init__(fake_models())
            self.hoard: list[TurnRecord] = []

        def _changed(self, record: TurnRecord) -> None:
            super()._changed(record)
            self.hoard.append(record)

    soak = Hoarder()
    soak.run(40)
    (found,) = findings([replace(sample, rss_kb=100_000) for sample in soak.samples])
    left = int(found.split()[0])  # an earlier test that failed may hold some too
    assert left >= soak.ended
    assert found == f"{left} records are left after turn {soak.ended}; 25 may be"


@pytest.mark.parametrize("name", ["tasks", "queued", "jobs", "turns", "utterances", "records", "sounds"])
def test_each_thing_that_piles_up_is_named(name: str) -> None:
    """With the turn at which there was most of it."""
    samples = [EMPTY, replace(EMPTY, turn=20, **{name: 99})]
    assert findings([EMPTY]) == []
    (found,) = findings(samples)
    assert found.startswith(f"99 {name} are left after turn 20")


def test_memory_may_grow_until_the_talk_is_as_large_as_it_gets() -> None:
    """From turn 30 on it may not grow by 3 %."""
    sizes_kb = {10: 50_000, 30: 100_000, 60: 102_900, 90: 102_000}
    samples = [replace(EMPTY, turn=turn, rss_kb=kb) for turn, kb in sizes_kb.items()]
    assert growth(samples) == pytest.approx(0.029)
    assert findings(samples) == []
    assert findings([*samples, replace(EMPTY, turn=120, rss_kb=103_000)]) == [
        f"memory grew by 3.0% after turn 30; {GROWTH:.0%} is too much"
    ]


def test_resident_memory_is_that_of_this_process() -> None:
    """A hundred megabytes more are seen."""
    before = rss_kb()
    with mmap.mmap(-1, 100_000_000) as block:  # pages that are new, whatever the process has freed
        block.write(b"x" * 100_000_000)
        assert rss_kb() - before > 90_000
