"""How each task's answers are shown to people: one table, a line or more for each text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from pellucid.machine_readable import as_json

Show: TypeAlias = Callable[[str, Any], None]

Rows: TypeAlias = Callable[[str, Any], list[str]]


def json_line(text: str, answer: Any) -> None:
    """One JSON object for each text."""
    print(as_json({"text": text, "answer": answer}))


def table_for(pipe: Any) -> Show:
    """What prints the answers of a pipeline; the header before the first one, so that an error stands alone."""
    header, rows = TABLES[pipe.task](pipe)
    headers = [header]

    def show(text: str, answer: Any) -> None:
        print("\n".join([*headers, *rows(text, answer)]))
        headers.clear()

    return show


def _listed(answer: Any) -> list[Any]:
    return answer if isinstance(answer, list) else [answer]


def _labels(pipe: Any) -> tuple[str, Rows]:
    width = max(len("label"), *(len(label) for label in pipe.model.config.id2label.values()))

    def rows(text: str, answer: Any) -> list[str]:
        return [
            f"{one['label']:<{width}}  {one['score']:.4f}  {text if place == 0 else ''}".rstrip()
            for place, one in enumerate(_listed(answer))
        ]

    return f"{'label':<{width}}  {'score':<6}  text", rows


def _entities(pipe: Any) -> tuple[str, Rows]:
    width = max(len("label"), *(len(label) for label in pipe.model.config.id2label.values()))

    def rows(text: str, answer: Any) -> list[str]:
        if not answer:
            return [f"{'–':<{width}}  {'':<6}  {'':<11}  {text}"]
        return [
            f"{one.get('entity_group', one.get('entity')):<{width}}  {one['score']:.4f}  "
            f"{one['start']:>5}–{one['end']:<5}  {text[one['start'] : one['end']]}"
            for one in answer
        ]

    return f"{'label':<{width}}  {'score':<6}  {'place':<11}  text", rows


def _spans(pipe: Any) -> tuple[str, Rows]:
    def rows(text: str, answer: Any) -> list[str]:
        return [
            f"{one['score']:.4f}  {one['start']:>5}–{one['end']:<5}  {one['answer'] or '(no answer)'}"
            for one in _listed(answer)
        ]

    return f"{'score':<6}  {'place':<11}  answer", rows


def _words(pipe: Any) -> tuple[str, Rows]:
    def rows(text: str, answer: Any) -> list[str]:
        masks = answer if isinstance(answer[0], list) else [answer]
        return [f"{one['score']:.4f}  {one['token_str']:<16}  {one['sequence']}" for mask in masks for one in mask]

    return f"{'score':<6}  {'word':<16}  text", rows


def _candidates(pipe: Any) -> tuple[str, Rows]:
    def rows(text: str, answer: Mapping[str, Any]) -> list[str]:
        pairs = zip(answer["scores"], answer["labels"], strict=True)
        return [
            f"{score:.4f}  {label:<16}  {text if place == 0 else ''}".rstrip()
            for place, (score, label) in enumerate(pairs)
        ]

    return f"{'score':<6}  {'label':<16}  text", rows


def _ranked(pipe: Any) -> tuple[str, Rows]:
    def rows(text: str, answer: Any) -> list[str]:
        return [f"{one['score']:.4f}  {one['index']:>5}  {one['text']}" for one in answer]

    return f"{'score':<6}  {'index':>5}  text", rows


def _hidden_states(pipe: Any) -> tuple[str, Rows]:
    def rows(text: str, answer: Any) -> list[str]:
        (vectors,) = answer
        shape = f"[{len(vectors)}, {len(vectors[0])}]"
        return [f"{shape:<12}  {_first(vectors[0])} …  {text}"]

    return f"{'shape':<12}  {'first numbers':<29}  text", rows


def _vectors(pipe: Any) -> tuple[str, Rows]:
    def rows(text: str, answer: Any) -> list[str]:
        return [f"{f'[{len(answer)}]':<12}  {_first(answer)} …  {text}"]

    return f"{'shape':<12}  {'first numbers':<29}  text", rows


def _first(vector: Any) -> str:
    return " ".join(f"{value:+.4f}" for value in vector[:4])


TABLES: dict[str, Callable[[Any], tuple[str, Rows]]] = {
    "text-classification": _labels,
    "token-classification": _entities,
    "question-answering": _spans,
    "fill-mask": _words,
    "zero-shot-classification": _candidates,
    "feature-extraction": _hidden_states,
    "sentence-embedding": _vectors,
    "similarity": _ranked,
    "text-pair": _labels,
    "rerank": _ranked,
}
"""The header of each task's table, and what makes its rows."""
