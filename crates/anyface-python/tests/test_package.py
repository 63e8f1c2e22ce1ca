"""The package as a whole: command, types, documents, threads and signals."""

import doctest
import importlib.metadata
import io
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

import anyface
import numpy as np
import pytest
from PIL import Image

ROOT = pathlib.Path(__file__).parents[3]
COMMAND = pathlib.Path(sys.executable).with_name("anyface")
WITHIN = 60


def run(*arguments, **options):
    return subprocess.run(arguments, capture_output=True, text=True, timeout=WITHIN, **options)


def python(code):
    """Start Python with this code."""
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_the_tests_use_the_installed_package():
    assert "site-packages" in anyface.__file__


@pytest.mark.parametrize("command", [[COMMAND], [sys.executable, "-m", "anyface"]])
def test_the_package_includes_the_command(command):
    version = importlib.metadata.version("anyface")
    assert run(*command, "--version").stdout == f"anyface {version}\n"
    refused = run(*command, "generate", "a man", "--truncation", "7")
    assert refused.returncode == 1
    assert refused.stderr == "anyface: truncation must be between 0 and 1, not 7\n"
    assert run(*command, "no-such-command").returncode == 2


def test_the_command_verifies_what_the_package_saves(sailors, tmp_path):
    signed = sailors.save(tmp_path)[0]
    assert run(COMMAND, "verify", signed).returncode == 0
    changed = bytearray(signed.read_bytes())
    changed[len(changed) // 2] ^= 1
    signed.write_bytes(changed)
    assert run(COMMAND, "verify", signed).returncode == 3


def test_command_and_package_generate_the_same_face(sailors, tmp_path):
    words = "an old sailor with a white beard"
    done = run(COMMAND, "generate", words, "--seed", "7", "-o", tmp_path / "sailor.png")
    assert done.returncode == 0, done.stderr
    drawn = np.asarray(Image.open(tmp_path / "sailor.png").convert("RGB"))
    assert np.array_equal(drawn, sailors.pixels[0])
    piped = subprocess.run(
        [COMMAND, "generate", words, "--seed", "7", "-o", "-"], capture_output=True, timeout=WITHIN
    )
    # A PNG does not end with a line break, so only an explicit flush writes its end.
    assert piped.stdout.endswith(b"IEND\xaeB`\x82")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(piped.stdout))), drawn)


def test_ctrl_c_stops_the_server_of_the_command():
    server = subprocess.Popen(
        [COMMAND, "serve", "--bind", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True
    )
    try:
        address = re.search(r"http://[\d.:]+", server.stdout.readline()).group()
        end = time.monotonic() + WITHIN
        while run(COMMAND, "health", address).returncode:
            assert time.monotonic() < end
        server.send_signal(signal.SIGINT)
        assert server.wait(WITHIN) == 0
    finally:
        server.kill()


def test_ctrl_c_stops_a_pipeline_between_two_faces():
    drawing = python(
        "import anyface; pipe = anyface.Pipeline.builtin(); print('started', flush=True)\n"
        "pipe('an old sailor', num_images_per_prompt=1_000_000)"
    )
    try:
        assert drawing.stdout.readline() == "started\n"
        time.sleep(0.5)
        drawing.send_signal(signal.SIGINT)
        _, errors = drawing.communicate(timeout=WITHIN)
        assert "KeyboardInterrupt" in errors
    finally:
        drawing.kill()


def test_other_threads_run_during_an_inversion(pipe, sailors):
    ticks = []
    done = threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.monotonic()
    pipe.invert(sailors.images[0], refine=20)
    end = time.monotonic()
    done.set()
    thread.join()
    # If `invert` held the GIL, the thread would not run in the middle of the call.
    middle = [at for at in ticks if start + (end - start) / 4 < at < end - (end - start) / 4]
    assert len(middle) > 1


def test_the_stubs_match_the_module():
    stubtest = run(sys.executable, "-m", "mypy.stubtest", "anyface._anyface", "--concise")
    assert stubtest.returncode == 0, stubtest.stdout + stubtest.stderr


def test_type_checkers_understand_the_package(tmp_path):
    use = tmp_path / "use.py"
    use.write_text(
        "import anyface\n"
        "pipe = anyface.Pipeline.builtin()\n"
        "faces = pipe(['a', 'b'], num_images_per_prompt=2, seed=7)\n"
        "reveal_type(pipe.edit(faces.images[0], 'old', keep=['red hair']).latents)\n"
        "pipe('a', number=2)\n"
    )
    checked = run(sys.executable, "-m", "mypy", "--strict", use)
    assert re.search(r'use.py:4: note: Revealed type is .*float', checked.stdout), checked.stdout
    assert re.search(r'use.py:5: error: .*"number"', checked.stdout), checked.stdout


def test_every_public_item_is_documented():
    for name in anyface.__all__:
        public = getattr(anyface, name)
        assert public.__doc__, name
        for member, value in vars(public).items():
            if not member.startswith("_") and name != "AnyfaceError":
                assert value.__doc__, f"{name}.{member}"


def test_the_examples_of_the_package_run():
    tried = doctest.testmod(anyface)
    assert tried.attempted
    assert not tried.failed


@pytest.mark.parametrize("document", ["README.md", "crates/anyface-python/README.md"])
def test_the_examples_of_the_documents_run(document, tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    code = "".join(block for block in blocks if "anyface.Pipeline" in block)
    assert code
    (tmp_path / "photo.png").write_bytes((ROOT / "examples/face.png").read_bytes())
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    done = run(sys.executable, "-c", code, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
