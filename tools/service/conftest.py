"""Fixtures: servers on free ports (the example `painter` and the built-in model) and a browser."""

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

# Allows for a busy machine.
expect.set_options(timeout=30_000)
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"))


class Server:
    """A server that can be killed and restarted at the same address."""

    def __init__(self, binary, *arguments):
        self.command = [TARGET / "release" / binary, *arguments]
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        first_line = self.process.stdout.readline()
        # Without a reader, the log would fill the pipe and block the server.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        self.address = re.search(r"http://[\w.:]+", first_line).group()
        self.command = [
            part if part != "127.0.0.1:0" else self.address.removeprefix("http://")
            for part in self.command
        ]

    def kill(self):
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def running(binary, *arguments):
    """A server that runs during the `with` block."""
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
    """A server with a queue of four faces that takes a second per face."""
    with running("examples/painter", "127.0.0.1:0", "1000", "4") as server:
        yield server.address


@pytest.fixture(scope="session")
def real_address():
    """A server with the built-in model."""
    with running("anyface", "serve", "--bind", "127.0.0.1:0") as server:
        yield server.address


@pytest.fixture
def mortal():
    """A slow server for one test, to be killed during a request."""
    with running("examples/painter", "127.0.0.1:0", "600") as server:
        yield server


# Runs without a screen, and disables Chromium's own network requests.
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
    """Opens the page, by default as a returning visitor. Fails on any error in its scripts."""
    contexts, errors = [], []

    def visit(at=None, first=False, **options):
        context = browser.new_context(**{"viewport": visitor.WIDE, **options})
        contexts.append(context)
        if not first:
            context.add_init_script("localStorage.setItem('anyface-visited', '1')")
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(error))
        page.goto(at or address)
        expect(page.locator("#licence")).not_to_be_empty()
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not errors
