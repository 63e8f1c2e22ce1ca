"""Makes crates/anyface/tests/fixtures/checkpoints: one small file for every container.

    python tools/parity/checkpoints.py <folder with nvidia_skip_p3.pkl ...>

Needs numpy, not torch: the pickles come from Python's own pickler with stand-ins for torch's classes, which leave the
same bytes as torch's writer. Files made by the reference implementations themselves are copied from the folder.
"""

import collections
import io
import pickle
import shutil
import struct
import sys
import types
import zipfile
from pathlib import Path

import numpy as np

TARGET = Path(__file__).parents[2] / "crates/anyface/tests/fixtures/checkpoints"
COPIED = [
    "nvidia_skip_p3.pkl",
    "nvidia_skip_clamp256_p4.pkl",
    "nvidia_resnet_clamp2_p3.pkl",
    "rosinality_zip.pt",
    "rosinality_legacy.pt",
    "clip_tiny_torchscript.pt",
    "clip_tiny_hf.safetensors",
]
MAGIC = 0x1950A86A20F9469CFC6C


def module(name):
    """An empty module that pickle finds by its name."""
    made = types.ModuleType(name)
    sys.modules[name] = made
    return made


torch, utils = module("torch"), module("torch._utils")


def rebuild(*_):
    raise NotImplementedError


rebuild.__module__, rebuild.__name__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2", "_rebuild_tensor_v2"
utils._rebuild_tensor_v2 = rebuild
for name in ("FloatStorage", "HalfStorage", "LongStorage", "BFloat16Storage", "BoolStorage"):
    setattr(torch, name, type(name, (), {"__module__": "torch"}))


class Storage:
    def __init__(self, key, kind, array):
        self.key, self.kind, self.array = key, kind, array


class Tensor:
    def __init__(self, storage, offset, size, stride):
        self.parts = (storage, offset, size, stride, False, collections.OrderedDict())

    def __reduce__(self):
        return rebuild, self.parts


class Pickler(pickle.Pickler):
    legacy = False

    def persistent_id(self, obj):
        if isinstance(obj, Storage):
            kind = getattr(torch, obj.kind)
            view = (None,) if self.legacy else ()
            return ("storage", kind, obj.key, "cuda:0", obj.array.size, *view)
        return None


class LegacyPickler(Pickler):
    legacy = True


def pickled(obj, pickler=Pickler, protocol=2):
    stream = io.BytesIO()
    pickler(stream, protocol).dump(obj)
    return stream.getvalue()


def example():
    """Views of two storages: whole, transposed, with an offset, repeated, scalar, empty; and plain values."""
    floats = Storage("94452361833008", "FloatStorage", np.arange(12, dtype="<f4"))
    longs = Storage("94452361833009", "LongStorage", np.array([7, -1], "<i8"))
    tensors = collections.OrderedDict(
        whole=Tensor(floats, 0, (3, 4), (4, 1)),
        transposed=Tensor(floats, 0, (4, 3), (1, 4)),
        offset=Tensor(floats, 5, (2, 2), (4, 1)),
        repeated=Tensor(floats, 2, (3, 2), (0, 1)),
        scalar=Tensor(longs, 1, (), ()),
        empty=Tensor(floats, 0, (0, 4), (4, 1)),
    )
    opts = {"size": 1024, "rate": 0.5, "name": "tête", "flags": [True, None], 3: "three"}
    return {"state_dict": tensors, "opts": opts}, [floats, longs]


def archive(name, **options):
    obj, storages = example()
    with zipfile.ZipFile(TARGET / name, "w", zipfile.ZIP_STORED) as file:
        members = {"data.pkl": pickled(obj), "version": b"3\n"}
        members |= {f"data/{storage.key}": storage.array.tobytes() for storage in storages}
        for member, data in members.items():
            info = zipfile.ZipInfo(f"some root/{member}")
            with file.open(info, "w", **options) as stream:
                stream.write(data)


def legacy():
    obj, storages = example()
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    data = b"".join(pickled(part, LegacyPickler) for part in (MAGIC, 1001, system, obj))
    # The order of the keys is not the order of use.
    storages.reverse()
    data += pickled([storage.key for storage in storages])
    for storage in storages:
        data += struct.pack("<q", storage.array.size) + storage.array.tobytes()
    (TARGET / "legacy.pth").write_bytes(data)


def python2():
    """What Python 2 writes: byte strings for text, and an OrderedDict as a call on a list of pairs."""
    text = lambda s: b"U" + bytes([len(s)]) + s.encode()
    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("15") + text("cpu") + b"K\x03Nt" + b"Q"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00(K\x01K\x03t(K\x03K\x01t\x89NtR"
    pair = lambda key, value: b"](" + text(key) + value + b"e"
    ordered = b"ccollections\nOrderedDict\n](" + pair("lin0.weight", tensor) + pair("epoch", b"K\x05") + b"e\x85R"
    system = pickled({"little_endian": True})
    data = pickled(MAGIC) + pickled(1001) + system + b"\x80\x02" + ordered + b"." + b"\x80\x02](" + text("15") + b"e."
    data += struct.pack("<q", 3) + np.array([1, 2, 3], "<f4").tobytes()
    (TARGET / "python2.pth").write_bytes(data)


def numpy_files():
    array = np.arange(6, dtype="<f4").reshape(2, 3)
    np.save(TARGET / "array.npy", array)
    np.savez_compressed(TARGET / "arrays.npz", mu=array.astype("<f8"), sigma=np.asfortranarray(array))
    for protocol in (2, 4, 5):
        obj = {"array": np.asfortranarray(array), "scalar": np.float64(1.5), "epoch": np.int64(3), "bytes": b"\xff\x00"}
        (TARGET / f"numpy_p{protocol}.pkl").write_bytes(pickle.dumps(obj, protocol))


def main(source):
    TARGET.mkdir(parents=True, exist_ok=True)
    archive("archive.pt")
    archive("zip64.pt", force_zip64=True)
    legacy()
    python2()
    numpy_files()
    for name in COPIED:
        shutil.copy(source / name, TARGET)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
