#!/usr/bin/env python3
"""Seconds of CPU of a bulk job besides its faces: storing prompts, counting, starting a worker."""

import pathlib
import subprocess
import sys
import tempfile
import time

from anyface.ray import job

PROMPTS = 200_000
PROMPT = "an old sailor with a white beard, number {}"

START = """
import time, ray.data, anyface.ray.bulk
anyface.Pipeline.builtin()
print(time.process_time())
"""


def main() -> None:
    rows = ({"prompt": PROMPT.format(i), "seed": i} for i in range(PROMPTS))
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        start = time.process_time()
        manifest = job.open_job(
            rows, out, model="portraits", seed=0, truncation=None, rows_per_shard=1000
        )
        stored = time.process_time() - start
        print(f"{stored / PROMPTS * 1e6:.1f} s to store a million prompts")

        shards = manifest.shards()
        picture = {"image": bytes(22_000), "clip_score": 0.5, "error": None}
        for shard in shards:
            rows = [{"index": i, "prompt": PROMPT, "seed": i, **picture} for i in range(1000)]
            shard.write(out, manifest, rows)
        start = time.process_time()
        job.refused_rows(out, manifest, shards)
        print(f"{(time.process_time() - start) / len(shards) * 1e3:.2f} ms to count a shard")
    started = subprocess.run([sys.executable, "-c", START], capture_output=True, check=True)
    print(f"{float(started.stdout):.1f} s to start a worker")


if __name__ == "__main__":
    main()
