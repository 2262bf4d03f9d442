"""One contestant in a process of its own: reads commands, one JSON object a line, and answers each with one.

python worker.py NAME CHECKPOINT TASK THREADS CALIBRATION
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

STARTED = time.perf_counter()


def main() -> None:
    """Load, and serve until the end of the input."""
    name, checkpoint, task, threads, calibration = sys.argv[1:]
    # Libraries print; the protocol has a line of its own.
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    import numpy as np

    from peers.contestants import BY_NAME
    from peers.libraries import CALIBRATION
    from peers.peak import peak_mebibytes

    contestant = BY_NAME[name]
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copy(calibration, Path(scratch) / CALIBRATION)
        answer, tokenize = contestant.load(checkpoint, task, int(threads), Path(scratch))
        loaded = time.perf_counter() - STARTED
        answer(["a text before the first one"], 1)

        def tell(**found: Any) -> None:
            told.write(json.dumps(found) + "\n")
            told.flush()

        tell(loaded=loaded, first_answer=time.perf_counter() - STARTED, peak=peak_mebibytes(), tokenizes=bool(tokenize))
        for line in sys.stdin:
            command = json.loads(line)
            texts, size = command["texts"], command.get("batch_size", 32)
            start = time.perf_counter()
            if command["do"] == "answers":
                values = answer(texts, size)
                seconds = time.perf_counter() - start
                tell(seconds=seconds, values=np.asarray(values).tolist() if command.get("values") else None)
            elif command["do"] == "one by one":
                each = []
                for text in texts:
                    start = time.perf_counter()
                    answer([text], 1)
                    each.append(time.perf_counter() - start)
                tell(each=each)
            elif command["do"] == "tokenize":
                tokenize(texts)
                tell(seconds=time.perf_counter() - start)
            elif command["do"] == "at once":
                with ThreadPoolExecutor(command["callers"]) as pool:
                    list(pool.map(lambda text: answer([text], 1), texts))
                tell(seconds=time.perf_counter() - start)
            elif command["do"] == "peak":
                tell(peak=peak_mebibytes())


if __name__ == "__main__":
    main()
