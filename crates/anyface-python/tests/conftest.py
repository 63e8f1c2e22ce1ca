"""Fixtures of the tests: the built-in pipeline and a photograph."""

import pathlib

import anyface
import pytest

ROOT = pathlib.Path(__file__).parents[3]


@pytest.fixture(scope="session")
def pipe():
    return anyface.Pipeline.builtin()


@pytest.fixture(scope="session")
def sailors(pipe):
    """Three faces of one description."""
    return pipe("an old sailor with a white beard", num_images_per_prompt=3, seed=7)


@pytest.fixture
def photograph():
    """A picture larger than generated ones."""
    return ROOT / "examples/face.png"
