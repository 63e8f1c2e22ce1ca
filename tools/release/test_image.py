"""The container image, built and run like in compose.yaml.

The base image and the build image of the Containerfile need a registry. Here, a base image with
this machine's C library replaces the first, and the existing binary of the command the second.
"""

import base64
import json
import os
import pathlib
import re
import secrets
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

BINARY = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target")).resolve() / "release/anyface"
ROOT = pathlib.Path(__file__).parents[2]
IMAGE = "localhost/anyface-test"
# Podman's default `crun` does not support machines with both cgroup versions.
PODMAN = ["podman", "--runtime", "runc"]
WITHIN = 60


def run(*command, **options):
    """The output of a command, which must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout.strip()


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    base, binary = (tmp_path_factory.mktemp(name) for name in ("base", "binary"))
    for library in re.findall(r"(/\S+) \(0x", run("ldd", BINARY)):
        place = base / library.removeprefix("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, place)
    build = ["buildah", "build", "--quiet", "--format", "docker"]
    run(*build, "--tag", f"{IMAGE}-base", "-f-", base, input="FROM scratch\nCOPY . /\n")
    shutil.copy(BINARY, binary)
    run(
        *build,
        *("--tag", IMAGE, "--file", ROOT / "Containerfile"),
        *("--build-arg", f"BASE={IMAGE}-base", "--build-context", f"build={binary}"),
        ROOT,
    )
    yield IMAGE
    run("buildah", "rmi", "--force", IMAGE, f"{IMAGE}-base")


@pytest.fixture(scope="session")
def server(image, tmp_path_factory):
    """A container with a running server: its name, address and key."""
    key = tmp_path_factory.mktemp("key") / "key"
    key.write_text(secrets.token_hex(24))
    for folder in key.parents:
        if folder.stat().st_uid == os.getuid() and folder != pathlib.Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "127.0.0.1:{}".format(free.getsockname()[1])
    container = run(
        *PODMAN,
        *("run", "--detach", "--read-only", "--cap-drop=all", "--network=host"),
        *("--security-opt=no-new-privileges", "--volume", f"{key}:/run/secrets/key:ro"),
        *("--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000", image),
        *("serve", "--bind", address, "--keys", "/run/secrets/key", "--log-json"),
    )
    yield container, f"http://{address}", key.read_text()
    run(*PODMAN, "rm", "--force", container)


def health(container, address):
    """Whether the image's health check of this address succeeds."""
    check = [*PODMAN, "exec", container, "/usr/local/bin/anyface", "health", address]
    return subprocess.run(check, capture_output=True).returncode == 0


def ask(address, key):
    """Requests a face like OpenAI's SDKs."""
    request = urllib.request.Request(
        f"{address}/v1/images/generations",
        data=json.dumps({"prompt": "an old sailor"}).encode(),
        headers={"content-type": "application/json", "authorization": f"Bearer {key}"},
    )
    with urllib.request.urlopen(request, timeout=WITHIN) as answer:
        return json.load(answer)["data"][0]["b64_json"]


def test_the_image_has_user_entry_point_and_health_check(image):
    (config,) = json.loads(run("podman", "image", "inspect", image))
    assert config["User"] == "65532:65532"
    assert config["Config"]["Entrypoint"] == ["/usr/local/bin/anyface"]
    assert config["Healthcheck"]["Test"] == ["CMD", "/usr/local/bin/anyface", "health"]


def test_the_server_requires_the_key_and_runs_without_privileges(server):
    container, address, key = server
    end = time.monotonic() + WITHIN
    while not health(container, address):
        assert time.monotonic() < end, run(*PODMAN, "logs", container)
        time.sleep(0.2)
    assert base64.b64decode(ask(address, key)).startswith(b"\x89PNG")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        ask(address, "another key")

    pid = run("podman", "inspect", "--format", "{{.State.Pid}}", container)
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
    assert not re.search(r"^Uid:\s+0\s", status, re.MULTILINE)


def test_the_root_file_system_is_read_only(server):
    container, _, _ = server
    draw = ["/usr/local/bin/anyface", "generate", "a man", "--output", "/man.png"]
    drawn = subprocess.run([*PODMAN, "exec", container, *draw], capture_output=True, text=True)
    assert drawn.returncode == 1
    assert "/man.png: Read-only file system" in drawn.stderr


def test_the_health_check_fails_without_a_server(server):
    container, _, _ = server
    assert not health(container, "http://127.0.0.1:1")


def test_the_server_stops_on_request(server):
    container, _, _ = server
    run(*PODMAN, "stop", "--time", "40", container)
    assert run("podman", "inspect", "--format", "{{.State.ExitCode}}", container) == "0"
