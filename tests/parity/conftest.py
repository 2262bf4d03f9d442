"""Notes how near each family, head and engine came to the reference, and writes the table of it when asked to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pellucid.architectures import FAMILIES
from pellucid.engines import ENGINES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "coverage.md"

Note = Callable[[str, str, str, float], None]

NOTED = pytest.StashKey[dict[tuple[str, str, str], float]]()

HEAD = """# What is covered

Written by `make coverage`, a run of the tests in `tests/parity` with every engine: the largest difference, over real
tokens, of all outputs, hidden states and attentions from those of `transformers` 4.57.6 in float32, as a part of what
is allowed (1e-5 and 1e-4 of the number). Below 1 is within. `gte`, `new` and `nomic_bert` are compared with outputs of
`transformers` 5, which is the first to have them. The checkpoints are tiny and have large weights, so that a wrong
mask, activation or epsilon shows; the batches are padded, on the left too.
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--coverage-page", action="store_true", help="write docs/reference/coverage.md")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[NOTED] = {}


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """Note the largest difference of one family's head on one engine."""

    def noted(family: str, suffix: str, engine: str, difference: float) -> None:
        found = request.config.stash[NOTED]
        key = (family, suffix, engine)
        found[key] = max(found.get(key, 0.0), difference)

    return noted


def pytest_sessionfinish(session: pytest.Session) -> None:
    found = session.config.stash[NOTED]
    if not session.config.getoption("--coverage-page", False) or not found:
        return
    lines = [HEAD, f"| family | class | {' | '.join(ENGINES)} |", f"| --- | --- |{' --- |' * len(ENGINES)}"]
    for model_type, family in FAMILIES.items():
        for head in family.heads.values():
            cells = [found.get((model_type, head.class_suffix, engine)) for engine in ENGINES]
            shown = " | ".join("not run" if cell is None else f"{cell:.2f}" for cell in cells)
            lines.append(f"| `{model_type}` | `{family.class_prefix}{head.class_suffix}` | {shown} |")
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
