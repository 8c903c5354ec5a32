"""config/default.toml is complete and commented; layers lie over each other in order; mistakes are named."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from assistant import config
from assistant.config import PROFILES, Config, data_path, default_profile, load
from assistant.errors import ConfigError

KEY_LINE = re.compile(r"^(?P<key>\w+)(?:\.en)? = (?P<value>.*?)(?:\s+# (?P<comment>.*))?$")
KINDS = {
    bool: "true or false",
    int: "integer|milliseconds|seconds",
    float: "number|milliseconds|seconds|decibels",
    str: "string| or |date",
    list: "lists? of strings",
}
"""How the comment of a key names its type or unit."""


def _documented() -> dict[str, tuple[str, str]]:
    """Dotted key -> (value as written, comment)."""
    found: dict[str, tuple[str, str]] = {}
    section = ""
    for line in data_path("config/default.toml").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif match := KEY_LINE.match(line):
            found[f"{section}.{match['key']}"] = (match["value"], match["comment"] or "")
    return found


def _fields(model: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    """Dotted key -> the annotation's base type and its limits."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= _fields(field.annotation, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = field
    return found


DOCUMENTED = _documented()
FIELDS = _fields(Config)


def test_default_toml_lists_every_key_and_no_other() -> None:
    """The file and the classes name the same keys."""
    assert DOCUMENTED.keys() == FIELDS.keys()


@pytest.mark.parametrize("key", [key for key in DOCUMENTED if not key.startswith("simulation.costs.")])
def test_every_key_is_explained(key: str) -> None:
    """Its comment gives type or unit, and the range that is enforced."""
    value, comment = DOCUMENTED[key]
    kind = type(tomllib.loads(f"value = {value}")["value"])
    assert re.search(KINDS[kind], comment), f"{key}: no type or unit in {comment!r}"
    named = {float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", comment)}
    limits = {getattr(limit, "ge", getattr(limit, "le", None)) for limit in FIELDS[key].metadata}
    assert limits <= named, f"{key}: {limits} are not in {comment!r}"
    for choice in getattr(FIELDS[key].annotation, "__args__", ()):
        assert not isinstance(choice, str) or choice in comment


def test_a_unit_in_the_name_is_the_unit_in_the_comment() -> None:
    """`_ms` is milliseconds, `_s` seconds, `_db` decibels."""
    units = {"_ms": "milliseconds", "_db": "decibels", "fragment_s": "seconds", "ahead_s": "seconds"}
    for suffix, unit in units.items():
        keys = [key for key in DOCUMENTED if key.endswith(suffix) and not key.startswith("simulation.costs.")]
        assert keys
        for key in keys:
            assert DOCUMENTED[key][1].startswith(unit), key


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_loads(profile: str) -> None:
    """And sets nothing but the models of its size, and what the smallest must be told."""
    small, chosen = load("small"), load(profile)
    same = {"models": small.models, "chat": small.chat, "memory": small.memory}
    assert chosen.model_copy(update=same) == small
    assert (chosen == small) == (profile == "small")


@pytest.mark.parametrize(
    ("system", "machine", "memory_gib", "profile"),
    [
        ("Linux", "x86_64", 64, "small"),
        ("Linux", "aarch64", 64, "small"),
        ("Darwin", "x86_64", 32, "small"),
        ("Darwin", "arm64", 8, "mac-8gb"),
        ("Darwin", "arm64", 16, "mac"),
        ("Darwin", "arm64", 64, "mac"),
    ],
)
def test_profile_by_machine(system: str, machine: str, memory_gib: int, profile: str) -> None:
    """Metal and memory decide."""
    assert default_profile(system, machine, memory_gib * 2**30) == profile


def test_later_layers_win(tmp_path: Path) -> None:
    """Profile, then file, then script, then single settings; what a layer leaves out stays."""
    file = tmp_path / "mine.toml"
    file.write_text("[endpoint]\nend_ms = 800\npause_ms = 250\npre_roll_ms = 100\n")
    loaded = load(
        "mac",
        file,
        script={"endpoint": {"end_ms": 900, "pause_ms": 260}},
        settings=["endpoint.end_ms=1000"],
    )
    assert (loaded.endpoint.end_ms, loaded.endpoint.pause_ms, loaded.endpoint.pre_roll_ms) == (1000, 260, 100)
    assert loaded.models == load("mac").models
    assert loaded.endpoint.max_utterance_s == load("mac").endpoint.max_utterance_s


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("speech.voice=bm_george", "bm_george"),
        ('speech.voice="af_bella"', "af_bella"),
        ("speech.speed=1.25", 1.25),
        ("speech.speed=1", 1.0),
        ("speech.clause_gap_ms=0", 0),
    ],
)
def test_settings_are_read_like_toml(setting: str, value: object) -> None:
    """A bare word is a string, a whole number will do for a number."""
    key = setting.partition("=")[0].partition(".")[2]
    assert getattr(load("small", settings=[setting]).speech, key) == value


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("endpoint.end_sm=800", "did you mean end_ms?"),
        ("endpont.end_ms=800", "did you mean endpoint?"),
        ("end_ms=800", "there is no key end_ms"),
        ("endpoint=800", "endpoint is a section"),
        ("endpoint.end_ms.x=800", "endpoint.end_ms"),
        ("endpoint.end_ms", "write it as section.key=value"),
        ("endpoint.end_ms=long", "endpoint.end_ms: input should be a valid integer (it is 'long')"),
        ("endpoint.end_ms=99", "greater than or equal to 100 (it is 99)"),
        ("endpoint.pause_ms=900", "pause_ms (900) must be less than end_ms (800)"),
        ("echo.device=speaker", "'auto', 'loudspeakers' or 'headphones' (it is 'speaker')"),
        ("echo.canceller=1", "valid boolean"),
        ("speech.speed=nan", "speech.speed"),
        ("interruption.backchannels=[1]", "interruption.backchannels"),
        ("simulation.start=yesterday", "simulation.start"),
    ],
)
def test_a_bad_setting_is_named_with_the_cure(setting: str, said: str) -> None:
    """One sentence: where, which key, what is wrong."""
    with pytest.raises(ConfigError) as caught:
        load("small", settings=[setting])
    message = str(caught.value)
    assert message.startswith(f"--set {setting}: ")
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[chat]\nmax_token = 5\n", "there is no key chat.max_token; did you mean max_tokens?"),
        (b'[chat]\nmax_tokens = "5"\n', "chat.max_tokens: input should be a valid integer (it is '5')"),
        (b"chat = 5\n", "chat is a section"),
        (b"[chat\n", "is not valid TOML"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_bad_file_is_named_with_the_cure(tmp_path: Path, content: bytes, said: str) -> None:
    """The message begins with the path or holds it."""
    file = tmp_path / "mine.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load("small", file)
    assert str(file) in str(caught.value)
    assert said in str(caught.value)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    """A profile that does not exist, a file that does not, a folder in place of a file."""
    with pytest.raises(ConfigError, match=r"no profile 'mac-8'; did you mean mac-8gb\?"):
        load("mac-8")
    with pytest.raises(ConfigError, match="There is no configuration file"):
        load("small", tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load("small", tmp_path)


def test_a_script_is_named_as_the_source() -> None:
    """A dialogue's `config` that breaks a rule is not blamed on the profile."""
    with pytest.raises(ConfigError, match=r"^the script's config: there is no key vad\.mode"):
        load("small", script={"vad": {"mode": 3}})


def test_the_installed_package_finds_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel carries the files under `_data`; a clone has them beside the package."""
    (tmp_path / "_data" / "config").mkdir(parents=True)
    packed = tmp_path / "_data" / "config" / "default.toml"
    packed.write_text("")
    monkeypatch.setattr("importlib.resources.files", lambda _package: tmp_path)
    assert data_path("config/default.toml") == packed
    assert data_path("config/small.toml") == Path(config.__file__).parent.parent.parent / "config/small.toml"
