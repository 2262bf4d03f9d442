"""One tokenizer in many threads, each with its own truncation and padding, gives what it gives alone."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

WORDS = [
    "the",
    "movie",
    "was",
    "surprisingly",
    "unforgettable",
    ",",
    "naïve",
    "中文",
    "don't",
    "[MASK]",
    "antidisestablishmentarianism",
    "!",
]


def calls(count: int) -> list[tuple[Any, dict[str, Any]]]:
    chance = random.Random(7)
    made = []
    for _ in range(count):
        texts = [" ".join(chance.choices(WORDS, k=chance.randint(0, 60))) for _ in range(chance.randint(1, 6))]
        arguments = {
            "truncation": chance.choice([False, True, "only_first"]),
            "max_length": chance.randint(8, 40),
            "padding": chance.choice([True, "max_length", False]),
            "padding_side": chance.choice(["left", "right"]),
            "stride": chance.choice([0, 2, 4]),
            "return_overflowing_tokens": chance.choice([True, False]),
            "split_special_tokens": chance.choice([True, False]),
            "add_special_tokens": chance.choice([True, False]),
            "return_offsets_mapping": True,
        }
        made.append((texts, arguments))
    return made


def test_sixteen_threads_give_what_one_gives(uncased: Any) -> None:
    work = calls(16 * 40)

    def encode(call: tuple[Any, dict[str, Any]]) -> Any:
        rows = uncased(call[0], verbose=False, **call[1])
        return rows.data, [row.tokens for row in rows.encodings], uncased.batch_decode(rows.input_ids)

    alone = [encode(call) for call in work]
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(encode, work)) == alone


def test_tokens_added_meanwhile_disturb_nobody(tiny: Any) -> None:
    text = "hello ae world " * 20
    expected = tiny(text).data

    def encode(number: int) -> Any:
        if number % 25 == 0:
            tiny.add_tokens([f"<new{number}>"])
        return tiny(text).data

    with ThreadPoolExecutor(16) as pool:
        assert all(rows == expected for rows in pool.map(encode, range(400)))
    assert len(tiny) == 15 + 16
    assert sorted(tiny.get_added_vocab().values()) == [0, 1, 2, 3, 4, *range(15, 31)]


def test_a_call_leaves_the_rust_tokenizer_as_it_was(uncased: Any) -> None:
    before = uncased.backend_tokenizer.to_str()
    uncased(["a b c " * 30, "a"], truncation=True, max_length=8, padding="max_length", stride=2)
    assert uncased.backend_tokenizer.to_str() == before
    assert uncased.backend_tokenizer.truncation is None
    assert uncased.backend_tokenizer.padding is None
