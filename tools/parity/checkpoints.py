"""Writes crates/anyface-checkpoint/tests/fixtures, one small file per container format, and
crates/anyface/tests/fixtures/checkpoints, files of networks.

    python tools/parity/checkpoints.py <folder with nvidia_skip_p3.pkl ...>

Needs numpy but not torch: Python's pickler writes the same bytes as torch, with stubs for torch's
classes. Files written by the reference implementations are copied from the folder.
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

CRATES = Path(__file__).parents[2] / "crates"
CONTAINERS = CRATES / "anyface-checkpoint/tests/fixtures"
TARGET = CRATES / "anyface/tests/fixtures/checkpoints"
COPIED = [
    "nvidia_skip_p3.pkl",
    "nvidia_skip_clamp256_p4.pkl",
    "nvidia_resnet_clamp2_p3.pkl",
    "rosinality_zip.pt",
    "rosinality_legacy.pt",
    "clip_tiny_torchscript.pt",
    "clip_tiny_hf.safetensors",
    "clip2latent_prior.ckpt",
]
MAGIC = 0x1950A86A20F9469CFC6C


def module(name):
    """An empty module that pickle finds by name."""
    made = types.ModuleType(name)
    sys.modules[name] = made
    return made


torch, utils = module("torch"), module("torch._utils")


def rebuild(*_):
    raise NotImplementedError


rebuild.__module__, rebuild.__name__, rebuild.__qualname__ = (
    "torch._utils",
    "_rebuild_tensor_v2",
    "_rebuild_tensor_v2",
)
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
    """Plain values, views of two storages: whole, transposed, offset, repeated, scalar, empty."""
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
    with zipfile.ZipFile(CONTAINERS / name, "w", zipfile.ZIP_STORED) as file:
        members = {"data.pkl": pickled(obj), "version": b"3\n"}
        members |= {f"data/{storage.key}": storage.array.tobytes() for storage in storages}
        for member, data in members.items():
            info = zipfile.ZipInfo(f"some root/{member}")
            with file.open(info, "w", **options) as stream:
                stream.write(data)


def legacy():
    obj, storages = example()
    system = {
        "protocol_version": 1001,
        "little_endian": True,
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    data = b"".join(pickled(part, LegacyPickler) for part in (MAGIC, 1001, system, obj))
    # The order of the keys differs from the order of use.
    storages.reverse()
    data += pickled([storage.key for storage in storages])
    for storage in storages:
        data += struct.pack("<q", storage.array.size) + storage.array.tobytes()
    (CONTAINERS / "legacy.pth").write_bytes(data)


def python2():
    """Output of Python 2: byte strings for text, and OrderedDict as a call with a list of pairs."""
    text = lambda s: b"U" + bytes([len(s)]) + s.encode()
    storage = (
        b"("
        + text("storage")
        + b"ctorch\nFloatStorage\n"
        + text("15")
        + text("cpu")
        + b"K\x03Nt"
        + b"Q"
    )
    tensor = (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00(K\x01K\x03t(K\x03K\x01t\x89NtR"
    )
    pair = lambda key, value: b"](" + text(key) + value + b"e"
    ordered = (
        b"ccollections\nOrderedDict\n]("
        + pair("lin0.weight", tensor)
        + pair("epoch", b"K\x05")
        + b"e\x85R"
    )
    system = pickled({"little_endian": True})
    data = (
        pickled(MAGIC)
        + pickled(1001)
        + system
        + b"\x80\x02"
        + ordered
        + b"."
        + b"\x80\x02]("
        + text("15")
        + b"e."
    )
    data += struct.pack("<q", 3) + np.array([1, 2, 3], "<f4").tobytes()
    (CONTAINERS / "python2.pth").write_bytes(data)


class Layout:
    """A small file with full-size tensors: all are views of one compressed storage of zeros."""

    def __init__(self, elements):
        self.storages = [Storage("0", "FloatStorage", np.zeros(elements, "<f4"))]

    def tensor(self, *shape):
        strides = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
        return Tensor(self.storages[0], 0, shape, tuple(strides))

    def kernel(self):
        taps = np.array([1, 3, 3, 1], "<f4")
        self.storages.append(
            Storage(str(len(self.storages)), "FloatStorage", np.outer(taps, taps) / np.float32(16))
        )
        return Tensor(self.storages[-1], 0, (4, 4), (4, 1))

    def save(self, name, obj):
        with zipfile.ZipFile(TARGET / name, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("archive/data.pkl", pickled(obj))
            for storage in self.storages:
                file.writestr(f"archive/data/{storage.key}", storage.array.tobytes())

    def norm(self, name, channels):
        fields = ("weight", "bias", "running_mean", "running_var")
        return {f"{name}.{field}": self.tensor(channels) for field in fields}

    def linear(self, name, *shape):
        return {f"{name}.weight": self.tensor(*shape), f"{name}.bias": self.tensor(shape[0])}

    def ir_se50(self):
        keys = {
            "input_layer.0.weight": self.tensor(64, 3, 3, 3),
            "input_layer.2.weight": self.tensor(64),
        }
        keys |= self.norm("input_layer.1", 64)
        inputs = 64
        for unit in range(24):
            name = f"body.{unit}"
            depth = 64 if unit < 3 else 128 if unit < 7 else 256 if unit < 21 else 512
            keys |= self.norm(f"{name}.res_layer.0", inputs) | self.norm(
                f"{name}.res_layer.4", depth
            )
            keys[f"{name}.res_layer.1.weight"] = self.tensor(depth, inputs, 3, 3)
            keys[f"{name}.res_layer.2.weight"] = self.tensor(depth)
            keys[f"{name}.res_layer.3.weight"] = self.tensor(depth, depth, 3, 3)
            keys[f"{name}.res_layer.5.fc1.weight"] = self.tensor(depth // 16, depth, 1, 1)
            keys[f"{name}.res_layer.5.fc2.weight"] = self.tensor(depth, depth // 16, 1, 1)
            if inputs != depth:
                keys[f"{name}.shortcut_layer.0.weight"] = self.tensor(depth, inputs, 1, 1)
                keys |= self.norm(f"{name}.shortcut_layer.1", depth)
            inputs = depth
        return keys

    def styled(self, name, inputs, outputs, size):
        keys = {f"{name}.conv.weight": self.tensor(1, outputs, inputs, size, size)}
        return keys | self.linear(f"{name}.conv.modulation", inputs, 512)

    def stylegan2_1024(self):
        keys = {"input.input": self.tensor(1, 512, 4, 4)}
        for layer in range(1, 9):
            keys |= self.linear(f"style.{layer}", 512, 512)
        channels = [512, 512, 512, 512, 512, 256, 128, 64, 32]
        convs = [("conv1", 512, 512)]
        colours = [("to_rgb1", 512)]
        for i in range(8):
            convs += [
                (f"convs.{2 * i}", channels[i], channels[i + 1]),
                (f"convs.{2 * i + 1}", *[channels[i + 1]] * 2),
            ]
            colours.append((f"to_rgbs.{i}", channels[i + 1]))
            keys[f"convs.{2 * i}.conv.blur.kernel"] = self.kernel()
            keys[f"to_rgbs.{i}.upsample.kernel"] = self.kernel()
        for index, (name, inputs, outputs) in enumerate(convs):
            keys |= self.styled(name, inputs, outputs, 3)
            keys[f"{name}.noise.weight"] = self.tensor(1)
            keys[f"{name}.activate.bias"] = self.tensor(outputs)
            side = 2 ** ((index + 5) // 2)
            keys[f"noises.noise_{index}"] = self.tensor(1, 1, side, side)
        for name, inputs in colours:
            keys |= self.styled(name, inputs, 3, 1)
            keys[f"{name}.bias"] = self.tensor(1, 3, 1, 1)
        return keys

    def e4e_encoder(self):
        keys = self.ir_se50()
        for style in range(18):
            for conv in range(4 if style < 3 else 5 if style < 7 else 6):
                keys |= self.linear(f"styles.{style}.convs.{2 * conv}", 512, 512, 3, 3)
            keys |= self.linear(f"styles.{style}.linear", 512, 512)
        return (
            keys
            | self.linear("latlayer1", 512, 256, 1, 1)
            | self.linear("latlayer2", 512, 128, 1, 1)
        )


def full_layouts():
    """Keys and shapes of e4e_ffhq_encode.pt and model_ir_se50.pth."""
    layout = Layout(512 * 512 * 9)
    parts = {"encoder": layout.e4e_encoder(), "decoder": layout.stylegan2_1024()}
    state = {f"{part}.{key}": value for part, keys in parts.items() for key, value in keys.items()}
    opts = {"encoder_type": "Encoder4Editing", "stylegan_size": 1024, "start_from_latent_avg": True}
    layout.save(
        "e4e_layout.pt", {"state_dict": state, "opts": opts, "latent_avg": layout.tensor(18, 512)}
    )

    layout = Layout(512 * 25088)
    keys = (
        layout.ir_se50() | layout.norm("output_layer.0", 512) | layout.norm("output_layer.4", 512)
    )
    layout.save(
        "ir_se50_layout.pth",
        collections.OrderedDict(keys | layout.linear("output_layer.3", 512, 25088)),
    )


def numpy_files():
    array = np.arange(6, dtype="<f4").reshape(2, 3)
    np.save(CONTAINERS / "array.npy", array)
    np.savez_compressed(
        CONTAINERS / "arrays.npz", mu=array.astype("<f8"), sigma=np.asfortranarray(array)
    )
    for protocol in (0, 1, 2, 4, 5):
        obj = {
            "array": np.asfortranarray(array),
            "scalar": np.float64(1.5),
            "epoch": np.int64(3),
            "bytes": b"\xff\x00",
        }
        (CONTAINERS / f"numpy_p{protocol}.pkl").write_bytes(pickle.dumps(obj, protocol))


def main(source):
    for folder in (CONTAINERS, TARGET):
        folder.mkdir(parents=True, exist_ok=True)
    archive("archive.pt")
    archive("zip64.pt", force_zip64=True)
    legacy()
    python2()
    numpy_files()
    full_layouts()
    for name in COPIED:
        shutil.copy(source / name, TARGET)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
