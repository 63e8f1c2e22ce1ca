"""Builds the seed corpus of every target from the fixtures: python3 fuzz/seeds.py"""

import struct
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
FIXTURES = HERE.parent / "crates/anyface/tests/fixtures"
CHECKPOINTS = FIXTURES / "checkpoints"
CONTAINERS = HERE.parent / "crates/anyface-checkpoint/tests/fixtures"
# Parsed data is at the start of a file, and small files make the fuzzer faster.
LIMIT = 16 << 10


def put(target: str, name: str, data: bytes) -> None:
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def split(first: bytes, second: bytes) -> bytes:
    return struct.pack("<H", len(first)) + first + second


def member(archive: Path, ending: str) -> bytes:
    with zipfile.ZipFile(archive) as file:
        (name,) = [name for name in file.namelist() if name.endswith(ending)]
        return file.read(name)


def main() -> None:
    for path in [*CHECKPOINTS.iterdir(), *CONTAINERS.iterdir()]:
        if path.stat().st_size <= LIMIT:
            put("any", path.name, path.read_bytes())
    networks = [
        CHECKPOINTS / name
        for name in ["rosinality_zip.pt", "clip2latent_prior.ckpt", "e4e_layout.pt"]
    ]
    for path in [CONTAINERS / "archive.pt", CONTAINERS / "zip64.pt", *networks]:
        put("torch_zip", path.name, member(path, "/data.pkl"))
    put("torchscript", "clip", member(CHECKPOINTS / "clip_tiny_torchscript.pt", "/data.pkl"))
    for path in [
        CONTAINERS / "legacy.pth",
        CONTAINERS / "python2.pth",
        CHECKPOINTS / "ir_se50_layout.pth",
    ]:
        put("torch_legacy", path.name, path.read_bytes()[15:LIMIT])
    for path in [*CHECKPOINTS.glob("*.pkl"), *CONTAINERS.glob("*.pkl")]:
        put("pickle", path.name, path.read_bytes()[2:LIMIT])
    array = (CONTAINERS / "array.npy").read_bytes()[6:]
    put("npy", "array", array)
    put("npz", "arrays", split(array, array))
    put("onnx", "yunet", (CHECKPOINTS / "yunet.onnx").read_bytes()[2:LIMIT])
    graph = (CHECKPOINTS / "mobilefacenet.param").read_bytes()
    put(
        "ncnn",
        "mobilefacenet",
        split(graph[8:], (CHECKPOINTS / "mobilefacenet.bin").read_bytes()[:LIMIT]),
    )
    header = (
        b'"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"__metadata__":{"config":"{}"}}'
    )
    put("safetensors", "one", split(header, bytes(8)))
    shard = struct.pack("<Q", len(header) + 1) + b"{" + header + bytes(8)
    index = b'"metadata":{},"weight_map":{"a":"a"}}'
    put("shards", "one", split(index, split(shard, shard)))


if __name__ == "__main__":
    main()
