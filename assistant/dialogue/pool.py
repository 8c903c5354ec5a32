"""Dialogues in several processes at once: each loads the models for itself, results come in the same order."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import cache

from assistant.dialogue.load import Dialogue
from assistant.dialogue.result import Performance
from assistant.dialogue.runner import model_loader, run_dialogue
from assistant.simulation.clock import ClockMode


def run_in_processes(
    dialogues: Sequence[Dialogue], mode: ClockMode, jobs: int, repeat: int = 1, stored: bool = False
) -> Generator[Performance]:
    """Run dialogues, `jobs` at a time; otherwise as `runner.run_dialogues`.

    After Ctrl-C the unfinished ones are lost. Virtual time makes every result what it would be alone.

    Args:
        dialogues: From `load_dialogues`.
        mode: The clock.
        jobs: Number of processes.
        repeat: How often each is run.
        stored: Whether steps are taken from the step store, and kept there.
    """
    context = multiprocessing.get_context("spawn")  # MLX does not survive a fork
    with ProcessPoolExecutor(jobs, context, _leave_interrupts_to_the_parent) as pool:
        waiting: list[Future[Performance]] = [
            pool.submit(_run, dialogue, run, mode, stored) for dialogue in dialogues for run in range(repeat)
        ]
        try:
            while waiting:
                yield waiting.pop(0).result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


_own_models = cache(model_loader)
"""This process's own."""


def _run(dialogue: Dialogue, run: int, mode: ClockMode, stored: bool) -> Performance:
    return run_dialogue(dialogue, run, mode, _own_models(mode, stored))
