"""The page of a trace says what the trace says, in one file, for everybody."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid import pipeline
from pellucid.cli import main
from pellucid.errors import InputError
from pellucid.tracing.page.making import BYTES_IN_NOTEBOOK, script_of
from pellucid.tracing.page.weights import in_bytes
from support.browser import Watched, chromium
from support.tiny import pellucid_checkpoint

EMOTIONS = [f"emotion {n}" for n in range(28)]
HOSTILE = "</script><script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\"> & \u2028 <!--"
SIZES = {"num_hidden_layers": 24, "num_attention_heads": 16, "hidden_size": 32, "max_position_embeddings": 512}


@dataclass
class Explanation:
    tokens: list[str]
    contributions: Sequence[float]


def named(names: list[str]) -> dict[str, Any]:
    return {"id2label": dict(enumerate(names)), "label2id": {name: n for n, name in enumerate(names)}}


@pytest.fixture(scope="module")
def classify() -> Any:
    return pipeline("text-classification", "builtin", engine="numpy")


Make = Callable[..., Any]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Make:
    def make(task: str, suffix: str, **changes: Any) -> Any:
        folder = tmp_path_factory.mktemp("page")
        return pipeline(task, str(pellucid_checkpoint(folder, "bert", suffix, **changes)), engine="numpy")

    return make


@pytest.fixture(scope="module")
def huge(tiny: Make) -> Any:
    pipe = tiny("text-classification", "ForSequenceClassification", **SIZES)
    return pipe.trace("the movie was not very good . " * 90, truncation=True)


@pytest.fixture(scope="module")
def huge_page(huge: Any) -> str:
    page: str = huge.to_html()
    return page


def data_of(page: str) -> dict[str, Any]:
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    data: dict[str, Any] = json.loads(found)
    return data


class Outline(HTMLParser):
    """What a page is made of for a reader that runs no scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self._silent = False
        self.feed(page)
        self.text = " ".join("".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._silent = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._silent = False

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)


# Without a browser.


def test_the_page_holds_what_the_trace_holds(classify: Any) -> None:
    trace = classify.trace("What an unbelievably good film!")
    page = trace.to_html()
    (sequence,) = data_of(page)["sequences"]
    assert sequence["tokens"] == trace.tokens
    assert sequence["ids"] == trace.ids
    assert [span or [0, 0] for span in sequence["spans"]] == [list(span) for span in trace.spans]
    assert sequence["notes"] == [one.note for one in trace.sequences[0].tokens]
    assert np.allclose(sequence["norms"], trace.norms, rtol=1e-3)
    outline = Outline(page)
    for words in (*trace.tokens, "POSITIVE", "NEGATIVE", *(stage.sentence for stage in trace.stages)):
        assert words in outline.text
    assert f"{trace.probabilities[1]:.4f}" in outline.text
    headings = [tag for tag in outline.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == "h1"
    assert headings.count("h1") == 1
    assert all(int(after[1]) <= int(before[1]) + 1 for before, after in pairwise(headings))


def test_pieces_are_the_characters_of_the_text(classify: Any) -> None:
    text = "Unbelievably 日本, naïve"
    for token in classify.trace(text).sequences[0].tokens:
        assert token.piece == ("" if token.is_special else text[token.start : token.end])


def test_labels_name_the_last_axis(tiny: Make) -> None:
    pipe = tiny("text-classification", "ForSequenceClassification", **named(EMOTIONS))
    trace = pipe.trace("good", top_k=None)
    assert trace.labels == EMOTIONS
    assert json.loads(trace.to_json())["labels"] == EMOTIONS
    assert all(name in Outline(trace.to_html()).text for name in EMOTIONS)
    words = tiny("fill-mask", "ForMaskedLM").trace("the [MASK] was good")
    assert [words.labels[one["token"]] for one in words.answer] == [one["token_str"] for one in words.answer]
    assert tiny("feature-extraction", "Model").trace("good").labels == []


def test_nothing_in_a_text_is_markup(classify: Any) -> None:
    page = classify.trace(HOSTILE).to_html()
    outline = Outline(page)
    assert outline.tags.count("script") == 2
    assert "img" not in outline.tags
    assert " ".join(HOSTILE.split()) in outline.text
    assert data_of(page)["sequences"][0]["tokens"] == classify.trace(HOSTILE).tokens
    written = page[page.index('id="data">') + len('id="data">') : page.index("</script>", page.index('id="data">'))]
    assert not set("<>&\u2028\u2029") & set(written)


def test_nothing_is_fetched_and_no_script_runs_but_the_pages_own(classify: Any) -> None:
    page = classify.trace("good").to_html()
    outline = Outline(page)
    assert not {"link", "img", "iframe", "object", "form", "base"} & set(outline.tags)
    assert not [name for name, _ in outline.attributes if name in ("src", "style") or name.startswith("on")]
    assert all(value is not None and value.startswith("#") for name, value in outline.attributes if name == "href")
    policy = dict(re.findall(r"([\w-]+) ([^;]+)", page[page.index("default-src") : page.index('">', 300)]))
    assert policy["default-src"] == "'none'"
    (script,) = re.findall(r'<script type="module">(.*?)</script>', page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy["script-src"] == f"'sha256-{digest}'"


def test_modules_have_no_name_in_common_and_write_no_markup() -> None:
    names = re.findall(r"^(?:async )?(?:const|let|function|class) (\w+)", script_of("main.js"), re.MULTILINE)
    assert len(names) == len(set(names)) > 30
    assert not re.search(r"^(import|export)", script_of("main.js"), re.MULTILINE)
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "fetch(", "</script"):
        assert forbidden not in script_of("main.js")
    modules = {one.name for one in resources.files("pellucid.tracing.page").iterdir() if one.name.endswith(".js")}
    reached, left = set(), ["main.js"]
    while left:
        reached.add(name := left.pop())
        source = resources.files("pellucid.tracing.page").joinpath(name).read_text(encoding="utf-8")
        left += [one for one in re.findall(r'from "\./(\w+\.js)"', source) if one not in reached]
    assert reached == modules


def luminance(colour: str) -> float:
    shares = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(factor * share for factor, share in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_words_stand_out_from_every_ground(scheme: int) -> None:
    """As WCAG 2.2 counts it, success criterion 1.4.3; 1.4.11 for drawings."""
    style = resources.files("pellucid.tracing.page").joinpath("page.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", style.split(":root {")[scheme + 1].split("}")[0]))
    for ground in ("paper", "surface", "low", "blue", "orange"):
        assert contrast(colours["ink"], colours[ground]) >= 4.5, ground
    for words in ("quiet", "accent"):
        assert all(contrast(colours[words], colours[ground]) >= 4.5 for ground in ("paper", "surface"))
    for drawn in ("accent", "against"):
        assert all(contrast(colours[drawn], colours[ground]) >= 3 for ground in ("paper", "surface", "track"))


def read_again(written: dict[str, Any], part: str) -> list[list[dict[int, float]]]:
    """What `in_bytes` wrote: for each layer and row, weights by column. The definition of the form, in NumPy."""
    heads = written["heads"] if part == "each" else 1
    rows, kept, length = written["layers"] * heads * written["length"], written[part]["kept"], written["length"]
    data = base64.b64decode(written[part]["bytes"])
    most = np.frombuffer(data, "<u2", rows) / 65535
    at = 2 * rows
    columns = np.tile(np.arange(length), (rows, 1))
    if kept < length:
        columns = np.frombuffer(data, "<u2", rows * kept, at).reshape(rows, kept)
        at += 2 * rows * kept
    weights = np.frombuffer(data, np.uint8, rows * kept, at).reshape(rows, kept) / 255 * most[:, None]
    assert len(data) == at + rows * kept
    found = [dict(zip(one.tolist(), own.tolist(), strict=True)) for one, own in zip(columns, weights, strict=True)]
    per_layer = heads * length
    return [found[n : n + per_layer] for n in range(0, rows, per_layer)]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 40), st.integers(0, 20_000), st.integers(0, 2**32 - 1))
def test_attentions_in_bytes_are_the_attentions(layers: int, heads: int, length: int, budget: int, seed: int) -> None:
    logits = np.random.default_rng(seed).normal(scale=4, size=(layers, heads, length, length))
    weights = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    written = in_bytes(list(weights), budget)
    parts = [part for part in ("each", "means") if written[part]]
    assert sum(len(base64.b64decode(written[part]["bytes"])) for part in parts) <= budget
    for part in parts:
        for layer, own in enumerate(read_again(written, part)):
            expected = weights[layer] if part == "each" else weights[layer].mean(0)
            for row, found in zip(expected.reshape(-1, length), own, strict=True):
                assert all(abs(row[column] - value) <= 1 / 255 for column, value in found.items())
                assert min(row[column] for column in found) >= np.sort(row)[-len(found)] - 1e-6
    if layers * heads * length * (length + 2) <= budget:
        assert written["each"]["kept"] == length


def test_a_page_of_a_hundred_million_weights_is_small_and_says_what_is_left_out(huge: Any, huge_page: str) -> None:
    page = huge_page
    assert len(page.encode()) < 5_000_000
    (sequence,) = data_of(page)["sequences"]
    assert len(sequence["tokens"]) == 512
    written = sequence["attentions"]
    assert (written["layers"], written["heads"], written["length"]) == (24, 16, 512)
    assert written["each"]["kept"] >= 3
    assert written["means"]["kept"] >= 20
    assert len(huge._repr_html_()) < 2 * BYTES_IN_NOTEBOOK


def test_what_is_not_asked_for_is_not_computed(tiny: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = tiny("text-classification", "ForSequenceClassification")
    trace = pipe.trace("the movie was good")
    asked: list[Any] = []
    run = pipe.model.runner.run
    monkeypatch.setattr(
        pipe.model.runner, "run", lambda packed, **named: asked.append(named["taps"]) or run(packed, **named)
    )
    without = trace.to_html(attentions=False, norms=False)
    assert asked == []
    assert "attentions" not in data_of(without)["sequences"][0]
    assert "norms" in data_of(trace.to_html(attentions=False))["sequences"][0]
    trace.to_html()
    assert asked == [("hidden_states",), ("hidden_states", "attentions")]


def test_sequences_are_looked_into_one_by_one(tiny: Make) -> None:
    pipe = tiny("zero-shot-classification", "ForSequenceClassification", **named(["entailment", "other"]))
    trace = pipe.trace("a great film", candidate_labels=["good", "i love this movie"])
    found = [trace.looked_into(n, "attentions", "hidden_states") for n in (0, 1)]
    assert all(np.allclose(one, two) for one, two in zip(found[0]["attentions"], trace.attentions, strict=True))
    for n, states in enumerate(trace.hidden_states):
        joined = np.concatenate([found[0]["hidden_states"][n], found[1]["hidden_states"][n]])
        assert np.allclose(joined, states, atol=1e-5)
    assert found[1]["attentions"][0].shape[-1] == len(trace.sequences[1].tokens) != len(trace.tokens)


def test_more_sequences_than_a_page_takes_are_left_out_and_told(tiny: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pellucid.tracing.page.contents.TOKENS", 90)
    pipe = tiny("question-answering", "ForQuestionAnswering")
    trace = pipe.trace({"question": "was it good ?", "context": "the film was very good . " * 12})
    page = trace.to_html()
    assert len(trace.sequences) > 3
    assert len(data_of(page)["sequences"]) == 2
    assert f"{len(trace.sequences) - 2} further sequences are left out" in Outline(page).text


@pytest.mark.parametrize("bad", ["tokens", "contributions", "infinite"])
def test_an_explanation_of_something_else_is_refused(classify: Any, bad: str) -> None:
    trace = classify.trace("What a good film!")
    tokens, contributions = list(trace.tokens), [0.5] * len(trace.tokens)
    if bad == "tokens":
        tokens[2] = "the"
    elif bad == "contributions":
        contributions.pop()
    else:
        contributions[0] = float("nan")
    with pytest.raises(InputError, match="explanation") as caught:
        trace.to_html(explanation=Explanation(tokens, contributions))
    assert bad != "tokens" or caught.value.position == 2


def test_numbers_that_are_none_are_shown_as_such(classify: Any) -> None:
    trace = classify.trace("good")
    trace.sequences[0].values["logits"] = np.array([np.nan, np.inf], np.float32)
    page = trace.to_html(attentions=False, norms=False)
    assert "nan" in Outline(page).text
    assert data_of(page)["sequences"][0]["choices"] == []


@pytest.mark.parametrize("answer", [{"a": [1, {"b": 2}]}, "words", 3, None, [[1.0, float("nan")]], [], [{"x": None}]])
def test_any_answer_can_be_shown(tiny: Make, answer: Any) -> None:
    trace = tiny("text-classification", "ForSequenceClassification").trace("good")
    trace.answer = answer
    assert "Answer" in Outline(trace.to_html(attentions=False, norms=False)).text


def test_the_command_writes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["trace", "sentiment-analysis", "--model", "builtin", "--engine", "numpy", "What a film!"]
    target = tmp_path / "out.html"
    target.write_text("before")
    assert main([*asked, "--html", str(target)]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert str(target) in shown.err
    assert data_of(target.read_text(encoding="utf-8"))["sequences"][0]["attentions"]
    assert [path.name for path in tmp_path.iterdir()] == ["out.html"]
    assert main([*asked, "--html", str(target), "--no-attentions", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["task"] == "text-classification"
    assert "attentions" not in data_of(target.read_text(encoding="utf-8"))["sequences"][0]


def test_the_command_refuses_what_it_cannot_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["trace", "sentiment-analysis", "--model", "no-such-model", "What a film!"]
    # Before a model is looked for.
    assert main([*asked, "--html", str(tmp_path / "missing" / "out.html")]) == 1
    assert f"The folder {tmp_path / 'missing'} does not exist" in capsys.readouterr().err
    assert main([*asked, "--html", str(tmp_path)]) == 1
    assert "is a folder" in capsys.readouterr().err
    assert main([*asked, "--no-attentions"]) == 1
    assert "--html" in capsys.readouterr().err


# In Chromium.


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Callable[..., Watched]:
    def open_page(page: str, **named: Any) -> Watched:
        path = tmp_path / "page.html"
        path.write_text(page, encoding="utf-8")
        return Watched(browser, path, **named)

    return open_page


def calm(watched: Watched) -> None:
    """Nothing was asked for, nothing complained of, and nothing is wider than the window."""
    assert watched.complaints == []
    assert watched.requests == []
    assert watched.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # Names of rows lie beside their rows, once the page has measured these.
    for names in watched.page.locator(".map .names:visible").all():
        for _ in range(50):
            rows = names.locator("xpath=..").locator("canvas").bounding_box()
            last = names.locator("li").last.bounding_box()
            if abs(last["y"] + last["height"] - rows["y"] - rows["height"]) < 2:
                break
            watched.page.wait_for_timeout(100)
        else:
            pytest.fail(f"the last name ends at {last}, and the rows at {rows}")
        assert last["height"] > 10


TEXTS = {
    "one token": ("a", {"add_special_tokens": False}),
    "emoji": ("👩‍👧 🎬 loved it 😀", {}),
    "mixed direction": ("مرحبا بالعالم, this film كان رائعا שלום 123", {}),
    "han": ("日本語の映画はとても良い。这部电影很好看！영화", {}),
    "markup": (HOSTILE, {}),
    "40 tokens": ("the film was good " * 9 + "so good", {}),
    "512 tokens": ("the film was good . " * 150, {"truncation": True}),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", TEXTS)
def test_every_text_is_shown_as_text(classify: Any, opened: Callable[..., Watched], name: str, scheme: str) -> None:
    text, arguments = TEXTS[name]
    trace = classify.trace(text, **arguments)
    with opened(trace.to_html(), width=400, color_scheme=scheme) as watched:
        calm(watched)
        page = watched.page
        assert page.title() == "text-classification by builtin"
        assert page.locator(".token bdi").all_text_contents() == trace.tokens
        assert page.locator(".input").text_content() == text
        assert page.locator("script").count() == 2
        page.set_viewport_size({"width": 1440, "height": 900})
        calm(watched)


def test_24_layers_of_16_heads(huge: Any, huge_page: str, opened: Callable[..., Watched]) -> None:
    with opened(huge_page, width=400) as watched:
        calm(watched)
        page = watched.page
        field(page, "layer").select_option("7")
        field(page, "head").select_option("15")
        page.locator(".token").nth(5).click()
        shown = details(page)
        kept = data_of(huge_page)["sequences"][0]["attentions"]["each"]["kept"]
        assert len(shown) == min(kept, 8)
        row = huge.looked_into(0, "attentions")["attentions"][7][15][5]
        for place, weight in shown:
            assert abs(row[place] - weight) <= 1 / 255
        assert "strongest weights of each token" in page.locator("#tokens .note").text_content()
        page.set_viewport_size({"width": 1440, "height": 900})
        calm(watched)


def field(page: Any, name: str) -> Any:
    return page.get_by_role("combobox", name=name, exact=True)


def details(page: Any) -> list[tuple[int, float]]:
    """Places and weights that the details list."""
    items = page.locator(".details .bars").last.locator("li")
    return [
        (int(item.locator("small").text_content()), float(item.locator(".number").text_content()))
        for item in items.all()
    ]


def test_attentions_are_those_of_the_trace(classify: Any, opened: Callable[..., Watched]) -> None:
    trace = classify.trace("What an unbelievably good film!")
    with opened(trace.to_html()) as watched:
        page = watched.page
        for layer, head, token in ((0, 3, 1), (5, 11, 8), (2, None, 11)):
            field(page, "layer").select_option(str(layer))
            field(page, "head").select_option("mean" if head is None else str(head))
            page.locator(".token").nth(token).click()
            expected = trace.attentions[layer].mean(0) if head is None else trace.attentions[layer][head]
            shown = details(page)
            assert len(shown) == 8
            for place, weight in shown:
                assert abs(expected[token][place] - weight) <= 1 / 255
            assert shown[0][0] == int(expected[token].argmax())
            code = page.locator(".details .python").text_content()
            assert np.array_equal(eval(code, {"trace": trace}), expected[token])
        calm(watched)


def test_keys_move_the_token_that_is_looked_at(classify: Any, opened: Callable[..., Watched]) -> None:
    trace = classify.trace("What an unbelievably good film! " * 4)
    last = len(trace.tokens) - 1
    with opened(trace.to_html(), width=700) as watched:
        page = watched.page
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.getAttribute('role')") == "option":
                break

        def focused() -> int:
            place = int(page.evaluate("document.activeElement.dataset.place"))
            assert page.locator(".details .which").text_content() == f"token {place} of {last + 1}"
            assert page.locator(".details .name").text_content() == trace.tokens[place]
            assert page.locator(".details dd").first.text_content() == str(trace.ids[place])
            assert page.locator('.token[aria-selected="true"]').get_attribute("data-place") == str(place)
            return place

        assert focused() == 1
        for key, place in (("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2), ("Home", 0), ("ArrowLeft", 0)):
            page.keyboard.press(key)
            assert focused() == place
        page.keyboard.press("ArrowDown")
        below = focused()
        assert below > 3
        page.keyboard.press("ArrowUp")
        assert focused() == 0
        page.keyboard.press("End")
        assert focused() == last
        assert page.locator('.token[tabindex="0"]').count() == 1
        # Fields are reached by Tab too, and arrows choose in them.
        page.keyboard.press("Shift+Tab")
        assert page.evaluate("document.activeElement.tagName") == "SELECT"
        calm(watched)


def test_pointing_looks_and_leaving_looks_back(classify: Any, opened: Callable[..., Watched]) -> None:
    trace = classify.trace("What an unbelievably good film!")
    with opened(trace.to_html()) as watched:
        page = watched.page
        page.locator(".token").nth(2).click()
        page.locator(".token").nth(9).hover()
        assert page.locator(".details .name").text_content() == trace.tokens[9]
        page.locator("h1").hover()
        assert page.locator(".details .name").text_content() == trace.tokens[2]
    with opened(trace.to_html(), width=400, has_touch=True) as watched:
        watched.page.locator(".token").nth(4).tap()
        assert watched.page.locator(".details .name").text_content() == trace.tokens[4]


def test_contributions_colour_the_tokens(classify: Any, opened: Callable[..., Watched]) -> None:
    trace = classify.trace("What a good film!")
    contributions = [0.0, -0.25, 0.5, 1.0, -1.0, 0.0, 0.125]
    with opened(trace.to_html(explanation=Explanation(trace.tokens, contributions))) as watched:
        page = watched.page
        assert field(page, "colour by").input_value() == "contribution"
        for place, value in enumerate(contributions):
            token = page.locator(".token").nth(place)
            assert ("against" in token.get_attribute("class").split()) == (value < 0)
            share = token.evaluate("node => node.style.getPropertyValue('--share')")
            assert float(share.removesuffix("%")) == 100 * abs(value)
        page.locator(".token").nth(1).click()
        assert "−0.2500" in page.locator(".details dl").text_content()
        field(page, "colour by").select_option("norm")
        assert page.locator(".token.against").count() == 0
        calm(watched)


def test_sequences_are_switched(tiny: Make, opened: Callable[..., Watched]) -> None:
    pipe = tiny("zero-shot-classification", "ForSequenceClassification", **named(["entailment", "other"]))
    trace = pipe.trace("a great film", candidate_labels=["good", "i love this movie"])
    with opened(trace.to_html()) as watched:
        page = watched.page
        assert page.locator('[data-sequence="0"]:visible').count() == 2
        field(page, "sequence").select_option("1")
        assert page.locator(".token bdi").all_text_contents() == [one.token for one in trace.sequences[1].tokens]
        assert page.locator('[data-sequence="0"]:visible').count() == 0
        assert page.locator('[data-sequence="1"]:visible').count() == 2
        field(page, "head").select_option("2")
        page.locator(".token").nth(3).click()
        code = page.locator(".details .python").text_content()
        expected = eval(code, {"trace": trace})
        for place, weight in details(page):
            assert abs(expected[place] - weight) <= 1 / 255
        calm(watched)


def test_words_behind_masks_and_labels_of_tokens_are_shown(tiny: Make, opened: Callable[..., Watched]) -> None:
    trace = tiny("fill-mask", "ForMaskedLM").trace("the [MASK] was good", top_k=3)
    with opened(trace.to_html()) as watched:
        watched.page.locator(".token").nth(2).click()
        chosen = watched.page.locator(".details .bars").first.locator("bdi").all_text_contents()
        assert chosen[:3] == [one["token_str"] for one in trace.answer]
        calm(watched)
    trace = tiny("token-classification", "ForTokenClassification", **named(["O", "PER", "LOC"])).trace("the movie")
    with opened(trace.to_html()) as watched:
        logits = trace.sequences[0].values["logits"]
        for place in range(len(trace.tokens)):
            watched.page.locator(".token").nth(place).click()
            chosen = watched.page.locator(".details .bars").first.locator("bdi").first.text_content()
            assert chosen == trace.labels[int(logits[place].argmax())]


def test_the_browser_itself_refuses_other_scripts_and_every_request(
    classify: Any, opened: Callable[..., Watched]
) -> None:
    with opened(classify.trace("good").to_html()) as watched:
        page = watched.page
        page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "document.title = 'run'";
                document.body.append(script);
                const image = document.createElement("img");
                image.setAttribute("onerror", "document.title = 'run'");
                image.src = "https://example.org/picture.png";
                document.body.append(image);
            }"""
        )
        assert not page.evaluate("fetch('https://example.org/').then(() => true, () => false)")
        assert page.title() == "text-classification by builtin"
        assert all("Content Security Policy" in words for words in watched.complaints)
        assert len(watched.complaints) >= 3


def test_who_wants_no_motion_gets_none(classify: Any, opened: Callable[..., Watched]) -> None:
    page = classify.trace("good").to_html()
    found = {}
    for motion in ("reduce", "no-preference"):
        with opened(page, reduced_motion=motion) as watched:
            script = "getComputedStyle(document.querySelector('.token')).transitionDuration"
            found[motion] = watched.page.evaluate(script)
    assert found == {"reduce": "0s", "no-preference": "0.09s"}


def test_a_text_of_thousands_of_tokens(tiny: Make, opened: Callable[..., Watched]) -> None:
    pipe = tiny("text-classification", "ForSequenceClassification", max_position_embeddings=3000, num_hidden_layers=2)
    trace = pipe.trace("the movie was not very good . " * 400)
    html = trace.to_html()
    assert len(html.encode()) < 5_000_000
    with opened(html, width=400) as watched:
        page = watched.page
        page.locator(".token").nth(2500).click()
        assert page.locator(".details .which").text_content() == f"token 2500 of {len(trace.tokens)}"
        row = trace.attentions[1].mean(0)[2500]
        assert all(abs(row[place] - weight) <= 1 / 255 for place, weight in details(page))
        calm(watched)


def test_light_and_dark(classify: Any, opened: Callable[..., Watched]) -> None:
    page = classify.trace("good").to_html()
    grounds = {}
    for scheme in ("light", "dark"):
        with opened(page, color_scheme=scheme) as watched:
            found = watched.page.evaluate("getComputedStyle(document.body).backgroundColor")
            grounds[scheme] = sum(map(int, re.findall(r"\d+", found)))
    assert grounds["dark"] < 150 < 600 < grounds["light"]


def test_without_scripts_stages_tokens_and_answer_are_there(classify: Any, opened: Callable[..., Watched]) -> None:
    trace = classify.trace("What a good film!")
    with opened(trace.to_html(), java_script_enabled=False, width=400) as watched:
        page = watched.page
        assert page.locator("#stages h3").all_text_contents() == [one.name for one in trace.stages]
        for words in (*trace.tokens, "POSITIVE", trace.stages[1].sentence):
            assert page.get_by_text(words, exact=True).last.is_visible()
        assert page.locator(".table").first.is_visible()
        assert watched.requests == []


def test_a_notebook_shows_it_in_a_frame(classify: Any, opened: Callable[..., Watched]) -> None:
    trace = classify.trace(f"What a good film! {HOSTILE}")
    cell = f"<!doctype html><meta charset=utf-8><title>notebook</title>{trace._repr_html_()}"
    with opened(cell, width=1000) as watched:
        frame = watched.page.frame_locator("iframe")
        assert frame.locator(".token bdi").all_text_contents() == trace.tokens
        frame.locator(".token").nth(4).click()
        assert frame.locator(".details .name").text_content() == trace.tokens[4]
        assert watched.page.locator("iframe").get_attribute("sandbox") == "allow-scripts"
        assert watched.page.locator("iframe").get_attribute("title") == "Trace of text-classification by builtin"
        assert watched.page.title() == "notebook"
        assert watched.complaints == []
        assert [url for url in watched.requests if not url.startswith("about:")] == []
