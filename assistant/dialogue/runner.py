"""Runs checked dialogues one after another, each on a stage of its own, and judges them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from assistant.app import (
    LoadChatWeights,
    Models,
    load_chat,
    load_chat_weights,
    load_judge,
    load_models,
    load_transcriber,
    load_turn,
    load_voice,
)
from assistant.config import Config
from assistant.dialogue.expect import judge_expectations
from assistant.dialogue.judge_endpoint import EndpointJudge
from assistant.dialogue.load import Dialogue
from assistant.dialogue.reply_judge import Judge, LocalJudge, asks_for_judge, judge_replies, judging_config
from assistant.dialogue.result import Performance, models_used, summarise
from assistant.dialogue.stage import LoadModels, Stage
from assistant.dialogue.step_store import StepStore, digest, judge_code, makers
from assistant.dialogue.stored_models import Lazy, StoredChat, StoredSynthesizer, StoredTranscriber, StoredTurnModel
from assistant.dialogue.trace import Trace
from assistant.dialogue.wer import word_error_rate
from assistant.metrics import TurnRecord
from assistant.models import lock
from assistant.models.store import Store
from assistant.simulation import clock
from assistant.simulation.clock import ClockMode
from assistant.simulation.judge import judge

if TYPE_CHECKING:
    from assistant.models.weights import ChatWeights

Progress: TypeAlias = Callable[[Dialogue, int], None]
"""Told of each entry as it begins."""


def _ignore(*_: object) -> None:
    pass


class Shelf:
    """Loads models and keeps those last used, so that scripts with the same settings share them.

    Args:
        store: Steps that need not be taken again; only for the `simulated` clock.
    """

    def __init__(self, store: StepStore | None = None) -> None:
        self.store = store
        self._kept: dict[str, tuple[str, Lazy[Any]]] = {}
        self._weights: dict[str, ChatWeights] = {}
        """Of the language models in use, by name: talks under other settings, and the judge, share them."""

    def __call__(self, config: Config) -> Models:
        """The models of a configuration for one dialogue, loaded on this thread; with a store, when they are needed.

        Raises:
            ModelError: A model is not there, is damaged, or has no such voice.
        """
        settings = {"transcriber": config.transcribe, "chat": config.chat, "voice": config.speech}
        keys = {role: digest(section, *self._makers(config, role)) for role, section in settings.items()}
        if config.models.draft:
            keys["chat"] = digest(keys["chat"], *self._makers(config, "draft"))
        if config.models.turn:
            keys["turn"] = digest(*self._makers(config, "turn"))
        transcriber = self._take("transcriber", keys["transcriber"], lambda: load_transcriber(config))
        chat = self._take("chat", keys["chat"], lambda: load_chat(config, self._load_weights(config)))
        voice = self._take("voice", keys["voice"], lambda: load_voice(config))
        turn = self._take("turn", keys["turn"], lambda: load_turn(config)) if config.models.turn else None
        store = self.store
        if store is None:
            return Models(transcriber.model, chat.model, voice.model, turn.model if turn else None)
        rate_hz = store.number(digest(keys["voice"], "rate_hz"), lambda: voice.model.rate_hz)
        return Models(
            StoredTranscriber(keys["transcriber"], store, transcriber),
            StoredChat(keys["chat"], store, chat),
            StoredSynthesizer(keys["voice"], store, voice, rate_hz, config.speech.speed),
            StoredTurnModel(keys["turn"], store, turn) if turn else None,
        )

    def _makers(self, config: Config, role: str) -> tuple[object, ...]:
        """What else makes a model's steps: its name; with a store also weights, libraries, code and processor."""
        name = getattr(config.models, role)
        if self.store is None:
            return name, config.runtime
        entry, models = lock.find(name), Store()
        return name, config.runtime, makers(), entry.source, [models.expected(entry, file) for file in entry.files]

    def _take(self, role: str, key: str, load: Callable[[], Any]) -> Lazy[Any]:
        if role not in self._kept or self._kept[role][0] != key:
            self._kept.pop(role, None)  # first: two large models may not fit
            self._kept[role] = key, Lazy(load)
        return self._kept[role][1]

    def _load_weights(self, talk: Config) -> LoadChatWeights:
        """What loads each language model once, and lets go of those that a talk and its judge have no use for."""
        names = talk.models.chat, talk.models.draft, talk.judge.model

        def load(config: Config, name: str) -> ChatWeights:
            # first: two large models may not fit
            self._weights = {kept: weights for kept, weights in self._weights.items() if kept in names}
            if name not in self._weights:
                self._weights[name] = load_chat_weights(config, name)
            return self._weights[name]

        return load

    def judge(self, config: Config) -> Judge:
        """The judge of replies that a configuration names.

        Raises:
            ConfigError: The key of its endpoint is missing.
            ModelError: It is not there, or damaged.
        """
        if config.judge.endpoint:
            return EndpointJudge(config.judge)
        judging, load = judging_config(config), self._load_weights(config)
        key = digest("judge", judging.chat, *self._makers(judging, "chat"), judge_code())
        facts = models_used(judging)["chat"]
        return LocalJudge(facts, self._take("judge", key, lambda: load_judge(judging, load)), key, self.store)


def check_judges(dialogues: Iterable[Dialogue]) -> None:
    """Raise a ConfigError or a ModelError if a judge that is asked for cannot be used: better now than after a talk."""
    for dialogue in dialogues:
        if not asks_for_judge(dialogue):
            continue
        if dialogue.config.judge.endpoint:
            EndpointJudge(dialogue.config.judge)
        else:
            lock.local_folder(models_used(judging_config(dialogue.config))["chat"]["name"])


def model_loader(mode: ClockMode, stored: bool = False) -> LoadModels:
    """What gives dialogues their models under a clock.

    Args:
        mode: The clock.
        stored: Whether steps are taken from the step store, and kept there; only for the `simulated` clock.
    """
    # under the real clock every dialogue has an MLX thread of its own, which loads its own models
    return load_models if mode == "real" else Shelf(StepStore() if stored else None)


def run_dialogues(
    dialogues: Iterable[Dialogue],
    mode: ClockMode = "simulated",
    load: LoadModels | None = None,
    progress: Progress = _ignore,
    changed: Callable[[TurnRecord], None] = _ignore,
    repeat: int = 1,
) -> Generator[Performance]:
    """Run dialogues in turn. After Ctrl-C the unfinished one is the last, with what there is of it.

    Args:
        dialogues: From `load_dialogues`.
        mode: The clock.
        load: Gives the models of a configuration.
        progress: Told of each entry as it begins.
        changed: Told of every change of a turn.
        repeat: How often each is run.

    Raises:
        ModelError: A model is not there.
        InferenceError: A model failed.
    """
    load = load or model_loader(mode)
    for dialogue in dialogues:
        for run in range(repeat):
            performance = run_dialogue(dialogue, run, mode, load, partial(progress, dialogue), changed)
            yield performance
            if performance.trace.stopped:
                return


def run_dialogue(
    dialogue: Dialogue,
    run: int,
    mode: ClockMode,
    load: LoadModels,
    progress: Callable[[int], None] = _ignore,
    changed: Callable[[TurnRecord], None] = _ignore,
) -> Performance:
    """Run one dialogue once, to its end or to Ctrl-C; arguments and errors as of `run_dialogues`."""
    stage = Stage(dialogue, mode, progress, changed)
    kept, made = _steps(load)
    with suppress(KeyboardInterrupt):
        clock.run(partial(stage.play, load), mode)
    kept_now, made_now = _steps(load)
    return replace(
        _judged(dialogue, run, stage.trace, mode, load), steps_kept=kept_now - kept, steps_made=made_now - made
    )


def _steps(load: LoadModels) -> tuple[int, int]:
    """How many steps were kept and made so far; none are counted where there is no store."""
    store = load.store if isinstance(load, Shelf) else None
    return (0, 0) if store is None else (store.kept, store.made)


def _judged(dialogue: Dialogue, run: int, trace: Trace, mode: ClockMode, load: LoadModels) -> Performance:
    voiced = [entry.voiced_s for entry in trace.entries if entry.voiced_s is not None]
    replies = [span for reply in trace.replies for span in reply]
    verdict = judge(dialogue.script.room, trace.turns, replies, voiced, trace.seconds)
    language = dialogue.config.transcribe.language
    result = summarise(dialogue, trace, verdict, mode, partial(word_error_rate, language=language))
    result.run = run
    if asks_for_judge(dialogue) and not trace.stopped:  # after the talk: its time is not virtual
        judge_replies(result, dialogue, (load if isinstance(load, Shelf) else Shelf()).judge(dialogue.config))
    return Performance(dialogue, trace, judge_expectations(result, dialogue, trace), verdict.unasked)
