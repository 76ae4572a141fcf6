"""A secret gives itself away to ``reveal()`` and to nothing else."""

import copy
import json
import pickle

import pytest

from probe.config.secret import Secret

SECRET = Secret("hunter2")


def test_only_reveal_gives_it_away() -> None:
    assert SECRET.reveal() == "hunter2"
    assert "hunter2" not in f"{SECRET} {SECRET!r} {[SECRET]}"


def test_equal_secrets_are_equal() -> None:
    assert Secret("hunter2") == SECRET
    assert Secret("hunter3") != SECRET
    assert SECRET != "hunter2"
    assert hash(Secret("hunter2")) == hash(SECRET)


@pytest.mark.parametrize("way", [pickle.dumps, copy.deepcopy, json.dumps])
def test_it_is_not_serialised(way: object) -> None:
    assert callable(way)
    with pytest.raises(TypeError, match="serial"):
        way(SECRET)
