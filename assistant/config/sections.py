"""The sections of the configuration: types and ranges; config/default.toml says what each key means."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

Probability = Annotated[float, Field(ge=0, le=1)]
Phrases: TypeAlias = dict[str, list[str]]
"""By language code. The tables of such phrases are the only ones to which keys may be added."""


class Section(BaseModel):
    """Every key is there, none is unknown, nothing is converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Models(Section):
    transcriber: str
    chat: str
    draft: str
    voice: str
    turn: str


class Runtime(Section):
    blas_threads: Annotated[int, Field(ge=1, le=64)]
    seed: Annotated[int, Field(ge=0, le=2147483647)]


class Memory(Section):
    cache_mb: Annotated[int, Field(ge=0, le=1048576)]
    most_mb: Annotated[int, Field(ge=0, le=1048576)]
    wired_mb: Annotated[int, Field(ge=0, le=1048576)]
    clear_after_s: Annotated[float, Field(ge=0.1, le=86400)]


class Vad(Section):
    webrtc_mode: Annotated[int, Field(ge=0, le=3)]
    start_probability: Probability
    continue_probability: Probability
    start_ms: Annotated[int, Field(ge=32, le=1000)]


class Endpoint(Section):
    work_ms: Annotated[int, Field(ge=30, le=2000)]
    pause_ms: Annotated[int, Field(ge=50, le=2000)]
    end_ms: Annotated[int, Field(ge=100, le=5000)]
    adaptive: bool
    final_ms: Annotated[int, Field(ge=100, le=5000)]
    final_probability: Probability
    finished_ms: Annotated[int, Field(ge=100, le=5000)]
    unfinished_ms: Annotated[int, Field(ge=100, le=5000)]
    sounds_finished: Probability
    sounds_unfinished: Probability
    pre_roll_ms: Annotated[int, Field(ge=0, le=2000)]
    min_voiced_ms: Annotated[int, Field(ge=0, le=2000)]
    max_utterance_s: Annotated[float, Field(ge=5, le=3600)]

    @model_validator(mode="after")
    def _pause_before_end(self) -> Endpoint:
        if self.pause_ms >= self.end_ms:
            raise ValueError(f"pause_ms ({self.pause_ms}) must be less than end_ms ({self.end_ms})")
        return self


class PushToTalk(Section):
    pre_roll_ms: Annotated[int, Field(ge=0, le=2000)]
    post_roll_ms: Annotated[int, Field(ge=0, le=1000)]
    max_hold_s: Annotated[float, Field(ge=1, le=900)]


class Echo(Section):
    canceller: bool
    device: Literal["auto", "loudspeakers", "headphones"]
    tail_ms: Annotated[int, Field(ge=0, le=2000)]
    overlap: Probability


class Interruption(Section):
    confirm_ms: Annotated[int, Field(ge=100, le=5000)]
    backchannels: Phrases


class Commands(Section):
    stop: Phrases
    never_mind: Phrases
    go_on: Phrases
    repeat: Phrases
    louder: Phrases
    quieter: Phrases
    faster: Phrases
    slower: Phrases
    time: Phrases
    sleep: Phrases
    wake: Phrases


class Transcribe(Section):
    language: str
    context: Literal["auto", "short", "full"]
    tokens_per_s: Annotated[float, Field(ge=1, le=50)]
    no_speech_probability: Probability


class Chat(Section):
    system_prompt: str
    max_tokens: Annotated[int, Field(ge=1, le=4096)]
    temperature: Annotated[float, Field(ge=0, le=2)]
    top_p: Probability
    context_tokens: Annotated[int, Field(ge=256, le=131072)]
    prefill_step_tokens: Annotated[int, Field(ge=16, le=4096)]
    draft_tokens: Annotated[int, Field(ge=1, le=16)]


class Speech(Section):
    voice: str
    speed: Annotated[float, Field(ge=0.5, le=2.0)]
    first_fragment_s: Annotated[float, Field(ge=0.5, le=4)]
    max_fragment_s: Annotated[float, Field(ge=1, le=10)]
    sentence_gap_ms: Annotated[int, Field(ge=0, le=2000)]
    clause_gap_ms: Annotated[int, Field(ge=0, le=2000)]


class Playback(Section):
    ahead_s: Annotated[float, Field(ge=1, le=60)]
    fade_ms: Annotated[int, Field(ge=0, le=50)]
    phrases_s: Annotated[float, Field(ge=0, le=600)]


class Acknowledge(Section):
    after_ms: Annotated[int, Field(ge=0, le=10000)]
    phrase: str


class Talk(Section):
    idle_warm_up_s: Annotated[float, Field(ge=1, le=86400)]


class Earcons(Section):
    enabled: bool
    level_db: Annotated[float, Field(ge=-60, le=-10)]


class Devices(Section):
    microphone: str
    loudspeaker: str
    latency_ms: Annotated[int, Field(ge=10, le=500)]


class Judge(Section):
    model: str
    endpoint: str
    endpoint_model: str
    endpoint_key_variable: str
    allow_remote: bool
    timeout_s: Annotated[float, Field(ge=1, le=3600)]


class Costs(Section):
    whisper_encoder_ms_per_s_of_context: Annotated[float, Field(ge=0)]
    whisper_token_ms: Annotated[float, Field(ge=0)]
    chat_prefill_ms_per_token: Annotated[float, Field(ge=0)]
    chat_token_ms: Annotated[float, Field(ge=0)]
    voice_fixed_ms: Annotated[float, Field(ge=0)]
    voice_ms_per_s: Annotated[float, Field(ge=0)]
    turn_model_ms: Annotated[float, Field(ge=0)]


class Simulation(Section):
    start: str
    costs: Costs

    @model_validator(mode="after")
    def _start_is_a_date(self) -> Simulation:
        datetime.fromisoformat(self.start)  # its ValueError is the message
        return self
