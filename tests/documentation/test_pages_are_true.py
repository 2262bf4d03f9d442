"""Links lead somewhere, files that are named exist, and generated pages are those of the code."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pellucid
from documentation.markdown import PAGES, ROOT, anchors_of, blocks_of, inline_of, links_of, name_of
from pellucid.architectures import FAMILIES
from pellucid.engines import ENGINES
from pellucid.tasks import TASKS

# Files that are named in running text, from the root of the repository or of the package.
FILE = re.compile(r"^[\w.-]+(/[\w.-]+)*/[\w.-]+\.(py|md|toml|tsv)$|^(src|tests|docs|tools|benchmarks)(/[\w.-]+)+/?$")
HOMES = (ROOT, ROOT / "src" / "pellucid", ROOT / "src", ROOT / "tests")

# Where programs were written or run, and where packages are fetched from: no business of the project's.
FOREIGN = {
    "a path of one machine": re.compile(r"/(?:work|tmp|root|opt)/[.\w]"),
    "the host of a registry": re.compile(r"pypi\.org|pythonhosted\.org|--(?:extra-)?index-url"),
    "the number of an issue": re.compile(r"\b(?:issue|PR|pull request) ?#\d", re.IGNORECASE),
}
FOLDERS = ("src", "tests", "docs", "tools", "benchmarks", "requirements")
TEXTS = (".py", ".md", ".toml", ".json", ".txt", ".tsv", ".yml", ".yaml", ".cfg", ".typed")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    broken = []
    for link in links_of(page):
        address, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", address):
            continue
        target = (page.parent / address).resolve() if address else page
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_that_are_named_exist(page: Path) -> None:
    named = [token.content for token in inline_of(page) if token.type == "code_inline"]
    paths = [name for name in named if FILE.match(name)]
    lost = [name for name in paths if not any((home / name).exists() for home in HOMES)]
    assert not lost


def test_every_page_of_docs_is_linked_from_its_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in links_of(index)}
    assert {page for page in PAGES if page.is_relative_to(ROOT / "docs")} - {index} <= linked


def test_decisions_are_numbered_without_gaps_and_have_the_four_parts() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        parts = re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert parts == ["Context", "Decision", "Evidence", "Consequences"], page.name


def make_reference() -> Any:
    path = ROOT / "tools" / "make_reference.py"
    if not path.exists():
        pytest.skip("the source distribution has no tools")
    spec = importlib.util.spec_from_file_location("make_reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_reference_pages_are_those_of_the_code() -> None:
    module = make_reference()
    for name, text in module.pages().items():
        written = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
        # Releases of Python break the lines of help texts in other places.
        assert written.split() == text.split(), f"docs/reference/{name} is old: run `python tools/make_reference.py`"


def test_the_reference_has_every_error_every_key_and_every_name() -> None:
    module = make_reference()
    written = {name: (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8") for name in module.pages()}
    for error in module.error_classes():
        assert f"`{error.code}`" in written["errors.md"]
    for family in FAMILIES.values():
        assert all(f"`{key}`" in written["config-keys.md"] for key in family.config.defaults)
    assert all(f"`{name}`" in written["api.md"] for name in pellucid.__all__ if name != "__version__")


def test_finer_codes_are_found_through_functions_that_complete_them() -> None:
    codes = make_reference().finer_codes()
    assert codes["checkpoint.truncated"] == {"CorruptCheckpointError"}
    assert "UnsafeCheckpointError" in codes["checkpoint.pickle_global"]


def test_the_readme_names_what_runs() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in (*FAMILIES, *ENGINES, *TASKS):
        assert f"`{name}`" in text


def test_the_table_of_what_is_covered_has_every_class_and_nothing_beyond_what_is_allowed() -> None:
    page = (ROOT / "docs" / "reference" / "coverage.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    covered = {(family.strip("`"), name.strip("`")) for family, name, *_ in rows}
    assert covered == {
        (family.model_type, family.class_prefix + head.class_suffix)
        for family in FAMILIES.values()
        for head in family.heads.values()
    }, "run `make coverage`"
    for family, name, *differences in rows:
        assert len(differences) == len(ENGINES), name
        assert all(float(one) < 1 for one in differences), (family, name)


def test_changelog_has_the_version_of_the_package() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[([^\]]+)\]", changelog, flags=re.MULTILINE)
    assert next(version for version in versions if version != "Unreleased") == pellucid.__version__
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{pellucid.__version__}"\n' in project


def test_the_licence_is_the_standard_text() -> None:
    text = (ROOT / "LICENSE").read_bytes().replace(b"\r\n", b"\n")
    assert hashlib.sha256(text).hexdigest() == "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"


def test_make_targets_that_are_named_exist() -> None:
    makefile = ROOT / "Makefile"
    if not makefile.exists():
        pytest.skip("the source distribution has no Makefile")
    targets = set(re.findall(r"^([\w-]+):", makefile.read_text(encoding="utf-8"), flags=re.MULTILINE))
    for page in PAGES:
        code = [block.code for block in blocks_of(page)]
        code += [token.content for token in inline_of(page) if token.type == "code_inline"]
        named = {target for text in code for target in re.findall(r"^(?:\$ )?make ([\w-]+)", text, flags=re.MULTILINE)}
        assert named <= targets, name_of(page)


def texts() -> Iterator[Path]:
    files = (path for path in ROOT.iterdir() if path.is_file() and (path.suffix in TEXTS or not path.suffix))
    yield from (path for path in files if path.name != ".git")  # in a worktree it is a file, which names the machine
    for folder in FOLDERS:
        yield from (path for path in (ROOT / folder).rglob("*") if path.suffix in TEXTS and path.is_file())


def test_no_text_speaks_of_a_machine_a_registry_or_an_issue() -> None:
    found = []
    for path in texts():
        if "__pycache__" in path.parts:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found += [f"{name_of(path)}:{number}: {what}" for what, pattern in FOREIGN.items() if pattern.search(line)]
    assert not found


@pytest.mark.parametrize(
    "line",
    ["see /work/" + "src", "in /tmp/" + "an/environment", "https://" + "pypi" + ".org/simple", "issue " + "#12"],
)
def test_foreign_words_are_found(line: str) -> None:
    assert any(pattern.search(line) for pattern in FOREIGN.values())
