"""``python -m anyface.ray generate`` and ``python -m anyface.ray serve``."""

import argparse
from collections.abc import Iterable
from pathlib import Path

import ray
from ray import serve

from anyface.ray import generate, serve_app
from anyface.ray.job import Row


def main() -> None:
    """Run the command line of this module."""
    parser = argparse.ArgumentParser(
        prog="python -m anyface.ray",
        description="Starts Ray on this machine, or uses the cluster that RAY_ADDRESS names.",
    )
    commands = parser.add_subparsers(dest="command", required=True)

    bulk = commands.add_parser("generate", help="a face for each prompt, as Parquet shards")
    bulk.add_argument("prompts", help="a text with a prompt on each line, or Parquet files")
    bulk.add_argument("out", help="folder of the shards")
    bulk.add_argument("--num-workers", type=int, required=True)
    bulk.add_argument("--model", default="portraits", help="name or folder of a bundle")
    bulk.add_argument("--seed", type=int, default=0, help="seed of the first prompt")

    service = commands.add_parser("serve", help="the image service, until Ctrl-C")
    service.add_argument("--model", default="portraits", help="name or folder of a bundle")
    service.add_argument("--num-replicas", type=int, default=1)
    service.add_argument("--port", type=int, default=8000)
    service.add_argument("options", nargs="*", help="after --: options of `anyface serve`")

    given = parser.parse_args()
    ray.init()
    if given.command == "generate":
        rows = read_prompts(given.prompts)
        print(generate(rows, given.out, given.num_workers, model=given.model, seed=given.seed))
    else:
        app = serve_app(given.model, num_replicas=given.num_replicas, options=given.options)
        serve.start(http_options={"port": given.port})
        serve.run(app, blocking=True)


def read_prompts(path: str) -> Iterable[Row] | ray.data.Dataset:
    """The lines of a text that are not empty, or the rows of Parquet files."""
    if Path(path).is_dir() or path.endswith(".parquet"):
        return ray.data.read_parquet(path)
    return [line for line in Path(path).read_text().splitlines() if line.strip()]


if __name__ == "__main__":
    main()
