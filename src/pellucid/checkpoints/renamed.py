"""Repositories of the Hub that were moved: the first models had no owner in their name, and now have one.

The Hub redirects the old names. Without a network there is nobody to redirect, so the cache is searched under
both names.
"""

from __future__ import annotations

import re

# Owner → the names that the Hub moved to it, as full matches. The order matters where a pattern is the more
# general one.
_MOVED: tuple[tuple[str, str], ...] = (
    ("almanach", r"camembert-base"),
    ("albert", r"albert-(base|large|xlarge|xxlarge)-v[12]"),
    ("google-bert", r"bert-(base|large)-.+"),
    ("distilbert", r"distil(bert|roberta|gpt2)(-.+)?"),
    ("openai-community", r"gpt2(-(medium|large|xl))?|openai-gpt|roberta-(base|large)-openai-detector"),
    ("FacebookAI", r"roberta-(base|large|large-mnli)|xlm-(roberta|mlm|clm)-.+"),
    ("google-t5", r"t5-(small|base|large|3b|11b)"),
    ("xlnet", r"xlnet-(base|large)-cased"),
    ("transfo-xl", r"transfo-xl-wt103"),
    ("Salesforce", r"ctrl"),
)


def other_name(repository: str) -> str | None:
    """The other name of a moved repository.

    Args:
        repository: `bert-base-cased` or `google-bert/bert-base-cased`.

    Returns:
        The name with its owner where none was given, the name without where one was, None if it was not
        moved.
    """
    owner, slash, name = repository.rpartition("/")
    for new_owner, pattern in _MOVED:
        if re.fullmatch(pattern, name):
            if not slash:
                return f"{new_owner}/{name}"
            if owner == new_owner:
                return name
    return None
