"""What a dialogue script may say: the keys of the contract, with their types, ranges and defaults."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from assistant.simulation.room import RoomConfig

AFTER_MS = 500.0

Ms = Annotated[float, Field(ge=0, le=86_400_000, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]


class MisplacedError(ValueError):
    """A key that is right by itself and wrong where it stands."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(text)
        self.key = key


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _number_as_text(item: Any) -> Any:
    """`contains_any: [10, ten]` can only mean the text "10"."""
    return str(item) if isinstance(item, int) and not isinstance(item, bool) else item


class ReplyExpectation(_Part):
    """What the reply's text must be like."""

    min_words: Count | None = None
    max_words: Count | None = None
    contains_any: Annotated[list[Annotated[str, BeforeValidator(_number_as_text)]], Field(min_length=1)] | None = None
    matches: str | None = None
    not_matches: str | None = None
    judge: Annotated[str, Field(pattern=r"\S")] | None = None
    """What the reply must do, in words, as "greets the user and asks how to help"; a language model decides."""

    @field_validator("matches", "not_matches")
    @classmethod
    def _is_a_pattern(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"not a regular expression of Python's re, {error}") from None
        return pattern


class EntryExpectation(_Part):
    """What must come of one entry."""

    transcript: str | None = None
    max_wer: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.2
    turns: Count | None = None
    """None: 1 for a WAV, 0 for silence and typed lines."""
    reply: ReplyExpectation = ReplyExpectation()
    first_audio_ms: Ms | None = None
    interrupted: bool | None = None
    stopped_within_ms: Ms | None = None

    @field_validator("transcript")
    @classmethod
    def _has_words(cls, transcript: str | None) -> str | None:
        if transcript is not None and not re.search(r"\w", transcript):
            raise ValueError("no word in it; leave the key out, or expect `turns: 0`")
        return transcript

    @model_validator(mode="after")
    def _no_limit_without_transcript(self) -> EntryExpectation:
        if "max_wer" in self.model_fields_set and self.transcript is None:
            raise MisplacedError("max_wer", "there is no transcript to measure it against; add the transcript")
        return self


class DialogueExpectation(_Part):
    """What must come of the whole dialogue."""

    turns: Count | None = None
    self_heard: Count = 0
    noise_heard: Count = 0


class Entry(_Part):
    """Something that happens: a recording, a typed line, or silence."""

    user: Annotated[str, Field(min_length=1)] | None = None
    silence_ms: Ms | None = None
    type: Annotated[str, Field(pattern=r"\S")] | None = None
    gain_db: Annotated[float, Field(ge=-120, le=60, allow_inf_nan=False)] | None = None
    voiced_ms: Annotated[list[Ms], Field(min_length=2, max_length=2)] | None = None
    after_ms: Ms | None = None
    interrupts_after_ms: Ms | None = None
    after_speech_ms: Ms | None = None
    expect: EntryExpectation = EntryExpectation()

    @model_validator(mode="after")
    def _fits_together(self) -> Entry:
        if len(self._given("user", "silence_ms", "type")) != 1:
            raise ValueError("an entry has one of user, silence_ms and type; give one of them")
        start_keys = self._given("after_ms", "interrupts_after_ms", "after_speech_ms")
        if len(start_keys) > 1:
            raise MisplacedError(start_keys[1], f"the entry has {start_keys[0]} too, and takes one start key; keep one")
        for key in self._given("gain_db", "voiced_ms"):
            if self.user is None:
                raise MisplacedError(key, "it belongs to a recording (`user:`); take it out")
        if self.type is not None and self.after_speech_ms is not None:
            raise MisplacedError("after_speech_ms", "a typed line takes after_ms or interrupts_after_ms; use one")
        if self.voiced_ms is not None and self.voiced_ms[0] >= self.voiced_ms[1]:
            raise MisplacedError("voiced_ms", "the first voiced moment must come before the last; swap them")
        return self

    def _given(self, *keys: str) -> list[str]:
        return [key for key in keys if getattr(self, key) is not None]

    @property
    def kind(self) -> Literal["spoken", "typed", "silence"]:
        """What the result calls it."""
        if self.user is not None:
            return "spoken"
        return "typed" if self.type is not None else "silence"

    @property
    def start_key_ms(self) -> float:
        """The value of its start key, whichever it is."""
        given = (self.after_ms, self.interrupts_after_ms, self.after_speech_ms)
        return next((ms for ms in given if ms is not None), AFTER_MS)

    @property
    def turns_expected(self) -> int:
        """Accepted spoken turns."""
        return self.expect.turns if self.expect.turns is not None else int(self.kind == "spoken")


class Script(_Part):
    """One dialogue, as written."""

    turns: Annotated[list[Entry], Field(min_length=1)]
    name: Annotated[str, Field(min_length=1)] | None = None
    config: dict[str, Any] = {}
    room: RoomConfig | None = None
    mode: Literal["hands-free", "push-to-talk"] = "hands-free"
    ptt_lead_ms: Annotated[float, Field(allow_inf_nan=False)] = 150
    ptt_tail_ms: Annotated[float, Field(allow_inf_nan=False)] = 150
    timeout_ms: Annotated[Ms, Field(gt=0)] = 60_000
    settle_ms: Ms = 2_000
    expect: DialogueExpectation = DialogueExpectation()

    @field_validator("turns")
    @classmethod
    def _has_something_before(cls, turns: list[Entry]) -> list[Entry]:
        if turns[0].interrupts_after_ms is not None:
            raise ValueError("the first entry has no reply before it to interrupt; give it after_ms")
        for index, entry in enumerate(turns):
            if entry.after_speech_ms is not None and all(one.user is None for one in turns[:index]):
                raise ValueError(f"entry {index} has after_speech_ms and no recording before it; give it after_ms")
        return turns
