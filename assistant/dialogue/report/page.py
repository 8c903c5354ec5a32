"""Pages made of templates: everything in one file, and nothing fetched from anywhere."""

from __future__ import annotations

from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from assistant.dialogue.palette import DARK, LIGHT, variables


def render(template: str, **facts: object) -> Markup:
    """A template with its facts filled in, every text escaped.

    Args:
        template: Name of a file in `templates`.
        facts: What it shows.
    """
    return Markup(_environment().get_template(template).render(**facts))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "css": Markup(
            f":root{{{variables(LIGHT)}}}@media(prefers-color-scheme:dark){{:root{{{variables(DARK)}}}}}\n"
            + _asset("report.css")
        ),
        "js": Markup(_asset("report.js")),
    }
    environment.filters["moment"] = lambda seconds: f"{seconds:.1f} s"
    return environment


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("templates", name).read_text(encoding="utf-8")
