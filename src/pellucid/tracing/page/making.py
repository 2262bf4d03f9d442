"""One file of HTML out of a trace and the assets in this folder."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import escape
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Any

from pellucid.tracing.page import plain
from pellucid.tracing.page.contents import Explained, contents_of, look_into

if TYPE_CHECKING:
    from pellucid.tracing.trace import Trace

BYTES = 4_800_000
"""What a page may take; mail and browsers are slow with more."""

BYTES_IN_NOTEBOOK = 1_000_000
"""The same in a notebook, which keeps every output in its file."""

HEIGHT = 820
"""Of the frame in a notebook, in pixels."""

ENTRY = "main.js"

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=const |let |function |class )", re.MULTILINE)


def as_page(
    trace: Trace,
    explanation: Explained | None,
    *,
    attentions: bool = True,
    norms: bool = True,
    budget: int = BYTES,
) -> str:
    """The page of a trace; see `Trace.to_html`.

    Args:
        trace: the trace.
        explanation: of its first sequence.
        attentions: whether to show them.
        norms: whether to show the lengths of hidden states.
        budget: bytes of the page, which attentions fill at most.
    """
    contents = contents_of(trace, explanation)
    sequences = contents["sequences"]
    style, script = _asset("page.css"), script_of(ENTRY)
    parts = {
        "policy": _policy(style, script),
        "style": style,
        "script": script,
        "title": escape(f"{trace.task} by {trace.model}"),
        "task": escape(trace.task),
        "model": escape(trace.model),
        "input": plain.input_part(trace.input),
        "stages": plain.stages_part(trace.stages),
        "tokens": plain.tokens_part(sequences, contents["leftOut"]),
        "packed": plain.packed_part(trace),
        "outputs": plain.outputs_part(trace, sequences),
        "answer": plain.answer_part(trace.answer),
    }
    page = Template(_asset("page.html"))
    so_far = len(page.substitute(parts, data=_in_script(contents)).encode())
    look_into(trace, sequences, attentions=attentions, norms=norms, budget=budget - so_far)
    return page.substitute(parts, data=_in_script(contents))


def as_frame(trace: Trace) -> str:
    """The page in a frame, which may run its script and nothing else."""
    page = as_page(trace, None, budget=BYTES_IN_NOTEBOOK)
    # Between single quotes, since the data are full of double ones.
    inside = page.replace("&", "&amp;").replace("'", "&#39;").replace("<", "&lt;").replace(">", "&gt;")
    title = escape(f"Trace of {trace.task} by {trace.model}")
    return (
        f'<iframe title="{title}" sandbox="allow-scripts" width="100%" height="{HEIGHT}" frameborder="0" '
        f"loading=\"lazy\" srcdoc='{inside}'></iframe>"
    )


def script_of(entry: str) -> str:
    """A module with all that it imports in front of it, as one.

    Modules import names by `import {…} from "./other.js"` alone, and no two have a name in common.
    """
    done: dict[str, str] = {}

    def add(name: str) -> None:
        if name in done:
            return
        done[name] = ""
        source = _asset(name)
        for imported in _IMPORT.findall(source):
            add(imported)
        # Behind those that it imports.
        del done[name]
        done[name] = _EXPORT.sub("", _IMPORT.sub("", source))

    add(entry)
    return "".join(done.values())


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Nothing is fetched, and no script runs but the page's own."""
    hashes = {
        kind: f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"
        for kind, source in (("style", style), ("script", script))
    }
    return (
        f"default-src 'none'; script-src {hashes['script']}; style-src {hashes['style']}; base-uri 'none'; "
        "form-action 'none'"
    )


def _in_script(data: Any) -> str:
    """JSON that no end of a script, comment or line can be read in."""
    written = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        written = written.replace(sign, f"\\u{ord(sign):04x}")
    return written
