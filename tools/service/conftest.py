"""Servers for the tests, on free ports: those that paint, and the real one. And a browser."""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import threading

import pytest
import visitor
from playwright.sync_api import expect, sync_playwright

# A busy machine is no fault of the page.
expect.set_options(timeout=30_000)
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"))


class Server:
    """A server that can be killed and started again at the same address."""

    def __init__(self, binary, *arguments):
        self.command = [TARGET / "release" / binary, *arguments]
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        told = self.process.stdout.readline()
        # Whoever does not read a log fills its pipe.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        self.address = re.search(r"http://[\w.:]+", told).group()
        self.command = [
            part if part != "127.0.0.1:0" else self.address.removeprefix("http://")
            for part in self.command
        ]

    def kill(self):
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def running(binary, *arguments):
    """A server that runs meanwhile."""
    server = Server(binary, *arguments)
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait()


@pytest.fixture(scope="session")
def address():
    with running("examples/painter", "127.0.0.1:0") as server:
        yield server.address


@pytest.fixture(scope="session")
def slow_address():
    """A server of four places, a second a face."""
    with running("examples/painter", "127.0.0.1:0", "1000", "4") as server:
        yield server.address


@pytest.fixture(scope="session")
def real_address():
    """A server of the built-in model."""
    with running("anyface", "serve", "--bind", "127.0.0.1:0") as server:
        yield server.address


@pytest.fixture
def mortal():
    """A server of one's own, slow enough to be killed at work."""
    with running("examples/painter", "127.0.0.1:0", "600") as server:
        yield server


# Tests on a machine without a screen, and nothing that Chromium asks for itself.
SWITCHES = """
    no-sandbox disable-gpu disable-quic no-first-run disable-background-networking
    disable-component-update disable-sync
"""


@pytest.fixture(scope="session")
def browser():
    visitor.SHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[f"--{switch}" for switch in SWITCHES.split()],
        )


@pytest.fixture
def visit(browser, address):
    """Opens the page, as a first visitor or not, and fails on any error in its scripts."""
    contexts, faults = [], []

    def visit(at=None, first=False, **options):
        context = browser.new_context(**{"viewport": visitor.WIDE, **options})
        contexts.append(context)
        if not first:
            context.add_init_script("localStorage.setItem('anyface-visited', '1')")
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(error))
        page.goto(at or address)
        expect(page.locator("#licence")).not_to_be_empty()
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not faults
