"""`pellucid train`, as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pellucid.cli import main

pytest.importorskip("torch")

ROWS = [("good film", "yes"), ("bad film", "no"), ("the movie was great", "yes"), ('i hate this "movie"', "no")] * 2


def tsv(path: Path, rows: list[tuple[str, str]] = ROWS, header: str = "label\ttext") -> str:
    path.write_text("\n".join([header, *(f"{label}\t{text}" for text, label in rows)]) + "\n", encoding="utf-8")
    return str(path)


def words_for(data: str, classifier: Path, output: Path) -> list[str]:
    return ["train", data, "--model", str(classifier), "--output", str(output), "--epochs", "2", "--batch-size", "4"]


def test_a_table_an_epoch_and_the_words_to_use_the_model(
    classifier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "my model"
    assert main([*words_for(tsv(tmp_path / "a.tsv"), classifier, output), "--evaluation", "0.25"]) == 0
    header, first, second, _, where, line = capsys.readouterr().out.splitlines()
    assert header.split()[:4] == ["epoch", "step", "train", "loss"]
    assert "accuracy" in header
    assert [row.split()[:2] for row in (first, second)] == [["1", "2"], ["2", "4"]]
    assert len(first) == len(header)
    assert "my model" in where
    assert line == f"  pellucid run text-classification --model '{output}'"
    assert main(["run", "text-classification", "--model", str(output), "good film", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answer"]["label"] in ("yes", "no")


def test_machines_read_one_object_an_epoch_also_of_a_run_that_is_finished(
    classifier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*words_for(tsv(tmp_path / "a.tsv"), classifier, tmp_path / "out"), "--json"]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert [json.loads(line)["epoch"] for line in shown.splitlines()] == [1, 2]
    assert [json.loads(line) for line in shown.splitlines()] == json.loads((tmp_path / "out/metrics.json").read_text())
    assert main(words) == 0
    assert capsys.readouterr().out == shown
    assert main([*words, "--seed", "1"]) == 1
    assert "seed (0 there, 1 now)" in capsys.readouterr().err
    assert main([*words, "--seed", "1", "--no-resume"]) == 0


def test_csv_and_jsonl_and_columns_by_name(
    classifier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text('id,first,second,kind\n1,"good, very good",film,0\n2,"bad\nfilm",film,1\n')
    rows = [{"first": "good", "second": "film", "kind": 0}, {"first": "bad", "second": "film", "kind": 1}]
    (tmp_path / "b.jsonl").write_text("\n".join(map(json.dumps, rows)))
    columns = ["--text", "first", "--pair", "second", "--label", "kind", "--json"]
    for number, name in enumerate(("a.csv", "b.jsonl")):
        other = str(tmp_path / ("a.csv" if name == "b.jsonl" else "b.jsonl"))
        words = words_for(str(tmp_path / name), classifier, tmp_path / str(number))
        code = main([*words, *columns, "--evaluation", other])
        said = capsys.readouterr()
        # Numbers in .jsonl are numbers, and in .csv they are read as such.
        assert code == 0, said.err
        assert json.loads(said.out.splitlines()[0])["accuracy"] in (0.0, 0.5, 1.0)
    config = json.loads((tmp_path / "0" / "config.json").read_text())
    assert config["problem_type"] == "single_label_classification"


def test_numbers_make_a_regression(classifier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tsv(tmp_path / "a.tsv", [("good", "0.5"), ("bad", "-1"), ("film", "2")])
    assert main([*words_for(data, classifier, tmp_path / "out"), "--evaluation", data]) == 0
    assert "mean squared error" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.tsv", "label\ttext\nyes\tgood\nno\n", "Line 3 of FILE has 1 columns; the header has 2: label, text"),
        ("a.tsv", "label\twords\nyes\tgood\n", "Line 2 of FILE has no 'text'; it has 'label', 'words'"),
        ("a.tsv", "label\ttext\n\tgood\n", "Line 2 of FILE has an empty 'label'"),
        ("a.tsv", "label\ttext\n", "FILE has no row"),
        ("a.csv", 'label,text\nyes,"go"od\n', "Line 2 of FILE cannot be read"),
        ("a.jsonl", '{"text": "a", "label": 1}\n{"text": \n', "Line 2 of FILE is no JSON"),
        ("a.jsonl", "[1]\n", "Line 1 of FILE is no JSON object"),
        ("a.jsonl", '{"text": 5, "label": 1}\n', "Line 1 of FILE has 5 as 'text'; expected a text"),
        ("a.jsonl", '{"text": "a", "label": 1}\n\n{"text": "b", "label": -1}\n', "Line 3 of FILE: `labels[1]` is -1"),
        ("a.txt", "a\n", "FILE ends in '.txt'; expected .tsv, .csv, .jsonl"),
        ("a.tsv", "label\ttext\nyes\tgood\nno\t" + "bad " * 60, "Line 3 of FILE has 62 tokens; the model takes"),
    ],
)
def test_bad_rows_are_told_by_their_line(
    name: str, content: str, said: str, classifier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text(content)
    assert main(words_for(str(tmp_path / name), classifier, tmp_path / "out")) == 1
    shown = capsys.readouterr().err
    assert said.replace("FILE", str(tmp_path / name)) in shown
    assert len(shown.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_bad_row_of_the_evaluation_file_is_told_by_its_line(
    classifier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, other = tsv(tmp_path / "a.tsv"), tsv(tmp_path / "b.tsv", [("good", "yes"), ("film", "maybe")])
    assert main([*words_for(data, classifier, tmp_path / "out"), "--evaluation", other]) == 1
    assert f"Line 3 of {other}: `evaluation labels[1]` is 'maybe'" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_told(classifier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words_for(str(tmp_path / "none.tsv"), classifier, tmp_path / "out")) == 1
    assert "cannot be read: No such file" in capsys.readouterr().err


def test_a_folder_with_another_run_is_refused_in_the_commands_own_words(
    classifier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = words_for(tsv(tmp_path / "a.tsv"), classifier, tmp_path / "run")
    assert main(words) == 0
    capsys.readouterr()
    assert main([*words, "--learning-rate", "1e-3"]) == 1
    told = capsys.readouterr().err
    assert "holds another run. What differs: learning_rate" in told
    assert "start anew with --no-resume." in told
    assert main([*words, "--learning-rate", "1e-3", "--no-resume"]) == 0
