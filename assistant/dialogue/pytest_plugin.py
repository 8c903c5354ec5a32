"""Dialogue scripts as pytest items, and a fixture to write dialogues in Python.

Loaded by pytest wherever this package is installed, hence next to nothing is imported before there
is a dialogue: `*.dialogue.yaml` files are collected always, other YAML files with `--dialogues`.
Under pytest-xdist every worker loads models of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

if TYPE_CHECKING:
    from assistant.dialogue.load import Dialogue
    from assistant.dialogue.result import DialogueResult, Performance

RunScript: TypeAlias = "Callable[..., DialogueResult]"
"""Of the fixture `run_script`."""

_MODELS = pytest.StashKey[Any]()
"""What loads the models, and keeps them from one dialogue to the next."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `assistant dialogue run`, with `dialogue` before them."""
    group = parser.getgroup("dialogues", "dialogue scripts of the voice assistant")
    group.addoption(
        "--dialogues", action="store_true", help="Collect every *.yaml and *.yml, not *.dialogue.yaml only."
    )
    group.addoption(
        "--dialogue-profile", metavar="NAME", help="small, mac or mac-8gb; chosen by the machine if not given."
    )
    group.addoption("--dialogue-config", metavar="FILE", type=Path, help="TOML file laid over the profile.")
    group.addoption("--dialogue-set", metavar="KEY=VALUE", action="append", default=[], help="One setting; repeatable.")
    group.addoption("--dialogue-clock", choices=("simulated", "measured", "real"), default="simulated")
    group.addoption("--dialogue-no-step-store", action="store_true", help="Take every step of the models anew.")
    group.addoption("--dialogue-audio", metavar="DIR", type=Path, help="Write a stereo WAV of each dialogue.")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> DialogueFile | None:
    """A script is a file of one test."""
    if file_path.suffix not in (".yaml", ".yml"):
        return None
    if parent.config.getoption("--dialogues") or Path(file_path.stem).suffix == ".dialogue":
        file: DialogueFile = DialogueFile.from_parent(parent, path=file_path)
        return file
    return None


class DialogueFile(pytest.File):
    """A script."""

    def collect(self) -> Iterator[DialogueItem]:
        """The one dialogue in it."""
        from assistant.errors import AssistantError

        try:
            dialogue = _load(self.path, self.config)
        except AssistantError as error:
            raise self.CollectError(str(error)) from None
        yield DialogueItem.from_parent(self, name=dialogue.name.removesuffix(".dialogue"), dialogue=dialogue)


class DialogueItem(pytest.Item):
    """A dialogue as a test."""

    def __init__(self, *, dialogue: Dialogue, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._dialogue = dialogue

    def runtest(self) -> None:
        """Play it, and raise what did not hold."""
        performance = _play(self._dialogue, self.config)
        self.add_report_section("call", "dialogue", _table(performance))
        _hold(performance)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The failures alone: where they were found says nothing to whoever wrote the script."""
        from assistant.errors import AssistantError

        if isinstance(excinfo.value, AssertionError | AssistantError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """File, line and name."""
        return self.path, 0, self.name


@pytest.fixture
def run_script(request: pytest.FixtureRequest, tmp_path: Path) -> RunScript:
    """Plays a script written in Python: `run_script({"turns": [{"user": "hello.wav"}]})`.

    Paths in it are relative to the test's file. What it expects must hold, unless `check=False`.
    Returns the result, as `assistant.dialogue.result` has it.
    """

    def run(script: Mapping[str, Any], check: bool = True) -> DialogueResult:
        import yaml

        file = tmp_path / f"{request.node.name}.yaml"
        file.write_text(yaml.safe_dump(_from(request.path.parent, dict(script)), allow_unicode=True), encoding="utf-8")
        performance = _play(_load(file, request.config), request.config)
        if check:
            _hold(performance)
        return performance.result

    return run


def _from(folder: Path, script: dict[str, Any]) -> dict[str, Any]:
    """The script with its paths made absolute, for it is written elsewhere."""
    turns = [
        {**turn, "user": str(folder / turn["user"])} if isinstance(turn, Mapping) and "user" in turn else turn
        for turn in script.get("turns", [])
    ]
    return {**script, "turns": turns}


def _load(path: Path, config: pytest.Config) -> Dialogue:
    from assistant.dialogue.load import load_dialogues

    option = config.getoption
    profile, file, settings = option("--dialogue-profile"), option("--dialogue-config"), option("--dialogue-set")
    (dialogue,) = load_dialogues([path], profile, file, settings)
    return dialogue


def _play(dialogue: Dialogue, config: pytest.Config) -> Performance:
    from assistant.dialogue.output import write_audio
    from assistant.dialogue.runner import model_loader, run_dialogues

    mode = config.getoption("--dialogue-clock")
    if _MODELS not in config.stash:
        stored = mode == "simulated" and not config.getoption("--dialogue-no-step-store")
        config.stash[_MODELS] = model_loader(mode, stored)
    (performance,) = run_dialogues([dialogue], mode, config.stash[_MODELS])
    audio = config.getoption("--dialogue-audio")
    if audio is not None:
        write_audio(performance, audio / f"{dialogue.path.stem}.wav")
    if performance.trace.stopped:
        raise KeyboardInterrupt
    return performance


def _hold(performance: Performance) -> None:
    result = performance.result
    if result.all_failures:
        raise AssertionError("\n".join([f"{result.script}: {result.name}", *result.all_failures]))


def _table(performance: Performance) -> str:
    import io

    from rich.console import Console

    from assistant.dialogue.summary import show

    text = io.StringIO()
    show(performance, Console(file=text, width=120, highlight=False))
    return text.getvalue()
