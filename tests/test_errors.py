"""One tree, drawn in its own file; each error is also the nearest builtin, and can cross processes."""

from __future__ import annotations

import pickle

import pytest

from pellucid import errors
from pellucid.errors import PellucidError

CLASSES = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, PellucidError)]


@pytest.mark.parametrize("error_class", CLASSES)
def test_an_error_keeps_its_message_and_facts_across_processes(error_class: type[PellucidError]) -> None:
    error = pickle.loads(pickle.dumps(error_class("what happened", path="/x", index=3)))
    assert type(error) is error_class
    assert str(error) == "what happened"
    assert (error.path, error.index) == ("/x", 3)


@pytest.mark.parametrize("error_class", CLASSES)
def test_every_error_is_drawn_in_the_tree(error_class: type[PellucidError]) -> None:
    assert error_class.__name__ in str(errors.__doc__)


def test_codes_differ() -> None:
    assert len({error_class.code for error_class in CLASSES}) == len(CLASSES)


def test_only_the_root_is_no_builtin() -> None:
    builtins = (ValueError, TypeError, KeyError, IndexError, OSError, RuntimeError, ImportError)
    plain = {c.__name__ for c in CLASSES if not issubclass(c, builtins)}
    assert plain == {"PellucidError", "CheckpointError"}
