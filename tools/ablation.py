#!/usr/bin/env python3
"""Ablation of the mapper's loss: trains the mapper with the full loss and without each part, with
the same budget and three seeds, and prints the table of docs/ABLATION.md.

    tools/ablation.py configs/photographs/mapper.toml configs/photographs/probe.toml \\
        --set run.steps=250

The first configuration is varied; every run uses a copy of its bundle. The second configuration
names the photographs whose held-out captions are used for evaluation. `--set` reduces the budget of
each run. Finished runs are not repeated.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import tomllib
from concurrent.futures import ThreadPoolExecutor

VARIANTS = {
    "all": {},
    "−CMD": {"weight.cmd": "0.0"},
    "−DT": {"weight.triplet": "0.0"},
    "−CLIP": {"weight.clip": "0.0", "weight.contrast": "0.0"},
    "−noise": {"injection_layer": "0", "text_stream.reads_latent": "false"},
}
MEASURES = {
    "faithfulness": lambda suite: suite["accuracy"],
    "of its ceiling": lambda suite: suite["accuracy"] / suite["ceiling"],
    "R-precision": lambda suite: suite["value"],
    "distance between faces": lambda suite: suite["distance"],
}
SUITE_OF = {
    "faithfulness": "faithfulness",
    "of its ceiling": "faithfulness",
    "R-precision": "retrieval",
    "distance between faces": "diversity",
}
SAMPLES = {"faithfulness": 300, "retrieval": 300, "diversity": 8}


def over(below, above):
    """Merges two tables; `above` overrides `below`."""
    merged = dict(below)
    for key, value in above.items():
        is_table = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = over(merged[key], value) if is_table else value
    return merged


def read(path):
    """A configuration merged with its `base`."""
    table = tomllib.loads(path.read_text())
    base = table.pop("base", None)
    return over(read(path.parent / base), table) if base else table


def changed(base, settings):
    """The text of a configuration derived from `base`; `settings`: `TABLE.KEY` to TOML values."""
    tables = {"": [f'base = "{base.resolve()}"']}
    for key, value in settings.items():
        table, _, name = key.rpartition(".")
        tables.setdefault(table, []).append(f"{name} = {value}")
    blocks = ["\n".join([f"[{table}]"] * bool(table) + lines) for table, lines in tables.items()]
    return "\n\n".join(blocks) + "\n"


def run(arguments, variant, seed):
    """Trains and evaluates one run; returns its measures by suite."""
    name = f"{variant.replace('−', 'no-')}-{seed}".lower()
    folder = arguments.out / name
    result = folder / "measures.json"
    if result.exists():
        return json.loads(result.read_text())
    shutil.copytree(read(arguments.mapper)["bundle"], folder / "bundle", dirs_exist_ok=True)
    settings = VARIANTS[variant] | {
        "run.seed": str(seed),
        "bundle": f'"{folder / "bundle"}"',
        "run.out": f'"{folder / "run"}"',
    }
    settings |= dict(assignment.split("=", 1) for assignment in arguments.set)
    config = folder / "mapper.toml"
    config.write_text(changed(arguments.mapper, settings))
    resume = ["--resume"] if (folder / "run").exists() else []
    anyface, threads = arguments.anyface, (
        ["--threads", str(arguments.threads)] if arguments.threads else []
    )
    with open(folder / "train.log", "a") as log:
        train = [anyface, "train", "mapper", "--config", config, *resume, *threads]
        subprocess.run(train, check=True, stdout=log, stderr=log)
    measures = {}
    for suite in sorted(set(SUITE_OF.values())):
        photographs = [] if suite == "diversity" else ["--photographs", arguments.photographs]
        command = [anyface, "eval", suite, "--json", "--samples", str(SAMPLES[suite])]
        command += [*photographs, "--model", folder / "bundle", *threads]
        found = subprocess.run(command, check=True, capture_output=True, text=True)
        measures[suite] = json.loads(found.stdout)
    result.write_text(json.dumps(measures))
    return measures


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("mapper", type=pathlib.Path)
    parser.add_argument("photographs", type=pathlib.Path)
    parser.add_argument("--anyface", default="target/release/anyface")
    parser.add_argument("--out", type=pathlib.Path, default="runs/ablation")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="TABLE.KEY=VALUE", help="override the configuration"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1, help="concurrent runs")
    parser.add_argument("--threads", type=int, help="threads of each run; default: all cores")
    arguments = parser.parse_args()
    with ThreadPoolExecutor(arguments.workers) as pool:
        seeds = range(1, arguments.seeds + 1)
        runs = {
            (variant, seed): pool.submit(run, arguments, variant, seed)
            for seed in seeds
            for variant in VARIANTS
        }
    print(f"| | {' | '.join(MEASURES)} |\n|---|{'---|' * len(MEASURES)}")
    for variant in VARIANTS:
        found = [runs[variant, seed].result() for seed in seeds]
        cells = []
        for measure, value in MEASURES.items():
            values = [value(measures[SUITE_OF[measure]]) for measures in found]
            deviation = statistics.stdev(values) if len(values) > 1 else 0.0
            cells.append(f"{statistics.mean(values):.3f} ± {deviation:.3f}")
        print(f"| {variant} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
