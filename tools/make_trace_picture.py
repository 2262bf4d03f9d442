"""Writes docs/how-to/trace-page.png: the page of a trace, as a browser shows it.

    python tools/make_trace_picture.py

Needs Playwright and Chromium. The picture differs with the fonts of the machine, so nothing compares it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from pellucid import pipeline

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.browser import Watched, chromium  # noqa: E402

TARGET = ROOT / "docs" / "how-to" / "trace-page.png"
TEXT = "What an unbelievably good film! I luved every minute, though the ending dragged a bit."
LOOKED_AT = "film"


def main() -> None:
    """Write the picture."""
    trace = pipeline("text-classification", "builtin").trace(TEXT)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        path = Path(folder) / "trace.html"
        path.write_text(trace.to_html(), encoding="utf-8")
        with Watched(browser, path, width=1280) as watched:
            page = watched.page
            page.locator(".token").nth(trace.tokens.index(LOOKED_AT)).click()
            page.locator("h1").hover()
            page.evaluate("scrollTo(0, 0)")
            bottom = page.locator("#attention").bounding_box()["y"]
            page.screenshot(
                path=str(TARGET), full_page=True, clip={"x": 0, "y": 0, "width": 1280, "height": bottom + 330}
            )
    print(f"wrote {TARGET.relative_to(ROOT)}, {TARGET.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
