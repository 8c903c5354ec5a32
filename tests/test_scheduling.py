"""The bench of priorities: what it is told to compare differs, and the priorities are worth their name."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from scheduling import COSTS, RULES, Outcome, main, outcome

from assistant.messages import Priority, Step
from assistant.schedule import Job


@pytest.fixture(scope="module")
def outcomes() -> dict[tuple[str, str], Outcome]:
    return {(costs, rule): outcome(costs, rule) for costs in COSTS for rule in RULES}


def test_each_rule_chooses_another_job() -> None:
    """Of three: the most urgent, the one that waited longest, the oldest."""

    def job(priority: Priority, served: int) -> Job[None]:
        return Job((Step() for _ in ()), lambda: priority, served)

    oldest, urgent, waited = job(Priority.HELD, 5), job(Priority.PLAYBACK, 4), job(Priority.TOKEN, 3)
    chosen = {rule: schedule().choose([oldest, urgent, waited]) for rule, schedule in RULES.items()}
    assert chosen == {"priorities": urgent, "in turn": waited, "first come": oldest}


@pytest.mark.parametrize("costs", COSTS)
@pytest.mark.parametrize("rule", ["in turn", "first come"])
def test_priorities_are_never_worse(outcomes: dict[tuple[str, str], Outcome], costs: str, rule: str) -> None:
    """First audio, silence inside a reply, how long "mm" hushes it, the answer to an interruption."""
    best, other = outcomes[costs, "priorities"], outcomes[costs, rule]
    for name in ("first_audio", "starved", "hushed", "interruption"):
        assert getattr(best, name) <= getattr(other, name), name
    assert best.longest_waits.get("first audio", 0) <= other.longest_waits.get("first audio", 0)


@pytest.mark.parametrize("costs", COSTS)
def test_without_them_a_first_sound_waits_for_the_whole_reply(
    outcomes: dict[tuple[str, str], Outcome], costs: str
) -> None:
    """With them it waits for nothing."""
    assert outcomes[costs, "priorities"].longest_waits.get("first audio", 0) == 0
    assert outcomes[costs, "first come"].longest_waits.get("first audio", 0) > 2000


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A table of a line for each, and the same as JSON."""
    file = tmp_path / "scheduling.json"
    monkeypatch.setattr(sys, "argv", ["scheduling.py", "--json", str(file)])
    monkeypatch.setattr("scheduling.COSTS", {"agreed": ()})
    main()
    assert len(capsys.readouterr().out.splitlines()) == 4
    assert [one["rule"] for one in json.loads(file.read_text())] == list(RULES)
