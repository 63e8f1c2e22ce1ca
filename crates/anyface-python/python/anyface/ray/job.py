"""A bulk job: its rows, its manifest and its shards, as files in one folder.

The folder contains::

    _job/manifest.json                               what the job is
    _job/prompts-0000000000-0000000999.parquet       input of the first shard
    faces-0000000000-0000000999.parquet              the first shard

Readers of Parquet folders skip names that begin with ``_`` or ``.``, so they see only the shards.
"""

import dataclasses
import hashlib
import importlib.metadata
import itertools
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

#: A description, or ``{"prompt": str, "seed": int}``; the seed may be missing.
Row: TypeAlias = str | Mapping[str, Any]

INPUT = pa.schema([("prompt", pa.string()), ("seed", pa.uint64())])

#: Columns of a shard. Either `image` (a signed PNG file) and `clip_score`, or `error`.
OUTPUT = pa.schema(
    [
        ("index", pa.int64()),
        ("prompt", pa.string()),
        ("seed", pa.uint64()),
        ("image", pa.binary()),
        ("clip_score", pa.float32()),
        ("error", pa.string()),
    ]
)

#: Keys of a shard's own metadata.
_JOB, _REFUSED = b"anyface.job", b"anyface.refused"


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What determines the faces of a job and their shards."""

    #: SHA-256 of all prompts and seeds in order, hexadecimal.
    prompts: str
    rows: int
    rows_per_shard: int
    #: Name of the bundle, or SHA-256 of its folder's files.
    model: str
    #: 0 to 1; None for the bundle's default.
    truncation: float | None
    #: Version of the package.
    anyface: str

    def shards(self) -> list["Shard"]:
        """The shards in order."""
        starts = range(0, self.rows, self.rows_per_shard)
        return [Shard(at, min(at + self.rows_per_shard, self.rows)) for at in starts]

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"


@dataclasses.dataclass(frozen=True)
class Shard:
    """The rows `start` to `stop - 1` of a job."""

    start: int
    stop: int

    def input(self, out: Path) -> Path:
        return out / "_job" / f"prompts-{self._range()}.parquet"

    def output(self, out: Path) -> Path:
        return out / f"faces-{self._range()}.parquet"

    def _range(self) -> str:
        return f"{self.start:010}-{self.stop - 1:010}"

    def refused(self, out: Path, manifest: Manifest) -> int | None:
        """Number of rows without a face in the finished shard; None if it is not finished.

        A shard is finished if its file is whole, belongs to this job and has all rows.
        """
        try:
            footer = pq.read_metadata(self.output(out))
        except (FileNotFoundError, pa.ArrowInvalid):
            return None
        about = footer.metadata or {}
        whole = footer.num_rows == self.stop - self.start
        if not whole or about.get(_JOB) != manifest.to_json().encode():
            return None
        return int(about[_REFUSED])

    def write(self, out: Path, manifest: Manifest, rows: list[dict[str, Any]]) -> None:
        """Write the shard in one step: whoever reads the folder sees all of it or nothing."""
        refused = sum(row["error"] is not None for row in rows)
        about = {_JOB: manifest.to_json().encode(), _REFUSED: str(refused).encode()}
        table = pa.Table.from_pylist(rows, schema=OUTPUT.with_metadata(about))
        path = self.output(out)
        # Two attempts at one shard may write at the same time.
        partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            pq.write_table(table, partial)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def remove_partial_files(out: Path) -> None:
    """Remove what programs and workers left that were killed while they wrote."""
    for path in out.glob(".faces-*"):
        path.unlink(missing_ok=True)
    for path in out.glob("_staged-*"):
        shutil.rmtree(path)


def refused_rows(out: Path, manifest: Manifest, shards: Iterable[Shard]) -> list[int | None]:
    """`Shard.refused` of each shard."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda shard: shard.refused(out, manifest), shards))


def open_job(
    rows: Iterable[Row],
    out: Path,
    *,
    model: str,
    seed: int,
    truncation: float | None,
    rows_per_shard: int,
) -> Manifest:
    """Store the rows in the folder, or check that the folder has this job already.

    Raises ValueError if the folder has another job, or if a row is not valid.
    """
    if rows_per_shard < 1:
        raise ValueError(f"rows_per_shard must be at least 1, not {rows_per_shard}")
    out.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix="_staged-", dir=out))
    try:
        prompts, count = _store(_checked(rows, seed), staged / "_job", rows_per_shard)
        manifest = Manifest(
            prompts=prompts,
            rows=count,
            rows_per_shard=rows_per_shard,
            model=_identity(model),
            truncation=truncation,
            anyface=importlib.metadata.version("anyface"),
        )
        (staged / "_job/manifest.json").write_text(manifest.to_json())
        (staged / "_job").chmod(0o755)
        try:
            # Fails if the folder has a job, even if another program put it there just now.
            os.rename(staged / "_job", out / "_job")
        except OSError:
            _check_same(out, manifest)
    finally:
        shutil.rmtree(staged)
    return manifest


def _checked(rows: Iterable[Row], seed: int) -> Iterator[tuple[str, int]]:
    if isinstance(rows, str):
        raise TypeError("prompts must be a list of descriptions, not one string")
    for index, row in enumerate(rows):
        if isinstance(row, str):
            row = {"prompt": row}
        if not isinstance(row, Mapping):
            raise TypeError(f"row {index}: a row must be a string or a mapping, not {row!r}")
        prompt, own_seed = row.get("prompt"), row.get("seed", seed + index)
        if not isinstance(prompt, str):
            raise TypeError(f"row {index}: `prompt` must be a string, not {prompt!r}")
        if not isinstance(own_seed, (int, np.integer)):
            raise TypeError(f"row {index}: `seed` must be a whole number, not {own_seed!r}")
        if not 0 <= own_seed < 1 << 64:
            raise ValueError(f"row {index}: `seed` must be from 0 to 2^64 - 1, not {own_seed}")
        yield prompt, int(own_seed)


def _store(rows: Iterator[tuple[str, int]], folder: Path, rows_per_shard: int) -> tuple[str, int]:
    """Write the input of each shard. Returns the hash and the number of all rows."""
    folder.mkdir()
    digest, count = hashlib.sha256(), 0
    while chunk := list(itertools.islice(rows, rows_per_shard)):
        for prompt, seed in chunk:
            text = prompt.encode()
            digest.update(len(text).to_bytes(8, "little") + text + seed.to_bytes(8, "little"))
        shard = Shard(count, count + len(chunk))
        columns = dict(zip(INPUT.names, zip(*chunk, strict=True), strict=True))
        path = folder / shard.input(Path()).name
        pq.write_table(pa.Table.from_pydict(columns, schema=INPUT), path)
        count += len(chunk)
    if not count:
        raise ValueError("there are no prompts")
    return digest.hexdigest(), count


def _identity(model: str) -> str:
    """The name of a bundle, or a hash of the files in its folder."""
    folder = Path(model)
    if not folder.is_dir():
        return model
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(str(path.relative_to(folder)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f"sha256:{digest.hexdigest()}"


def _check_same(out: Path, manifest: Manifest) -> None:
    stored = json.loads((out / "_job/manifest.json").read_text())
    for field, value in dataclasses.asdict(manifest).items():
        if stored.get(field) != value:
            raise ValueError(
                f"{out}: the folder has another job: `{field}` is {stored.get(field)} there and "
                f"{value} here; choose another folder"
            )
