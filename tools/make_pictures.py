"""Draws the pictures of docs/how-to, of the builtin checkpoint.

python tools/make_pictures.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pellucid import pipeline

FOLDER = Path(__file__).parents[1] / "docs" / "how-to" / "pictures"

TEXT = "What an unbelievably good film, although the ending was bad!"


def pictures() -> dict[str, Any]:
    """The figures by the names of their files."""
    pipe = pipeline("text-classification", "builtin", engine="torch")
    trace = pipe.trace(TEXT)
    return {
        "explanation": pipe.explain(TEXT).plot(),
        "attention": trace.plot("attention", layer=1, head=8),
        "heads": trace.plot("attention", layer="all"),
        "projection": trace.plot("projection"),
    }


def main() -> None:
    """Draw and write."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, figure in pictures().items():
        path = FOLDER / f"{name}.png"
        figure.savefig(path, dpi=110, metadata={"Software": None})
        print(f"{path.relative_to(FOLDER.parents[2])}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
