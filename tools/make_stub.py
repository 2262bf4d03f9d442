"""Writes src/pellucid/__init__.pyi, where editors and type checkers read what each public name is.

    python tools/make_stub.py

The names are imported when they are first used, and the models' classes are rows of a table, so neither could be read
in the code. A test compares the file with what this writes.
"""

from __future__ import annotations

import inspect
from pathlib import Path

import pellucid
from pellucid.models.auto import AUTO_CLASSES
from pellucid.models.table import CLASSES

FILE = Path(inspect.getfile(pellucid)).with_name("__init__.pyi")

HEAD = '''"""The public names and their types; written by tools/make_stub.py, and held to the code by a test."""

'''


def stub() -> str:
    """The text of the file."""
    imports = {*pellucid._HOMES.items(), *((one.__name__, one.__module__) for one in AUTO_CLASSES)}
    configs = {one.config_class for one in CLASSES.values()}
    imports |= {(one.__name__, one.__module__) for one in configs}
    imports.add(("TFPreTrainedModel as _TFPreTrainedModel", "pellucid.models.keras.model"))
    lines = [
        f"from {home} import {name}" + ("" if " as " in name else f" as {name}")
        for name, home in sorted(imports, key=lambda one: (one[1], one[0][0].islower(), one[0].lower()))
    ]
    text = HEAD + "\n".join(lines) + "\n\n__version__: str\n__all__: list[str]\n_HOMES: dict[str, str]\n"
    for prefix, base, on in (("", "PreTrainedModel", ""), ("TF", "_TFPreTrainedModel", " on TensorFlow")):
        for model_class in sorted(CLASSES.values(), key=lambda one: one.__name__):
            told = str(model_class.__doc__)
            if on:
                title = model_class.family.title
                told = told.replace(title, title + on, 1)
            config = model_class.config_class.__name__
            text += f'\nclass {prefix}{model_class.__name__}({base}):\n    """{told}"""\n\n    config: {config}\n'
    return text


if __name__ == "__main__":
    FILE.write_text(stub(), encoding="utf-8")
    print(f"wrote {FILE}")
