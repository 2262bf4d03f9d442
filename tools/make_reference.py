"""Writes docs/reference from the code: errors, config keys, public names, and the command's help.

    python tools/make_reference.py

A test compares the pages with what this writes, so that they cannot grow old.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pellucid
from pellucid import cli, config_keys, errors
from pellucid.architectures import FAMILIES
from pellucid.config import Config

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCE = Path(inspect.getfile(pellucid)).resolve().parent
FOLDER = REPOSITORY / "docs" / "reference"

GENERATED = "<!-- Written by tools/make_reference.py; a test holds it to the code. -->"

# Bases that every exception has, or that say nothing to one who writes `except`.
UNTOLD_BASES = (object, BaseException, Exception, LookupError)


def pages() -> dict[str, str]:
    """Every page of the reference: its file name → its text."""
    return {
        "api.md": api_page(),
        "command.md": command_page(),
        "config-keys.md": config_keys_page(),
        "errors.md": errors_page(),
    }


def page(title: str, *parts: str) -> str:
    """One page of Markdown."""
    return "\n\n".join((f"# {title}", GENERATED, *parts)) + "\n"


def paragraph(text: str) -> str:
    """Running text in lines of even length."""
    return textwrap.fill(" ".join(text.split()), 118, break_long_words=False, break_on_hyphens=False)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def first_line(thing: Any) -> str:
    """The first sentence of a docstring, in one line."""
    text = inspect.getdoc(thing) or ""
    return " ".join(text.split("\n\n")[0].split())


# Errors.


def error_classes() -> list[type[errors.PellucidError]]:
    """The classes of errors.py, in its order."""
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.PellucidError) and value.__module__ == errors.__name__
    ]


def errors_page() -> str:
    """Each class of error with its code and meaning, and the finer codes."""
    rows = []
    for error in error_classes():
        builtin = [base.__name__ for base in error.__mro__ if base.__module__ == "builtins"]
        also = [f"`{name}`" for name in builtin if name not in {base.__name__ for base in UNTOLD_BASES}]
        rows.append((f"`{error.__name__}`", ", ".join(also), f"`{error.code}`", first_line(error)))
    finer = [
        (f"`{code}`", ", ".join(f"`{name}`" for name in sorted(classes)))
        for code, classes in sorted(finer_codes().items())
    ]
    tree = inspect.getdoc(errors) or ""
    drawn = "\n".join(line.removeprefix("    ") for line in tree.splitlines() if re.match(r" +\S", line))
    return page(
        "Errors",
        paragraph(
            """Everything that Pellucid raises on purpose is a `PellucidError`. A class is often also one of
            Python's own, so that `except ValueError` or `except OSError` goes on to work. The message says what
            happened, what was expected and what to do. `error.code` is stable; `error.details` holds the facts in the
            message, and each is also an attribute (`error.path`, `error.index`)."""
        ),
        f"```text\n{drawn}\n```",
        table(("class", "also a", "code", "meaning"), rows),
        "## Finer codes",
        "Some errors carry a code that says more than their class does:",
        table(("code", "class"), finer),
    )


def finer_codes() -> dict[str, set[str]]:
    """The codes that single errors are raised with, each with the classes that carry it."""
    classes = {error.__name__: error for error in error_classes()}
    found: dict[str, set[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for name, code in codes_of(ast.parse(path.read_text(encoding="utf-8"))):
            if name in classes and code != classes[name].code:
                found.setdefault(code, set()).add(name)
    return found


def codes_of(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Pairs of class and code that a module names, also through a function that fills in the end of a code."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            yield from _codes_through(function, tree)
    for call in _calls(tree):
        for code in _strings(_keyword(call, "code")):
            yield _called(call), code


def _codes_through(function: ast.FunctionDef, tree: ast.Module) -> Iterator[tuple[str, str]]:
    names = [argument.arg for argument in function.args.args]
    if "code" not in names:
        return
    place = names.index("code")
    for raised in _calls(function):
        template = _keyword(raised, "code")
        if not isinstance(template, ast.JoinedStr):
            continue
        start = "".join(str(part.value) for part in template.values if isinstance(part, ast.Constant))
        for call in _calls(tree):
            if _called(call) == function.name and len(call.args) > place:
                yield from ((_called(raised), start + end) for end in _strings(call.args[place]))


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _strings(value: ast.expr | None) -> list[str]:
    if isinstance(value, ast.IfExp):
        return _strings(value.body) + _strings(value.orelse)
    return [value.value] if isinstance(value, ast.Constant) and isinstance(value.value, str) else []


# Config keys.


def config_keys_page() -> str:
    """What is done with each key of config.json, for all families and for each."""
    return page(
        "Keys of config.json",
        paragraph(
            """Each key is *read* (it changes what is computed, or how answers are named), *refused* (it would change
            the numbers in a way that this version does not compute, so any other value than its usual one is an
            `UnsupportedConfigError`), *harmless* (it concerns training, generation or memory), or *unread*: no code of
            the reference implementation looks at it, so it cannot change a number. Unread keys are kept, saved again,
            and listed by `config.unread`, by the loading report and by `pellucid inspect`.
            Why: [decision 4](../decisions/0004-config-keys.md)."""
        ),
        "## Every family",
        _keys_table(config_keys.READ, "read"),
        paragraph(
            f"""These are read in another form: {_listed(config_keys.NOT_ATTRIBUTES)}. The number of labels and their
            names are one thing (`num_labels` follows `id2label`), and `torch_dtype` is the old name of `dtype`."""
        ),
        table(
            ("refused", "only this is computed"),
            [(f"`{key}`", f"`{value!r}`") for key, value in config_keys.REFUSED.items()],
        ),
        paragraph(f"Harmless: {_listed(config_keys.HARMLESS)}."),
        *(part for family in FAMILIES.values() for part in _family_parts(family.config)),
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _keys_table(keys: Mapping[str, Any], head: str) -> str:
    return table((head, "where left out"), [(f"`{key}`", f"`{value!r}`") for key, value in keys.items()])


def _family_parts(family: type[Config]) -> list[str]:
    read = {
        key: value
        for key, value in family.defaults.items()
        if key not in family.harmless and key not in family.supported
    }
    harmless = {key: family.defaults[key] for key in family.defaults if key in family.harmless}
    parts = [f"## {family.model_type} (`{family.__name__}`)", _keys_table(read, "read")]
    if family.supported:
        rows = [(f"`{key}`", " or ".join(f"`{v!r}`" for v in values)) for key, values in family.supported.items()]
        parts.append(table(("refused", "only this is computed"), rows))
    parts.append(_keys_table(harmless, "harmless"))
    if family.attribute_map:
        names = ", ".join(f"`{common}` for `{own}`" for common, own in family.attribute_map.items())
        parts.append(paragraph(f"Also reached by the common names: {names}."))
    return parts


# Public names.


def api_page() -> str:
    """Each public name with the first line of its docstring, and the methods of its class."""
    values = {name: getattr(pellucid, name) for name in pellucid.__all__ if name != "__version__"}
    rows = [(f"`{name}`", _kind(value), first_line(value)) for name, value in sorted(values.items())]
    shown: dict[str, str] = {}
    for name, value in sorted(values.items()):
        # What Keras gives a model is known only where Keras is installed.
        is_keras = value.__module__ == "pellucid.models.keras.table"
        if isinstance(value, type) and not issubclass(value, Exception) and not is_keras:
            methods = _own_methods(value)
            if methods:
                shown[name] = table(("method", ""), methods)
    return page(
        "Public names",
        paragraph(
            """`from pellucid import …`. Nothing is imported until a name is used. The names, arguments and defaults are
            those of `transformers` 4.57; `help(name)` tells all arguments. What is not listed here may change between
            releases. `TFBertModel` and its kin have what `PreTrainedModel` has, and what every `keras.Model` has."""
        ),
        table(("name", "kind", ""), rows),
        *(part for name, text in shown.items() for part in (f"## {name}", text)),
    )


def _kind(value: Any) -> str:
    return "class" if isinstance(value, type) else "function"


def _own_methods(value: type) -> list[tuple[str, str]]:
    """Public methods that no other public class of Pellucid gives to this one."""
    public_bases = {getattr(pellucid, name) for name in pellucid.__all__} - {value}
    inherited = {name for base in value.__mro__[1:] if base in public_bases for name in dir(base)}
    rows = []
    for name in sorted(set(dir(value)) - inherited):
        member = inspect.getattr_static(value, name)
        method = getattr(member, "__func__", member)
        called = isinstance(member, property) or inspect.isfunction(method)
        if name == "__call__" or (called and not name.startswith("_")):
            home = getattr(member, "fget", None) or method
            if home.__module__.startswith("pellucid") and first_line(member):
                rows.append((f"`{name}`", first_line(member)))
    return rows


# The command.


def command_page() -> str:
    """The help texts of the command and its sub-commands."""
    modules: dict[str, ModuleType] = cli.COMMANDS
    return page(
        "The command",
        paragraph(
            """`pellucid COMMAND …`, or `python -m pellucid COMMAND …`. It ends with 0; with 1 after an error, which is
            told on standard error in one paragraph; with 2 for words that mean nothing. `pellucid inspect` also ends
            with 1 where the config cannot be computed, or the tokenizer does not fit."""
        ),
        f"```text\n{_help(cli.parser())}\n```",
        *(
            part
            for name, module in modules.items()
            for part in (f"## pellucid {name}", f"```text\n{_help(module.parser())}\n```")
        ),
    )


def _help(parser: Any) -> str:
    before = {name: os.environ.get(name) for name in ("COLUMNS", "NO_COLOR")}
    os.environ.update({"COLUMNS": "100", "NO_COLOR": "1"})
    try:
        text: str = parser.format_help()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    return text.strip()


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for filename, content in pages().items():
        (FOLDER / filename).write_text(content, encoding="utf-8")
        print(f"wrote docs/reference/{filename}")
