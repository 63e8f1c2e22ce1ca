"""A server for the tests: the one that paints, on a free port."""

import os
import pathlib
import re
import subprocess

import pytest

TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"))


def start(*arguments):
    """The server's process and its address."""
    binary = TARGET / "release/examples/painter"
    process = subprocess.Popen([binary, "127.0.0.1:0", *arguments], stdout=subprocess.PIPE, text=True)
    address = re.search(r"http://\S+", process.stdout.readline()).group()
    return process, address.rstrip("/")


@pytest.fixture(scope="session")
def address():
    process, address = start()
    yield address
    process.terminate()
    process.wait()


@pytest.fixture(scope="session")
def slow_address():
    """A server of one place, a second a face."""
    process, address = start("1000", "4")
    yield address
    process.terminate()
    process.wait()
