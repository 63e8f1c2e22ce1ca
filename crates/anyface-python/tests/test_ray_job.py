"""Jobs of anyface.ray as files, without a cluster."""

import subprocess
import sys

import pyarrow.parquet as pq
import pytest
from anyface.ray import job

FACES = [{"prompt": "a queen", "seed": 5}, "a king", {"prompt": "a king"}]


def opened(out, rows=FACES, **changed):
    options = {"model": "portraits", "seed": 0, "truncation": None, "rows_per_shard": 2}
    return job.open_job(rows, out, **{**options, **changed})


def drawn(shard):
    """Rows of a shard as a worker would write them."""
    rows = range(shard.start, shard.stop)
    return [{"index": i, "prompt": "a king", "seed": i, "error": None} for i in rows]


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_importing_the_package_does_not_import_ray():
    done = python("import sys, anyface; sys.exit('ray' in sys.modules)")
    assert done.returncode == 0, done.stderr


def test_without_ray_one_line_says_what_to_install():
    done = python("import sys; sys.modules['ray'] = None; import anyface.ray")
    last = done.stderr.splitlines()[-1]
    assert last.startswith('ImportError: anyface.ray needs Ray, pip install "anyface[ray]"')


def test_rows_get_the_seeds_of_their_positions(tmp_path):
    manifest = opened(tmp_path)
    assert manifest.rows == 3
    assert manifest.shards() == [job.Shard(0, 2), job.Shard(2, 3)]
    first, last = (pq.read_table(shard.input(tmp_path)).to_pylist() for shard in manifest.shards())
    assert first == [{"prompt": "a queen", "seed": 5}, {"prompt": "a king", "seed": 1}]
    assert last == [{"prompt": "a king", "seed": 2}]


def test_the_same_job_is_accepted_again(tmp_path):
    assert opened(tmp_path) == opened(tmp_path, rows=iter(FACES))
    assert [path.name for path in tmp_path.iterdir()] == ["_job"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"rows": FACES[:2]}, "prompts"),
        ({"seed": 1}, "prompts"),
        ({"truncation": 0.5}, "truncation"),
        ({"model": "photographs"}, "model"),
        ({"rows_per_shard": 3}, "rows_per_shard"),
    ],
)
def test_a_folder_with_another_job_is_refused(tmp_path, changed, field):
    opened(tmp_path)
    with pytest.raises(ValueError, match=f"{tmp_path}: the folder has another job: `{field}` is"):
        opened(tmp_path, **changed)


def test_a_bundle_is_known_by_its_files(tmp_path):
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "config.json").write_text("{}")
    manifest = opened(tmp_path / "out", model=str(bundle))
    moved = bundle.rename(tmp_path / "moved")
    assert opened(tmp_path / "out", model=str(moved)) == manifest
    (moved / "config.json").write_text("{ }")
    with pytest.raises(ValueError, match="`model` is sha256:"):
        opened(tmp_path / "out", model=str(moved))


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        ("a king", TypeError, "not one string"),
        ([7], TypeError, "row 0: a row must be"),
        (["a king", {"seed": 7}], TypeError, "row 1: `prompt` must be a string, not None"),
        ([{"prompt": "a king", "seed": -1}], ValueError, "row 0: `seed` must be from 0"),
        ([{"prompt": "a king", "seed": "x"}], TypeError, "row 0: `seed` must be a whole number"),
        ([], ValueError, "there are no prompts"),
    ],
)
def test_invalid_rows_are_named(tmp_path, rows, error, message):
    with pytest.raises(error, match=message):
        opened(tmp_path, rows=rows)
    assert not list(tmp_path.iterdir())


def test_a_shard_is_finished_only_if_it_is_whole_and_of_this_job(tmp_path):
    manifest = opened(tmp_path)
    shard, other = manifest.shards()
    assert shard.refused(tmp_path, manifest) is None
    shard.write(tmp_path, manifest, drawn(shard))
    assert shard.refused(tmp_path, manifest) == 0
    assert other.refused(tmp_path, manifest) is None
    assert shard.refused(tmp_path, opened(tmp_path / "other", seed=1)) is None

    file = shard.output(tmp_path)
    file.write_bytes(file.read_bytes()[:-20])
    assert shard.refused(tmp_path, manifest) is None
    shard.write(tmp_path, manifest, drawn(shard)[:1])
    assert shard.refused(tmp_path, manifest) is None


def test_refused_prompts_are_counted(tmp_path):
    manifest = opened(tmp_path)
    shard = manifest.shards()[0]
    rows = drawn(shard)
    rows[1]["error"] = "the description is empty"
    shard.write(tmp_path, manifest, rows)
    assert shard.refused(tmp_path, manifest) == 1


def test_readers_of_the_folder_see_only_faces(tmp_path):
    manifest = opened(tmp_path)
    for shard in manifest.shards():
        shard.write(tmp_path, manifest, drawn(shard))
    assert pq.read_table(tmp_path)["index"].to_pylist() == [0, 1, 2]


def test_slow_the_types_are_right(tmp_path):
    command = [sys.executable, "-m", "mypy", "--strict", "-p", "anyface"]
    checked = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout
