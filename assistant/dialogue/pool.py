"""Dialogues shared out among workers, each with models of its own; processes of this machine, or of a cluster.

A worker is an executor that does one thing at a time. One that dies is replaced, and what it had in
hand is run again: virtual time makes every result what it would be anywhere else.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from assistant.dialogue.load import Dialogue
from assistant.dialogue.result import Performance
from assistant.dialogue.runner import model_loader, run_dialogue
from assistant.errors import ClusterError
from assistant.simulation.clock import ClockMode

Hire: TypeAlias = Callable[[], Executor]
"""Gives a new worker. A dead one's futures end in BrokenExecutor."""

_MOST_LOSSES = 3
"""A dialogue that loses as many workers is what kills them."""


@dataclass(frozen=True, slots=True)
class Task:
    """One run of one dialogue."""

    dialogue: Dialogue
    run: int
    mode: ClockMode
    stored: bool
    """Whether steps are taken from the step store, and kept there."""


@dataclass(frozen=True, slots=True)
class News:
    """Told of as it happens, whatever the order of the results."""

    done: Callable[[Performance], None]
    """A dialogue has been run."""
    lost: Callable[[Dialogue], None]
    """The worker that ran a dialogue has died; it will be run again."""


def share_out(tasks: Sequence[Task], hire: Hire, workers: int, news: News) -> Generator[Performance]:
    """Run dialogues, several at once. Results come in the order of the tasks, each as soon as those before it have.

    After Ctrl-C those come that are done, whatever is missing between them, and then KeyboardInterrupt.

    Args:
        tasks: What to run.
        hire: Gives workers.
        workers: How many.
        news: Told of what happens.

    Raises:
        ClusterError: A dialogue, or the start of a worker, killed one worker after the other.
        ModelError: As `runner.run_dialogues`, as is the other.
        InferenceError: A model failed.
    """
    team = _Team(tasks, hire, min(workers, len(tasks)), news)
    try:
        for index in range(len(tasks)):
            while index not in team.done:
                team.step()
            yield team.done.pop(index)
    except KeyboardInterrupt:
        yield from (team.done[index] for index in sorted(team.done))
        raise
    finally:
        team.dismiss()


class _Team:
    """Who does what. A worker is given its first task when it is ready: one for which there is no room never is."""

    def __init__(self, tasks: Sequence[Task], hire: Hire, workers: int, news: News) -> None:
        self.done: dict[int, Performance] = {}
        self._tasks = tasks
        self._hire = hire
        self._news = news
        self._waiting = deque(range(len(tasks)))
        self._workers: set[Executor] = set()
        self._idle: list[Executor] = []
        self._busy: dict[Future[Performance | None], tuple[Executor, int | None]] = {}
        self._losses: Counter[int | None] = Counter()
        for _ in range(workers):
            self._start()

    def step(self) -> None:
        """Hand out what can be, and wait for the next thing to happen."""
        while self._idle and self._waiting:
            self._give(self._idle.pop(), self._waiting.popleft())
        for future in wait(self._busy, return_when=FIRST_COMPLETED).done:
            worker, task = self._busy.pop(future)
            try:
                performance = future.result()
            except BrokenExecutor as error:
                self._replace(worker, task, error)
                continue
            self._idle.append(worker)
            if performance is not None and task is not None:
                self.done[task] = performance
                self._news.done(performance)

    def dismiss(self) -> None:
        """Let every worker go, in the middle of a dialogue too."""
        for worker in self._workers:
            worker.shutdown(wait=False, cancel_futures=True)

    def _give(self, worker: Executor, task: int) -> None:
        try:
            self._busy[worker.submit(perform, self._tasks[task])] = worker, task
        except BrokenExecutor as error:  # it died of idleness
            self._replace(worker, task, error)

    def _start(self) -> None:
        worker = self._hire()
        self._workers.add(worker)
        self._busy[worker.submit(_ready)] = worker, None

    def _replace(self, worker: Executor, task: int | None, error: BrokenExecutor) -> None:
        self._workers.discard(worker)
        worker.shutdown(wait=False)
        self._losses[task] += 1
        if self._losses[task] == _MOST_LOSSES:
            what = "starting" if task is None else f"running {self._tasks[task].dialogue.path}"
            reason = str(error).strip().rpartition("\n")[2].rstrip(".")
            raise ClusterError(f"{_MOST_LOSSES} workers died {what} ({reason}); give fewer --jobs if memory ran out.")
        if task is not None:
            self._waiting.appendleft(task)
            self._news.lost(self._tasks[task].dialogue)
        self._start()


_own_models = cache(model_loader)
"""This process's own."""


def _ready() -> None:
    """This module is imported by now, and most of what a dialogue needs with it."""


def perform(task: Task) -> Performance:
    """Run a task in this process, with its own models."""
    return run_dialogue(task.dialogue, task.run, task.mode, _own_models(task.mode, task.stored))


class ProcessWorker(ProcessPoolExecutor):
    """A process of this machine."""

    def __init__(self) -> None:
        # MLX does not survive a fork
        super().__init__(1, multiprocessing.get_context("spawn"), _leave_interrupts_to_the_parent)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See Executor; with `cancel_futures` what is running is not waited for either."""
        for process in list((self._processes or {}).values()) if cancel_futures else ():
            process.terminate()
        super().shutdown(wait, cancel_futures=cancel_futures)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
