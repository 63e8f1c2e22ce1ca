"""Servers for the tests, on free ports: those that paint, and the real one."""

import contextlib
import os
import pathlib
import re
import subprocess
import threading

import pytest

TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"))


@contextlib.contextmanager
def running(binary, *arguments):
    """The address of a server that runs meanwhile."""
    command = [TARGET / "release" / binary, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        told = process.stdout.readline()
        # Whoever does not read a log fills its pipe.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield re.search(r"http://[\w.:]+", told).group()
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="session")
def address():
    with running("examples/painter", "127.0.0.1:0") as address:
        yield address


@pytest.fixture(scope="session")
def slow_address():
    """A server of four places, a second a face."""
    with running("examples/painter", "127.0.0.1:0", "1000", "4") as address:
        yield address


@pytest.fixture(scope="session")
def real_address():
    """A server of the built-in model."""
    with running("anyface", "serve", "--bind", "127.0.0.1:0") as address:
        yield address
