"""The command, as a user runs it."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pellucid
from pellucid.cli import COMMANDS, main
from support.tiny import VOCABULARY


def test_a_sentence_is_classified_in_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "sentiment-analysis", "--model", "builtin", "I love it!", "I hate this so much!"]) == 0
    header, first, second = capsys.readouterr().out.splitlines()
    assert header == "label     score   text"
    assert first.startswith("POSITIVE  0.9")
    assert first.endswith("  I love it!")
    assert second.startswith("NEGATIVE  0.9")


@pytest.mark.parametrize(
    "words", [["a", "--model", "builtin", "b"], ["--model", "builtin", "a", "b"], ["a", "b", "--model=builtin"]]
)
def test_texts_stand_before_and_after_options(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "sentiment-analysis", *words, "--json"]) == 0
    assert [json.loads(line)["text"] for line in capsys.readouterr().out.splitlines()] == ["a", "b"]


@pytest.mark.parametrize("engine", ["openvino", "numpy"])
def test_machines_read_one_object_a_line(engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", "text-classification", "naïve café 🎬", "--model", "builtin", "--json", "--top-k", "2"]
    assert main([*arguments, "--engine", engine]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    answer = json.loads(line)
    assert answer["text"] == "naïve café 🎬"
    assert sorted(one["label"] for one in answer["answer"]) == ["NEGATIVE", "POSITIVE"]
    assert sum(one["score"] for one in answer["answer"]) == pytest.approx(1, abs=1e-6)


def test_all_labels_are_shown_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "sentiment-analysis", "fine", "--model", "builtin", "--top-k", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[1].endswith("fine")
    assert not lines[2].endswith("fine")


def test_features_are_shown_by_shape_and_first_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "feature-extraction", "one two", "--model", "builtin"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("[4, 384]")


def test_a_file_and_standard_input_are_read_a_text_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["good film", "", "bad film, naïve", "last line"]
    content = "\ufeff" + "\r\n".join(texts)
    (tmp_path / "texts.txt").write_bytes(content.encode())
    base = ["run", "sentiment-analysis", "--model", "builtin", "--json"]
    assert main([*base, "--file", str(tmp_path / "texts.txt")]) == 0
    from_file = capsys.readouterr().out
    assert [json.loads(line)["text"] for line in from_file.splitlines()] == texts
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
    assert main(base) == 0
    assert capsys.readouterr().out == from_file


def test_a_checkpoint_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "builtin"]) == 0
    shown = capsys.readouterr().out
    for fact in ("family      bert", "float16", "0 NEGATIVE, 1 POSITIVE", "head sequence-classification", "complete"):
        assert fact in shown
    assert main(["inspect", "builtin", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["heads"]["base"]["unused"] == ["classifier.bias", "classifier.weight"]
    assert facts["parameters"] == 13_758_338


def test_an_incomplete_head_is_shown_before_any_weight_is_read(
    encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(encoder)]) == 0
    shown = capsys.readouterr().out
    assert "head base (BertModel): complete" in shown
    assert "heads without weights of their own: masked-language-model, next-sentence, sequence-class" in shown
    assert main(["inspect", str(encoder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert "classifier.weight" in told["heads"]["sequence-classification"]["missing"]
    assert "sequence-classification" in told["untrained_heads"]


def test_a_config_that_cannot_be_computed_is_a_problem(
    encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = json.loads((encoder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "is_decoder": True}))
    (tmp_path / "model.safetensors").write_bytes((encoder / "model.safetensors").read_bytes())
    assert main(["inspect", str(tmp_path)]) == 1
    assert "problem     The config" in capsys.readouterr().out


def test_a_tokenizer_that_does_not_fit_is_a_problem(
    encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(encoder, tmp_path, dirs_exist_ok=True)
    assert main(["inspect", str(tmp_path)]) == 0
    assert f"tokenizer   BertTokenizerFast, {len(VOCABULARY)} tokens" in capsys.readouterr().out
    with (tmp_path / "vocab.txt").open("a", encoding="utf-8") as vocabulary:
        vocabulary.write("more\n")
    assert main(["inspect", str(tmp_path)]) == 1
    shown = capsys.readouterr().out
    assert f"ids go up to {len(VOCABULARY)}, and the model has embeddings for 0 to {len(VOCABULARY) - 1}" in shown
    assert "head base (BertModel): complete" in shown
    (tmp_path / "tokenizer_config.json").write_text("{")
    assert main(["inspect", str(tmp_path)]) == 1
    assert "problem     " in capsys.readouterr().out
    for name in ("vocab.txt", "tokenizer_config.json"):
        (tmp_path / name).unlink()
    assert main(["inspect", str(tmp_path)]) == 0
    assert "tokenizer   none" in capsys.readouterr().out


def test_a_family_that_is_not_run_is_told_before_any_weight_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    assert main(["inspect", str(tmp_path)]) == 1
    assert "is of the family `model_type` 'llama', which this version does not run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "dance", "a"], "Unknown task dance, available tasks are"),
        (["run", "sentiment-analysis", "a", "--model", "./nowhere"], "./nowhere"),
        (["run", "sentiment-analysis", "a", "--model", "builtin", "--engine", "onyx"], "There is no engine 'onyx'"),
        (["run", "sentiment-analysis", "a", "--model", "builtin", "--dtype", "int3"], "does not compute in 'int3'"),
        (
            ["run", "sentiment-analysis", "--model", "builtin", "--file", "no-such-file"],
            "'no-such-file' cannot be read",
        ),
        (
            ["run", "sentiment-analysis", "a " * 600, "--model", "builtin"],
            "Text 1 has 602 tokens; 'builtin' accepts at most 512. Pass --truncation",
        ),
        (["inspect", "./nowhere"], "./nowhere"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_errors_are_one_paragraph_and_the_exit_code_is_1(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 1
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.startswith("pellucid: ")
    assert "Traceback" not in said.err
    assert len(said.err.splitlines()) == 1


def test_a_line_that_is_no_utf8_is_told_by_its_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "latin1.txt").write_bytes("good\nna\xefve\n".encode("latin-1"))
    assert main(["run", "sentiment-analysis", "--model", "builtin", "--file", str(tmp_path / "latin1.txt")]) == 1
    assert "Line 2 of" in (err := capsys.readouterr().err)
    assert "byte 3 is 0xef" in err


def test_truncation_cuts_what_is_too_long(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "sentiment-analysis", "good " * 600, "--model", "builtin", "--truncation"]) == 0
    assert "POSITIVE" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["dance"], ["run"], ["run", "--nonsense"], ["inspect"]], ids=str)
def test_words_that_mean_nothing_exit_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage: pellucid" in capsys.readouterr().err


def test_texts_and_a_file_together_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "sentiment-analysis", "a", "--file", "f"]) == 2
    assert "not both" in capsys.readouterr().err


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in COMMANDS)


def test_the_version_loads_nothing() -> None:
    code = "import sys; from pellucid.cli import main\ntry: main(['--version'])\nfinally: print(sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    version, modules = run.stdout.splitlines()
    assert version == f"pellucid {pellucid.__version__}"
    assert "'numpy'" not in modules


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("good\n" * 3000)
    command = (
        f"'{sys.executable}' -m pellucid run sentiment-analysis --model builtin --file '{tmp_path}/texts.txt' --json"
    )
    run = subprocess.run(
        f"set -o pipefail; {command} | head -n 1", shell=True, executable="/bin/bash", capture_output=True, text=True
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert json.loads(run.stdout)["text"] == "good"


def test_each_task_has_a_table() -> None:
    from pellucid.cli.answers import TABLES
    from pellucid.tasks import TASKS

    assert set(TABLES) == set(TASKS)


@pytest.mark.parametrize(
    ("task", "suffix", "words", "header", "row"),
    [
        ("ner", "ForTokenClassification", ["--set", "ignore_labels=[]", "good"], "label", "good"),
        ("question-answering", "ForQuestionAnswering", ["--question", "a", "the movie"], "score", "–"),
        ("fill-mask", "ForMaskedLM", ["--top-k", "2", "the [MASK]"], "score   word", "the "),
        ("sentence-embedding", "Model", ["the"], "shape", "[24]"),
        ("similarity", "Model", ["--set", 'candidates=["good", "bad"]', "the"], "score   index", "0."),
        ("zero-shot-classification", "ForSequenceClassification", ["--labels", "a,b", "the"], "score   label", "the"),
        ("text-pair", "ForSequenceClassification", ["the\tmovie"], "label", "the\tmovie"),
    ],
)
def test_every_task_runs_by_the_command(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    task: str,
    suffix: str,
    words: list[str],
    header: str,
    row: str,
) -> None:
    from support.tiny import pellucid_checkpoint

    folder = pellucid_checkpoint(tmp_path / "made", "bert", suffix)
    assert main(["run", task, *words, "--model", str(folder), "--engine", "numpy"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(header)
    assert row in lines[1]
    assert main(["run", task, *words, "--model", str(folder), "--engine", "numpy", "--json"]) == 0
    assert "answer" in json.loads(capsys.readouterr().out)


def test_what_a_task_misses_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from support.tiny import pellucid_checkpoint

    folder = pellucid_checkpoint(tmp_path / "made", "bert", "ForQuestionAnswering")
    assert main(["run", "question-answering", "a", "--model", str(folder), "--engine", "numpy"]) == 1
    assert "needs a question: --question" in capsys.readouterr().err
    assert main(["run", "ner", "a", "--set", "stride", "--model", "builtin"]) == 1
    assert "has no value" in capsys.readouterr().err


def test_what_cannot_be_computed_is_told_before_weights_are_fetched(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from support.fake_hub import FakeHub

    files = {path.name: path.read_bytes() for path in encoder.iterdir()}
    config = json.loads(files["config.json"])
    with FakeHub() as hub:
        hub.add("owner/decoder", {**files, "config.json": json.dumps({**config, "is_decoder": True}).encode()})
        hub.add("owner/fine", files)
        hub.install(monkeypatch, tmp_path / "cache")
        assert main(["inspect", "owner/decoder"]) == 1
        shown = capsys.readouterr().out
        assert "problem     The config" in shown
        assert "parameters  not fetched" in shown
        assert not any("safetensors" in request.path and request.method == "GET" for request in hub.requests)
        assert main(["inspect", "owner/fine"]) == 0
        assert "parameters  16,512" in capsys.readouterr().out
