"""Bulk generation and serving on a real Ray cluster of two nodes, with processes killed under load.

Every test here is slow: a minute or more on two busy cores.
"""

import base64
import io
import json
import socket
import threading
import time
import urllib.error
import urllib.request

import anyface.ray
import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest
import ray
from PIL import Image
from ray import serve
from ray.cluster_utils import Cluster

WITHIN = 120
NODE = {"num_cpus": 1, "object_store_memory": 100 << 20}
SAILOR = "an old sailor with a white beard"


@pytest.fixture(scope="module")
def cluster():
    """A cluster of two nodes with one core each."""
    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    cluster.add_node(**NODE)
    ray.init(cluster.address)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def processes(name):
    """Processes that this test started, with `name` in their command line."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if name in " ".join(process.cmdline()):
                found.append(process)
        except psutil.NoSuchProcess:
            pass
    return found


def until(condition):
    """Wait for a condition and return its value."""
    end = time.monotonic() + WITHIN
    while not (value := condition()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return value


def shards(out):
    return sorted(out.glob("faces-*.parquet"))


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def drawn(pipe, seed):
    """The face of this seed without Ray."""
    return pipe(SAILOR, seed=seed).pixels[0]


def test_slow_a_killed_worker_loses_no_row_and_a_restart_skips_shards(cluster, pipe, tmp_path):
    out = tmp_path / "faces"
    killed = []

    def kill():
        until(lambda: len(shards(out)) >= 2)
        killed.append(processes("ray::MapWorker")[0])
        killed[0].kill()

    killer = threading.Thread(target=kill)
    killer.start()
    prompts = [SAILOR] * 15 + [""]
    report = anyface.ray.generate(prompts, out, 2, seed=100, rows_per_shard=2)
    killer.join()
    assert killed
    assert report == anyface.ray.Report(rows=16, refused=1, shards=8, skipped=0)
    rows = pq.read_table(out).to_pylist()
    assert [(row["prompt"], row["seed"]) for row in rows] == list(zip(prompts, range(100, 116)))
    assert np.array_equal(pixels(rows[0]["image"]), drawn(pipe, 100))
    assert rows[15]["image"] is None
    assert "empty" in rows[15]["error"]

    # As if the program had been killed: a shard is missing, and another one is damaged.
    missing, damaged = shards(out)[:2]
    missing.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-100])
    data = ray.data.from_items([{"prompt": row["prompt"], "seed": row["seed"]} for row in rows])
    report = anyface.ray.generate(data, out, 2, rows_per_shard=2)
    assert report == anyface.ray.Report(rows=16, refused=1, shards=8, skipped=6)
    again = pq.read_table(out).to_pylist()
    assert [row["seed"] for row in again] == list(range(100, 116))
    for before, after in zip(rows[:15], again[:15], strict=True):
        assert np.array_equal(pixels(before["image"]), pixels(after["image"]))
    assert {path.name for path in out.iterdir()} == {"_job", *(path.name for path in shards(out))}


def test_slow_a_lost_node_loses_no_row(cluster, tmp_path):
    out = tmp_path / "faces"
    node = cluster.add_node(**NODE)

    def remove():
        until(lambda: len(shards(out)) >= 3)
        cluster.remove_node(node)

    remover = threading.Thread(target=remove)
    remover.start()
    report = anyface.ray.generate([SAILOR] * 12, out, 3, rows_per_shard=2)
    remover.join()
    assert report == anyface.ray.Report(rows=12, refused=0, shards=6, skipped=0)
    assert pq.read_table(out)["index"].to_pylist() == list(range(12))


@pytest.fixture(scope="module")
def service(cluster, tmp_path_factory):
    """The address of the service with two replicas and a key."""
    keys = tmp_path_factory.mktemp("service") / "keys"
    keys.write_text("secret\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve.start(http_options={"port": port})
    serve.run(anyface.ray.serve_app(num_replicas=2, options=["--keys", str(keys)]))
    yield f"http://127.0.0.1:{port}"
    serve.shutdown()
    until(lambda: not processes("anyface.attached"))


def ask(address, body=None, key="secret"):
    """Status, headers and body of an answer."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=WITHIN) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_slow_the_routes_are_those_of_the_server(service):
    images = f"{service}/v1/images/generations"
    status, headers, body = ask(f"{service}/v1/models")
    assert status == 200
    assert headers.get_all("content-type") == ["application/json"]
    assert json.loads(body)["data"][0]["id"] == "portraits"
    assert ask(f"{service}/nowhere")[0] == 404
    assert ask(images, {"prompt": "a man"}, key="another")[0] == 401
    assert ask(images)[0] == 405
    status, headers, body = ask(images, {"prompt": "a man", "colour": 1})
    assert status == 400
    assert json.loads(body)["error"]["code"] == "unknown_parameter"

    _, headers, body = ask(images, {"prompt": "a man", "n": 2, "stream": True})
    assert headers["content-type"] == "text/event-stream"
    assert body.count(b"event: image_generation.completed") == 2

    _, headers, body = ask(images, {"prompt": "a man", "response_format": "url", "style": "vivid"})
    assert headers["anyface-ignored"] == "style"
    url = json.loads(body)["data"][0]["url"]
    assert url.startswith(f"{service}/files/")
    # Only one of the replicas keeps the file.
    for _ in range(4):
        status, headers, png = ask(url)
        assert (status, headers["content-type"], png[:4]) == (200, "image/png", b"\x89PNG")
    edit = {"prompt": "old", "images": [{"image_url": url}]}
    for _ in range(2):
        status, _, body = ask(f"{service}/v1/images/edits", edit)
        assert status == 200, body


def test_slow_a_killed_replica_loses_no_request(service, pipe):
    answers = {}

    def client(first):
        for seed in range(first, first + 5):
            asked = {"prompt": SAILOR, "seed": seed}
            status, _, body = ask(f"{service}/v1/images/generations", asked)
            assert seed not in answers
            answers[seed] = (status, json.loads(body))

    clients = [threading.Thread(target=client, args=(first,)) for first in range(0, 20, 5)]
    for thread in clients:
        thread.start()
    until(lambda: len(answers) >= 4)
    # First a replica, with its server, then the server of another replica.
    processes("ray::ServeReplica:default:Server")[0].kill()
    until(lambda: len(answers) >= 8)
    processes("anyface.attached")[-1].kill()
    for thread in clients:
        thread.join()
    assert sorted(answers) == list(range(20))
    assert [status for status, _ in answers.values()] == [200] * 20
    for seed, (_, answer) in answers.items():
        (image,) = answer["data"]
        assert image["seed"] == seed
    png = base64.b64decode(answers[19][1]["data"][0]["b64_json"])
    assert np.array_equal(pixels(png), drawn(pipe, 19))
    until(lambda: len(processes("anyface.attached")) == 2)
