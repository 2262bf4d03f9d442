from __future__ import annotations

import subprocess
import sys


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = "{'numpy', 'tokenizers', 'torch', 'transformers', 'huggingface_hub'}"
    code = f"import sys, pellucid.tokenizers as t; assert not {heavy} & set(sys.modules); dir(t); t.BatchEncoding"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_tokenizing_loads_no_framework() -> None:
    code = (
        "import sys; from pellucid.tokenizers import AutoTokenizer, BertTokenizer;"
        "assert not {'torch', 'transformers', 'tensorflow', 'openvino'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
