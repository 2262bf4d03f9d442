"""Whether time and memory for each text stay the same from a thousand texts to a million.

    python growth.py CHECKPOINT DTYPE COUNT → one JSON object

Texts are made while they are asked for, all different, and answers are dropped as they come: what is held is
Pellucid's.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator

from peers.peak import peak_mebibytes


def texts(count: int) -> Iterator[str]:
    """Different texts of some ten tokens."""
    nouns = ("film", "plot", "music", "end", "cast", "story", "scene", "joke", "song", "role")
    words = ("good", "bad", "great", "dull", "funny", "long", "poor", "fine", "weak", "warm")
    for number in range(count):
        ten, hundred = number // 10 % 10, number // 100 % 10
        yield f"the {nouns[number % 10]} was {words[ten]} and {words[hundred]} , no. {number // 1000}"


def main() -> None:
    """Answer as many as are asked for."""
    from pellucid import pipeline

    checkpoint, dtype, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    pipe = pipeline("text-classification", checkpoint, engine="openvino", dtype=dtype)
    pipe("one")
    start = time.perf_counter()
    answered = sum(1 for _ in pipe(texts(count)))
    seconds = time.perf_counter() - start
    print(json.dumps({"texts": answered, "dtype": dtype, "seconds": seconds, "peak": peak_mebibytes()}))


if __name__ == "__main__":
    main()
