#!/usr/bin/env python3
"""Throughput of anyface.ray.generate with one and with two workers, alternately.

Prints for each run:

- faces a second from the first finished shard of each worker to the last shard,
- seconds of CPU that the workers use for a face.

On a machine that does other work, faces a second depend on that work, and seconds of CPU hardly.
"""

import argparse
import pathlib
import tempfile
import threading
import time

import anyface.ray
import psutil
import ray

PROMPT = "an old sailor with a white beard and a knitted cap"


def cpu_seconds() -> float:
    """Seconds of CPU that all workers have used."""
    used = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            if process.name().startswith("ray::MapWorker"):
                times = process.cpu_times()
                used += times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return used


def measure(workers: int, shards: int, rows: int) -> None:
    """Run one job and print its figures."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        marks = []

        def watch() -> None:
            for count in (workers, shards - workers + 1):
                while len(list(out.glob("faces-*"))) < count:
                    time.sleep(0.02)
                marks.append((time.monotonic(), len(list(out.glob("faces-*"))), cpu_seconds()))

        watcher = threading.Thread(target=watch)
        watcher.start()
        start = time.monotonic()
        anyface.ray.generate([PROMPT] * (shards * rows), out, workers, rows_per_shard=rows)
        whole = time.monotonic() - start
        watcher.join()
        (began, before, used), (ended, after, used_then) = marks
        wall, faces = ended - began, (after - before) * rows
        size = sum(path.stat().st_size for path in out.glob("faces-*")) / (shards * rows)
    cpu = (used_then - used) / faces
    print(
        f"{workers} workers: {faces / wall:.2f} faces/s, {cpu:.4f} s of CPU a face, "
        f"{size:.0f} bytes a face, {whole:.0f} s in all",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shards", type=int, default=12)
    parser.add_argument("--rows", type=int, default=5, help="faces a shard")
    given = parser.parse_args()
    ray.init("local", num_cpus=2, object_store_memory=100 << 20, include_dashboard=False)
    for _ in range(given.rounds):
        for workers in (1, 2):
            measure(workers, given.shards, given.rows)


if __name__ == "__main__":
    main()
