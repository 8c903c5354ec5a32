"""A dialogue script played at a simulated desk at which a talk is recorded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import anyio

from assistant.app import Assistant, Models
from assistant.clock import TalkClock
from assistant.config import Config
from assistant.dialogue.driver import Driver
from assistant.dialogue.load import Dialogue
from assistant.dialogue.talk_recorder import Recorder
from assistant.dialogue.trace import EntryTrace, Trace
from assistant.history import History
from assistant.keeping import TappedDesk
from assistant.metrics import Span, TurnRecord
from assistant.simulation import clock as virtual
from assistant.simulation.desk import SimulatedDesk
from assistant.simulation.inference import SimulatedInference


def record(
    dialogue: Dialogue,
    base: Path,
    load: Callable[[Config], Models],
    during: Callable[[Assistant, float], None] = lambda assistant, time_s: None,
) -> tuple[Recorder, str]:
    """Play a dialogue in its room; the recorder, and what it says at the end.

    Args:
        dialogue: What the user does.
        base: Where the talk is recorded.
        load: Gives the models.
        during: Called every 10 ms with the talk and its time, for what no script can do.
    """
    config, script = dialogue.config, dialogue.script

    async def talk() -> tuple[Recorder, str]:
        began = datetime.fromisoformat(config.simulation.start)
        clock, push_to_talk = TalkClock(began), script.mode == "push-to-talk"
        desk = SimulatedDesk(script.room, dialogue.noise)
        recorder = Recorder(base, config, "small", push_to_talk, desk.latency_ms, began)
        models = load(config)
        history = History(config.chat.system_prompt, clock)
        for _ in models.chat.prefill(history.messages()):
            pass
        tapped, inference = TappedDesk(desk, recorder.frame), SimulatedInference(config.simulation.costs)
        assistant = Assistant(
            config, tapped, models, inference, clock, history, push_to_talk, recorder.changed, heard=recorder.heard
        )
        recorder.deaf = lambda: assistant.muted

        def audible(turn: TurnRecord) -> Span | None:
            sounded = assistant.conversation.sounded(turn)
            return (sounded[0][0], sounded[-1][1]) if sounded else None

        trace = Trace([EntryTrace(index, entry) for index, entry in enumerate(script.turns)])
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(assistant.run)
            tasks.start_soon(_every_frame, lambda: during(assistant, clock.time_s()))
            await Driver(dialogue, trace, assistant, desk.say, audible, clock.time_s).play()
            tasks.cancel_scope.cancel()
        assistant.conversation.cancel()
        return recorder, recorder.close()

    return virtual.run(talk, "simulated")


async def _every_frame(act: Callable[[], None]) -> None:
    while True:
        act()
        await anyio.sleep(0.01)
