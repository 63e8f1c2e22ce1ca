"""Converts reference runs of NVIDIA's StyleGAN2 to the fixtures of crates/anyface/tests.

    python tools/parity/stylegan2.py <folder with nvidia_skip_p3.pkl ...> \\
        crates/anyface/tests/fixtures/stylegan2

Needs numpy and safetensors but not torch. For each network it writes NAME.safetensors (weights
under the names of this project) and NAME.grad.safetensors (gradients under these names), and copies
NAME.io.safetensors (inputs and outputs of stylegan2-ada-pytorch). Pickles are read with stub
classes. Their code is not executed.
"""

import io
import pickle
import re
import shutil
import struct
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

NETWORKS = {
    "nvidia_skip": "nvidia_skip_p3.pkl",
    "nvidia_skip_clamp256": "nvidia_skip_clamp256_p4.pkl",
}
DTYPES = {
    "FloatStorage": np.float32,
    "HalfStorage": np.float16,
    "DoubleStorage": np.float64,
    "LongStorage": np.int64,
}


class Opaque:
    """A stub for all other classes."""

    def __init__(self, *args, **kwargs):
        pass

    def __setstate__(self, state):
        self.state = state

    def __setitem__(self, key, value):
        pass

    def __call__(self, *args):
        return Opaque()


def load_storage(data):
    """Reads a legacy torch.save stream of one storage.

    It has magic number, protocol, system, persistent id, keys, count and values.
    """
    stream = io.BytesIO(data)

    class Storage(pickle.Unpickler):
        def find_class(self, module, name):
            return name

        def persistent_load(self, pid):
            return DTYPES[pid[1]]

    *_, dtype, _keys = [Storage(stream).load() for _ in range(5)]
    (count,) = struct.unpack("<q", stream.read(8))
    return np.frombuffer(stream.read(), dtype, count)


def rebuild_tensor(storage, offset, size, stride, *_):
    strides = [s * storage.itemsize for s in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, strides).copy()


FUNCTIONS = {
    "_load_from_bytes": load_storage,
    "_rebuild_tensor_v2": rebuild_tensor,
    "_rebuild_parameter": lambda tensor, *_: tensor,
    "_reconstruct_persistent_obj": lambda meta: meta["state"],
    "OrderedDict": dict,
    "EasyDict": dict,
    "set": set,
}


class Network(pickle.Unpickler):
    def find_class(self, module, name):
        return FUNCTIONS.get(name, Opaque)


def tensors(module, prefix=""):
    for group in ("_parameters", "_buffers"):
        for name, tensor in module[group].items():
            if tensor is not None:
                yield prefix + name, tensor
    for name, child in module["_modules"].items():
        yield from tensors(child, f"{prefix}{name}.")


def our_name(name):
    """Converts a name of NVIDIA's to this project's. None for the constant resampling filter."""
    if name.endswith("resample_filter"):
        return None
    name = re.sub(r"mapping\.fc(\d+)\.", r"mapping.fc.\1.", name)
    name = name.replace("synthesis.b4.const", "synthesis.input")
    return re.sub(
        r"synthesis\.b(\d+)\.", lambda m: f"synthesis.blocks.{int(m[1]).bit_length() - 3}.", name
    )


def main(source, target):
    target.mkdir(parents=True, exist_ok=True)
    for name, file in NETWORKS.items():
        with open(source / file, "rb") as stream:
            network = Network(stream).load()["G_ema"]
        renamed = {
            our_name(key): np.atleast_1d(value).astype(np.float32)
            for key, value in tensors(network)
        }
        renamed.pop(None)
        save_file(renamed, target / f"{name}.safetensors")

        shutil.copy(source / f"{name}.io.safetensors", target)
        gradients = load_file(source / f"{name}.grad.safetensors")
        save_file(
            {our_name(key): value for key, value in gradients.items()},
            target / f"{name}.grad.safetensors",
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
