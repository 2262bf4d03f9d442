"""The page of a trace: one HTML file that asks for nothing from anywhere.

`contents.py` gathers what the page knows, `weights.py` makes attentions small, `plain.py` writes what is there without
scripts, and `making.py` joins them to the assets beside it: `page.html`, `page.css` and modules of JavaScript that
begin at `main.js`.
"""
