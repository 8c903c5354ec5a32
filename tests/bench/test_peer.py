"""The peer on its stage: a stand-in without weights, and mlx-audio's own pipeline on the real models."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from fakes import FAKE_RATE_HZ, FakeChat, FakeSynthesizer, FakeTranscriber

from assistant import config
from assistant.app import Models
from assistant.bench import peer as peer_stage
from assistant.bench.peer import PEER_PARTS, PeerTurn, run_peer
from assistant.bench.run import RECORDINGS, utterances
from assistant.bench.turns import LeftOut
from assistant.config import Config
from assistant.dialogue.load import Dialogue
from assistant.dialogue.runner import model_loader
from assistant.messages import Samples, Step, Steps, Transcript, Work

PLAY = RECORDINGS / "rhasspy3_play_the_beatles.wav"


def utterance() -> Dialogue:
    """One recording, 3 s long."""
    (dialogue,) = utterances([PLAY], config.load("small"))
    return dialogue


class Hears(FakeTranscriber):
    """Anything, for the warm-up."""

    def transcribe(self, samples: Samples, language: str = "") -> Steps[Transcript]:
        """See ports.Transcriber."""
        yield Step((), (Transcript("play"),))


def no_models(config: Config) -> Models:
    """Which the stand-in does not use."""
    return Models(Hears(), FakeChat(["yes"]), FakeSynthesizer())


class Notes:
    """What a peer's parts put down."""

    transcript, reply = "play", "Yes."

    def __init__(self) -> None:
        self.done: list[Work] = []

    def taken(self) -> tuple[Work, ...]:
        """What was done since this was last asked."""
        done, self.done = tuple(self.done), []
        return done


def stand_in(at_s: float, sounds: bool = True) -> SimpleNamespace:
    """A module with a peer that works as a whole begins to, `at_s` of its clock, and plays a tone then."""

    class Peer:
        def __init__(self, transcriber: Any, chat: Any, voice: Any, given: Any, notes: Any, worker: Any) -> None:
            self._notes, self._worker = notes, worker

        async def run(self, sound_card: Any, time_s: Callable[[], float]) -> None:
            began_s = time_s()
            await anyio.sleep(at_s - (time_s() - began_s))
            for work in (Work("whisper_encoder", 30), Work("chat_prefill", 20), Work("voice", 1)):
                await self._worker.run(partial(self._notes.done.append, work))
            if sounds:
                sound_card.OutputStream(FAKE_RATE_HZ, 1, lambda block, *_: block.fill(0.1), 800).start()
            await anyio.sleep_forever()

        def hush(self) -> None:
            pass

    return SimpleNamespace(Peer=Peer, Notes=Notes, Given=lambda *facts: facts)


def performed(monkeypatch: pytest.MonkeyPatch, module: SimpleNamespace) -> PeerTurn | LeftOut | None:
    """In virtual time, without the loop's own, so that a busy machine changes nothing."""
    monkeypatch.setattr(peer_stage, "_peer_module", lambda config: module)
    return run_peer(utterance(), 0, "simulated", no_models)


def test_what_the_peer_takes_is_split_as_ours_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the last voiced sample to the first audible one, in parts that add up."""
    turn = performed(monkeypatch, stand_in(at_s=4.0))
    assert isinstance(turn, PeerTurn)
    assert tuple(turn.parts_ms) == PEER_PARTS
    assert turn.wait_ms == pytest.approx(4000 - 1000 * turn.since_s, abs=100)
    assert turn.parts_ms["device"] >= 20
    assert (turn.transcript, turn.reply, turn.recording) == ("play", "Yes.", PLAY.name)


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (stand_in(at_s=1.0), "it was answered before its end"),
        (stand_in(at_s=4.0, sounds=False), "no reply was heard"),
        (stand_in(at_s=60.0), "no reply was heard"),
    ],
)
def test_what_cannot_be_compared_is_told(monkeypatch: pytest.MonkeyPatch, module: SimpleNamespace, reason: str) -> None:
    """The stage does not wait for ever."""
    assert performed(monkeypatch, module) == LeftOut(PLAY.name, 0, reason)


@pytest.mark.models
@pytest.mark.usefixtures("no_network")
def test_the_pipeline_of_mlx_audio() -> None:
    """Its own code hears the recording, answers and speaks on our models; its modules are as they were afterwards."""
    from mlx_audio.sts import audio_player, voice_pipeline

    own = audio_player.sd, voice_pipeline.sd, voice_pipeline.time
    turn = run_peer(utterance(), 0, "measured", model_loader("measured"))
    assert isinstance(turn, PeerTurn)
    assert "beatles" in turn.transcript.lower() and turn.reply
    assert turn.wait_ms > 500
    assert [step.work[0].kind for step in turn.steps] == ["whisper_encoder", "chat_prefill", "voice"]
    assert turn.steps[0].work[0].amount == 30
    assert min(turn.parts_ms.values()) > 0
    assert (audio_player.sd, voice_pipeline.sd, voice_pipeline.time) == own
