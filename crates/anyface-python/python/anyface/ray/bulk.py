"""Bulk generation on Ray Data."""

import dataclasses
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import ray.data

from anyface import Pipeline
from anyface.ray.job import Manifest, Row, Shard, open_job, refused_rows, remove_partial_files


@dataclasses.dataclass(frozen=True)
class Report:
    """What is in the folder of a finished job."""

    #: Number of rows.
    rows: int
    #: Rows without a face; their `error` says why.
    refused: int
    #: Number of shards.
    shards: int
    #: Shards that were finished before the job started.
    skipped: int


def generate(
    prompts: Iterable[Row] | ray.data.Dataset,
    out: str | os.PathLike[str],
    num_workers: int,
    *,
    model: str | os.PathLike[str] = "portraits",
    seed: int = 0,
    truncation: float | None = None,
    rows_per_shard: int = 1000,
) -> Report:
    """Generate a face for each prompt, as Parquet shards in the folder `out`.

    `prompts` are descriptions, or mappings or a Ray data set with `prompt` and optionally `seed`.
    Without a seed of its own, row i uses `seed + i`. `num_workers` processes with one core and one
    pipeline each share the work. `out`, and `model` if it is a folder, must be visible to all nodes
    at the same path. `truncation` is described at `Pipeline.__call__`.

    A shard has the columns `index`, `prompt`, `seed`, `image` (a signed PNG file), `clip_score` and
    `error`. If the model refuses a prompt, `image` is null and `error` gives the reason.

    The folder has exactly one row for each row of `prompts` when the function returns, even if
    workers or nodes were killed. If the program itself was killed, call it again with the same
    arguments: finished shards are skipped. Only one program at a time may write to a folder.

    Raises ValueError if the folder has another job or an argument is outside its range,
    AnyfaceError if there is no such model, and OSError if the folder cannot be written.
    """
    if num_workers < 1:
        raise ValueError(f"num_workers must be at least 1, not {num_workers}")
    if truncation is not None and not 0 <= truncation <= 1:
        raise ValueError(f"truncation must be between 0 and 1, not {truncation}")
    if isinstance(prompts, ray.data.Dataset):
        # The job is known by its rows in order.
        prompts.context.execution_options.preserve_order = True
        prompts = prompts.iter_rows()
    out = Path(out).absolute()
    name = str(Path(model).absolute()) if Path(model).is_dir() else str(model)
    # Refuses an unknown bundle here, in one line, and not in every worker.
    Pipeline.from_pretrained(name)
    manifest = open_job(
        prompts, out, model=name, seed=seed, truncation=truncation, rows_per_shard=rows_per_shard
    )
    shards = manifest.shards()
    before = refused_rows(out, manifest, shards)
    missing = [shard for shard, refused in zip(shards, before, strict=True) if refused is None]
    if missing:
        _draw(missing, out, manifest, name, num_workers)
    remove_partial_files(out)
    refused = refused_rows(out, manifest, shards)
    if None in refused:
        raise OSError(f"{shards[refused.index(None)].output(out)}: the file is missing or damaged")
    return Report(
        rows=manifest.rows,
        refused=sum(count for count in refused if count),
        shards=len(shards),
        skipped=len(shards) - len(missing),
    )


def _draw(shards: list[Shard], out: Path, manifest: Manifest, model: str, workers: int) -> None:
    """Draw shards with a pool of actors. Ray repeats the shard of an actor that dies."""
    # A block is what Ray gives to an actor, so a block is one shard.
    todo = ray.data.from_items(
        [dataclasses.asdict(shard) for shard in shards], override_num_blocks=len(shards)
    )
    done = todo.map_batches(
        _Worker,
        fn_constructor_args=(out, manifest, model),
        batch_size=1,
        num_cpus=1,
        compute=ray.data.ActorPoolStrategy(
            size=workers,
            # A shard that waits for a busy actor cannot be taken by an idle one.
            max_tasks_in_flight_per_actor=1,
        ),
    )
    for _ in done.iter_batches(batch_size=None):
        pass


class _Worker:
    """An actor with one pipeline on one core."""

    def __init__(self, out: Path, manifest: Manifest, model: str) -> None:
        # Read by Rust's thread pool when the pipeline first draws.
        os.environ["RAYON_NUM_THREADS"] = "1"
        self.pipe = Pipeline.from_pretrained(model)
        self.out = out
        self.manifest = manifest

    def __call__(self, batch: dict[str, npt.NDArray[np.int64]]) -> dict[str, Any]:
        """Write the shard that the batch of one row names, unless an earlier attempt has."""
        shard = Shard(int(batch["start"][0]), int(batch["stop"][0]))
        if shard.refused(self.out, self.manifest) is None:
            asked = pq.read_table(shard.input(self.out)).to_pylist()
            rows = [self.row(index, **row) for index, row in enumerate(asked, shard.start)]
            shard.write(self.out, self.manifest, rows)
        return batch

    def row(self, index: int, prompt: str, seed: int) -> dict[str, Any]:
        """A row of a shard."""
        row: dict[str, Any] = {"index": index, "prompt": prompt, "seed": seed, "error": None}
        try:
            faces = self.pipe(prompt, seed=seed, truncation=self.manifest.truncation)
        except ValueError as refusal:
            return row | {"error": str(refusal)}
        assert faces.clip_scores
        with tempfile.TemporaryDirectory() as folder:
            (path,) = faces.save(folder)
            return row | {"image": path.read_bytes(), "clip_score": faces.clip_scores[0]}
