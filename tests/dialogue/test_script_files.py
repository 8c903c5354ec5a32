"""Scripts and their mistakes: every one is a sentence that names file, line, key and cure."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from assistant.dialogue.load import find_scripts, load_dialogues
from assistant.errors import ConfigError, ScriptError
from assistant.messages import MIC_RATE_HZ

SPEECH = Path(__file__).parent.parent / "speech"
TIMER = SPEECH / "rhasspy3_set_timer.wav"


def _write(folder: Path, text: str, name: str = "script.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace("TIMER", str(TIMER)), encoding="utf-8")
    return path


EVERY_KEY = """\
name: every key
config: {chat: {max_tokens: 20}, simulation: {costs: {chat_token_ms: 30}}}
room:
  echo_gain_db: -20
  echo_delay_ms: 60
  reported_latency_ms: 20
  reverb_rt60_s: 0.3
  noise: pink
  noise_dbfs: -55
  seed: 1
mode: push-to-talk
ptt_lead_ms: -20
ptt_tail_ms: 150
timeout_ms: 60000
settle_ms: 2000
turns:
  - user: TIMER
    gain_db: -6
    voiced_ms: [310, 1920]
    after_ms: 500
    expect:
      transcript: set a timer for ten minutes
      max_wer: 0.2
      turns: 1
      reply: {min_words: 1, max_words: 80, contains_any: [timer, 10], matches: "(?i)timer", not_matches: as an ai}
      first_audio_ms: 2500
  - user: TIMER
    interrupts_after_ms: 700
    expect: {interrupted: true, stopped_within_ms: 400}
  - user: TIMER
    after_speech_ms: 100
  - silence_ms: 4000
    expect: {turns: 0}
  - type: what is the time
expect: {turns: 2, self_heard: 0, noise_heard: 0}
"""


def test_every_key_of_the_contract(tmp_path: Path) -> None:
    """All of them together are a good script, and arrive where they belong."""
    (dialogue,) = load_dialogues([_write(tmp_path, EVERY_KEY)], profile="small")
    assert dialogue.name == "every key"
    assert dialogue.config.chat.max_tokens == 20
    assert dialogue.config.simulation.costs.chat_token_ms == 30
    assert [entry.kind for entry in dialogue.script.turns] == ["spoken", "spoken", "spoken", "silence", "typed"]
    assert [entry.turns_expected for entry in dialogue.script.turns] == [1, 1, 1, 0, 0]
    assert dialogue.script.turns[0].expect.reply.contains_any == ["timer", "10"]
    assert dialogue.recordings[0].voiced_s == (0.31, 1.92)
    assert dialogue.recordings[0].samples == pytest.approx(dialogue.recordings[1].samples * 10**-0.3)
    assert set(dialogue.recordings) == {0, 1, 2}


def test_the_least_script(tmp_path: Path) -> None:
    """Everything but an entry has a default."""
    (dialogue,) = load_dialogues([_write(tmp_path, "turns: [{silence_ms: 1000}]", "quiet.yml")], profile="small")
    script = dialogue.script
    assert (dialogue.name, script.room, script.mode) == ("quiet", None, "hands-free")
    assert (script.timeout_ms, script.settle_ms, script.ptt_lead_ms, script.ptt_tail_ms) == (60_000, 2_000, 150, 150)
    assert (script.expect.turns, script.expect.self_heard, script.expect.noise_heard) == (None, 0, 0)


def test_set_outranks_the_script(tmp_path: Path) -> None:
    """default < profile < --config < the script's config < --set."""
    file = _write(tmp_path, "[chat]\nmax_tokens = 7\ntop_p = 0.5\n", "mine.toml")
    script = _write(tmp_path, "config: {chat: {max_tokens: 8, temperature: 0.5}}\nturns: [{silence_ms: 1}]")
    (dialogue,) = load_dialogues([script], "small", file, ["chat.temperature=0.25"])
    chat = dialogue.config.chat
    assert (chat.top_p, chat.max_tokens, chat.temperature) == (0.5, 8, 0.25)


def test_folders_are_searched_to_any_depth_in_order_of_path(tmp_path: Path) -> None:
    """And a file may have any name."""
    for name in ("b/2.yml", "b/1.yaml", "a.yaml", "b/deep/er/x.yaml", "b/not.txt"):
        _write(tmp_path, "turns: [{silence_ms: 1}]", name)
    found = [path.relative_to(tmp_path).as_posix() for path in find_scripts([tmp_path, tmp_path / "b/not.txt"])]
    assert found == ["a.yaml", "b/1.yaml", "b/2.yml", "b/deep/er/x.yaml", "b/not.txt"]


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()], ids=["missing", "empty folder"])
def test_a_path_without_scripts(tmp_path: Path, make: object) -> None:
    """Is named."""
    path = tmp_path / "nothing"
    make(path)  # type: ignore[operator]
    with pytest.raises(ScriptError, match=r"nothing.*(check the path|give another)\.$"):
        find_scripts([path])


SILENCE = "turns: [{silence_ms: 1}]\n"

MISTAKES = {
    # name: (script, line, key, words of the sentence)
    "empty": ("", None, "", "is empty"),
    "only a comment": ("# nothing yet\n", None, "", "is empty"),
    "not a mapping": ("- user: TIMER\n", 1, "", "a script is a mapping of keys"),
    "bad YAML": ("turns:\n  - user: a\n - user: b\n", 3, "", "not valid YAML"),
    "a tab": ("turns:\n\t- silence_ms: 1\n", 2, "", "not valid YAML"),
    "unclosed quote": ('name: "half\n' + SILENCE, 3, "", "not valid YAML"),
    "two documents": (SILENCE + "---\n" + SILENCE, 2, "", "not valid YAML"),
    "a colon in a text": ("turns:\n  - type: now: what\n", 2, "", "not valid YAML"),
    "a python object": ("name: !!python/object:os.system {}\n" + SILENCE, 1, "", "not valid YAML"),
    "impossible date": ("name: 2023-99-01\n" + SILENCE, 1, "", "not valid YAML"),
    "alias inside itself": ("turns: &all\n  - *all\n", 1, "turns[0]", "an alias may not stand inside"),
    "no turns": ("name: x\n", 1, "turns", "it is missing"),
    "turns empty": ("turns: []\n", 1, "turns", "at least 1 item"),
    "turns no list": ("turns: hello\n", 1, "turns", "it must be a list"),
    "entry no section": ("turns:\n  - hello\n", 2, "turns[0]", "it must be a section"),
    "unknown key": ("trns: []\n" + SILENCE, 1, "trns", "no such key; did you mean turns?"),
    "unknown key of an entry": ("turns:\n  - silence_ms: 1\n    aftr_ms: 3\n", 3, "turns[0].aftr_ms", "mean after_ms?"),
    "unknown expectation": (
        "turns:\n  - user: TIMER\n    expect:\n      transkript: a\n", 4, "turns[0].expect.transkript", "transcript?",
    ),
    "unknown reply key": (
        "turns:\n  - user: TIMER\n    expect:\n      reply: {minwords: 1}\n", 4, "turns[0].expect.reply.minwords",
        "min_words?",
    ),
    "unknown room key": ("room:\n  echo_gain: 3\n" + SILENCE, 2, "room.echo_gain", "echo_gain_db?"),
    "unknown whole expectation": (SILENCE + "expect: {selfheard: 0}\n", 2, "expect.selfheard", "self_heard?"),
    "key twice": (SILENCE + "name: a\nname: b\n", 3, "name", "stands twice (first on line 2)"),
    "key twice, deep": (
        "turns:\n  - silence_ms: 1\n    expect:\n      turns: 0\n      turns: 1\n", 5, "turns[0].expect.turns", "twice",
    ),
    "key that is no text": (SILENCE + "on: 1\n", 2, "", "put it in quotes"),
    "two start keys": (
        "turns:\n  - user: TIMER\n  - user: TIMER\n    after_ms: 1\n    interrupts_after_ms: 2\n", 5,
        "turns[1].interrupts_after_ms", "has after_ms too, and takes one start key",
    ),
    "user and type": ("turns:\n  - user: TIMER\n    type: hi\n", 2, "turns[0]", "one of user, silence_ms and type"),
    "neither": ("turns:\n  - after_ms: 3\n", 2, "turns[0]", "one of user, silence_ms and type"),
    "negative start": ("turns:\n  - silence_ms: 1\n    after_ms: -1\n", 3, "turns[0].after_ms", "greater than"),
    "negative silence": ("turns:\n  - silence_ms: -5\n", 2, "turns[0].silence_ms", "it is -5"),
    "negative settling": (SILENCE + "settle_ms: -1\n", 2, "settle_ms", "greater than or equal"),
    "no time-out": (SILENCE + "timeout_ms: 0\n", 2, "timeout_ms", "greater than 0"),
    "endless": (SILENCE + "settle_ms: .inf\n", 2, "settle_ms", "finite"),
    "time in quotes": ('turns:\n  - silence_ms: "400"\n', 2, "turns[0].silence_ms", "must be a number"),
    "exponent": ("turns:\n  - silence_ms: 1e3\n", 2, "turns[0].silence_ms", "without quotes, unit or exponent"),
    "time true": ("turns:\n  - silence_ms: true\n", 2, "turns[0].silence_ms", "must be a number"),
    "text a number": ("turns:\n  - type: 12\n", 2, "turns[0].type", "must be text; put it in quotes"),
    "text a boolean": ("turns:\n  - type: yes\n", 2, "turns[0].type", "must be text; put it in quotes"),
    "half a turn": ("turns:\n  - silence_ms: 1\n    expect: {turns: 0.5}\n", 3, "turns[0].expect.turns", "whole"),
    "limit without transcript": (
        "turns:\n  - user: TIMER\n    expect: {max_wer: 0.1}\n", 3, "turns[0].expect.max_wer", "add the transcript",
    ),
    "transcript without words": (
        'turns:\n  - user: TIMER\n    expect: {transcript: "..."}\n', 3, "turns[0].expect.transcript", "no word",
    ),
    "bad pattern": (
        'turns:\n  - silence_ms: 1\n    expect: {reply: {matches: "("}}\n', 3, "turns[0].expect.reply.matches",
        "not a regular expression",
    ),
    "no choice": (
        "turns:\n  - silence_ms: 1\n    expect: {reply: {contains_any: []}}\n", 3,
        "turns[0].expect.reply.contains_any", "at least 1 item",
    ),
    "gain without recording": ("turns:\n  - type: hi\n    gain_db: 3\n", 3, "turns[0].gain_db", "take it out"),
    "typed after speech": (
        "turns:\n  - user: TIMER\n  - type: hi\n    after_speech_ms: 3\n", 4, "turns[1].after_speech_ms", "typed line",
    ),
    "nothing to interrupt": ("turns:\n  - user: TIMER\n    interrupts_after_ms: 3\n", 1, "turns", "no reply before"),
    "no speech before": (
        "turns:\n  - type: hi\n  - user: TIMER\n    after_speech_ms: 3\n", 1, "turns", "no recording before it",
    ),
    "voiced backwards": (
        "turns:\n  - user: TIMER\n    voiced_ms: [900, 200]\n", 3, "turns[0].voiced_ms", "swap them",
    ),
    "voiced past the end": (
        "turns:\n  - user: TIMER\n    voiced_ms: [900, 9000]\n", 3, "turns[0].voiced_ms", "past the recording's end",
    ),
    "voiced by halves": ("turns:\n  - user: TIMER\n    voiced_ms: [9]\n", 3, "turns[0].voiced_ms", "at least 2 items"),
    "unknown mode": (SILENCE + "mode: toggle\n", 2, "mode", "'hands-free' or 'push-to-talk'"),
    "unknown noise": ("room: {noise: brown}\n" + SILENCE, 1, "room.noise", "white, pink, hum, clicks"),
    "missing noise": ("room:\n  noise: no.wav\n" + SILENCE, 2, "room.noise", "There is no sound file"),
    "missing recording": ("turns:\n  - user: no.wav\n", 2, "turns[0].user", "There is no sound file"),
    "no recording": ("turns:\n  - user: broken.wav\n", 2, "turns[0].user", "is not a sound file"),
    "empty recording": ("turns:\n  - user: empty.wav\n", 2, "turns[0].user", "holds no sound"),
    "unknown setting": (
        "config:\n  chat:\n    max_tokns: 3\n" + SILENCE, 3, "config.chat.max_tokns", "did you mean max_tokens?",
    ),
    "setting of a wrong type": (
        "config:\n  chat:\n    max_tokens: many\n" + SILENCE, 3, "config.chat.max_tokens", "integer",
    ),
    "setting out of range": ("config: {speech: {speed: 9}}\n" + SILENCE, 1, "config.speech.speed", "it is 9"),
    "settings no section": ("config: {chat: 3}\n" + SILENCE, 1, "config.chat", "section"),
    "key up before down": (
        "mode: push-to-talk\nptt_lead_ms: -3000\nptt_tail_ms: -900\nturns:\n  - user: TIMER\n", 5, "turns[0]",
        "come up before it goes down",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence(tmp_path: Path, mistake: str) -> None:
    """It names file, line, key and cure."""
    text, line, key, words = MISTAKES[mistake]
    (tmp_path / "broken.wav").write_text("not a WAV")
    with wave.open(str(tmp_path / "empty.wav"), "wb") as empty:
        empty.setparams((1, 2, MIC_RATE_HZ, 0, "NONE", ""))
    path = _write(tmp_path, text)
    with pytest.raises(ScriptError) as raised:
        load_dialogues([path], profile="small")
    sentence = str(raised.value)
    assert str(path) in sentence
    assert words in sentence
    assert "\n" not in sentence
    assert sentence[-1] in ".?" and sentence[-2] not in ".?"
    if line is not None:
        assert sentence.startswith(f"{path}, line {line}: {key}")


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """Bytes that are not text, brackets without end."""
    path = tmp_path / "script.yaml"
    path.write_bytes(b"name: \xff\xfe\n")
    with pytest.raises(ScriptError, match="not UTF-8"):
        load_dialogues([path], profile="small")
    path.write_text("turns: " + "[" * 5000)
    with pytest.raises(ScriptError, match="nested too deeply"):
        load_dialogues([path], profile="small")


def test_one_bad_script_among_good_ones(tmp_path: Path) -> None:
    """Nothing is returned, so nothing can run."""
    _write(tmp_path, SILENCE, "a.yaml")
    _write(tmp_path, "turns: []", "b.yaml")
    with pytest.raises(ScriptError, match=r"b\.yaml"):
        load_dialogues([tmp_path], profile="small")


def test_a_mistake_in_the_settings_is_not_the_scripts(tmp_path: Path) -> None:
    """--set and --config have their own sentences."""
    with pytest.raises(ConfigError, match=r"^--set chat\.nothing=3"):
        load_dialogues([_write(tmp_path, SILENCE)], profile="small", settings=["chat.nothing=3"])
