"""Who of several workers runs which dialogue, and what becomes of it when they die; with workers that only pretend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path
from typing import Any, cast

import pytest

from assistant.dialogue.load import Dialogue, load_dialogues
from assistant.dialogue.pool import News, Task, perform, share_out
from assistant.dialogue.result import Performance
from assistant.errors import ClusterError, InferenceError


class Office:
    """Hires workers who do with each dialogue what is planned for it, one plan for each time that it is run."""

    def __init__(self, **plans: list[str]) -> None:
        self.plans = plans
        self.begun: list[str] = []
        self.let_go = 0
        self.late: list[Callable[[], None]] = []
        self.starts: Iterator[str] = iter(())

    def hire(self) -> Executor:
        """A worker."""
        return Worker(self, next(self.starts, "starts"))


class Worker(Executor):
    """Is ready at once, or dies at once, or neither ever."""

    def __init__(self, office: Office, start: str) -> None:
        self._office, self._start = office, start

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See Executor."""
        future: Future[Any] = Future()
        if fn is not perform:
            if self._start == "starts":
                future.set_result(None)
            elif self._start == "dies":
                future.set_exception(BrokenExecutor("no room"))
            return future
        name = args[0].dialogue.name
        self._office.begun.append(name)
        if len(self._office.begun) == 3:
            for settle in self._office.late:
                settle()
        self._act(future, name, self._office.plans.get(name, ["runs"]).pop(0))
        return future

    def _act(self, future: Future[Any], name: str, plan: str) -> None:
        if plan == "runs late":
            self._office.late.append(lambda: future.set_result(name))
        elif plan == "runs":
            future.set_result(name)
        elif plan == "dies":
            future.set_exception(BrokenExecutor("killed"))
        elif plan == "was dead":
            raise BrokenExecutor("killed")
        elif plan == "fails":
            future.set_exception(InferenceError("The model failed."))
        elif plan == "Ctrl-C":
            raise KeyboardInterrupt

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See Executor."""
        self._office.let_go += 1


@pytest.fixture
def tasks(tmp_path: Path) -> list[Task]:
    """Of four dialogues: a, b, c and d."""
    for name in "abcd":
        (tmp_path / f"{name}.yaml").write_text("turns: [{silence_ms: 1}]")
    return [Task(dialogue, 0, "simulated", False) for dialogue in load_dialogues([tmp_path], "small")]


class Told:
    """What was told, in order."""

    def __init__(self) -> None:
        self.news: list[str] = []

    def done(self, performance: Performance) -> None:
        """Workers here return the name for a performance."""
        self.news.append(str(performance))

    def lost(self, dialogue: Dialogue) -> None:
        """The worker of a dialogue."""
        self.news.append(f"lost {dialogue.name}")


def names(tasks: list[Task], office: Office, workers: int, told: Told | None = None) -> Iterator[str]:
    """What comes of it, in order."""
    told = told or Told()
    results = share_out(tasks, office.hire, workers, News(told.done, told.lost))
    return cast("Iterator[str]", results)


def test_results_come_in_the_order_of_the_dialogues_whoever_is_done_first(tasks: list[Task]) -> None:
    """News of them comes as they do."""
    office, told = Office(a=["runs late"]), Told()
    assert list(names(tasks, office, 2, told)) == ["a", "b", "c", "d"]
    assert told.news[0] == "b"
    assert sorted(told.news) == ["a", "b", "c", "d"]
    assert office.let_go == 2


@pytest.mark.parametrize("death", ["dies", "was dead"])
def test_what_a_dead_worker_had_in_hand_is_run_again(tasks: list[Task], death: str) -> None:
    """By another, and nothing is missing or double."""
    office, told = Office(b=[death, "runs"]), Told()
    assert list(names(tasks, office, 2, told)) == ["a", "b", "c", "d"]
    assert office.begun.count("b") == 2 and len(office.begun) == 5
    assert told.news.count("lost b") == 1
    assert office.let_go == 3


def test_a_dialogue_that_kills_every_worker_is_given_up(tasks: list[Task]) -> None:
    """With its path; what came before it is there."""
    office = Office(b=["dies", "dies", "dies"])
    results = names(tasks, office, 1)
    assert next(results) == "a"
    with pytest.raises(ClusterError, match=r"^3 workers died running .*b\.yaml \(killed\); "):
        next(results)


def test_workers_that_cannot_be_started_are_given_up(tasks: list[Task]) -> None:
    """With the reason."""
    office = Office()
    office.starts = iter(["dies"] * 3)
    with pytest.raises(ClusterError, match=r"3 workers died starting \(no room\)"):
        list(names(tasks, office, 1))


def test_a_worker_for_whom_there_is_no_room_holds_nothing_up(tasks: list[Task]) -> None:
    """The other runs everything."""
    office = Office()
    office.starts = iter(["waits", "starts"])
    assert list(names(tasks, office, 2)) == ["a", "b", "c", "d"]


def test_after_ctrl_c_what_is_done_comes_whatever_is_missing(tasks: list[Task]) -> None:
    """And nobody is left at work."""
    office = Office(a=["never ends"], c=["Ctrl-C"])
    results = names(tasks, office, 2)
    assert next(results) == "b"
    with pytest.raises(KeyboardInterrupt):
        next(results)
    assert office.let_go == 2


def test_a_model_that_fails_ends_the_run(tasks: list[Task]) -> None:
    """As it does without workers."""
    with pytest.raises(InferenceError):
        list(names(tasks, Office(b=["fails"]), 2))
