"""Writes small files in common formats with torch.

    python tools/parity/files.py <folder with nvidia_resnet_clamp2.io.safetensors> \\
        <NVlabs/stylegan2-ada-pytorch>

In crates/anyface-checkpoint/tests/fixtures: plain pickles and a legacy file with old protocols, and
torch files with an index. In crates/anyface/tests/fixtures: a state dict of NVIDIA's architecture
`orig` with inputs and outputs of NVIDIA's code, inputs and outputs of `resnet` (one picture), and a
pickle in TensorFlow's layout.
"""

import json
import pickle
import sys
import types
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

CRATES = Path(__file__).parents[2] / "crates"
CONTAINERS = CRATES / "anyface-checkpoint/tests/fixtures"
NETWORKS = CRATES / "anyface/tests/fixtures"


def old_protocols():
    opts = {"name": "tête\n\\", "rate": 0.5, "size": 1 << 40, "flag": True}
    w_avg = torch.tensor([1.5, -2.0, 0.25])
    obj = {"w_avg": w_avg, "transposed": torch.arange(6.0).reshape(2, 3).T, "opts": opts}
    for protocol in (0, 1):
        (CONTAINERS / f"torch_p{protocol}.pkl").write_bytes(pickle.dumps(obj, protocol))
    torch.save(
        obj, CONTAINERS / "legacy_p1.pth", pickle_protocol=1, _use_new_zipfile_serialization=False
    )


def shards():
    parts = [{"first.weight": torch.arange(4.0)}, {"second.bias": torch.tensor([0.5, -0.5])}]
    weight_map = {}
    for number, part in enumerate(parts, 1):
        name = f"pytorch_model-{number:05}-of-{len(parts):05}.bin"
        torch.save(part, CONTAINERS / name)
        weight_map |= {key: name for key in part}
    index = {"metadata": {"total_size": 24}, "weight_map": weight_map}
    (CONTAINERS / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=1) + "\n")


def resnet(source):
    """The first of two pictures. The weights are in checkpoints/nvidia_resnet_clamp2_p3.pkl."""
    io = load_file(source / "nvidia_resnet_clamp2.io.safetensors")
    names = ["z", "w", "wp", "image_wp_const", "image_psi0.7_cut4_const", "b4.x", "b8.x", "b16.x"]
    first = {name: io[name][:1].contiguous() for name in names}
    save_file(first, NETWORKS / "stylegan2/nvidia_resnet_clamp2.io.safetensors")


def orig(repository):
    sys.path.insert(0, str(repository))
    sys.modules["requests"] = types.ModuleType("requests")  # Needed for downloads only.
    from training.networks import Generator

    torch.manual_seed(302)
    options = {"channel_base": 256, "channel_max": 12, "architecture": "orig", "conv_clamp": None}
    network = Generator(16, 0, 16, 32, 3, {"num_layers": 2}, options).eval().requires_grad_(False)
    for name, tensor in network.state_dict().items():
        if name.endswith("noise_strength"):
            tensor.fill_(0.15)
        elif name.endswith("bias") and "affine" not in name:
            tensor.normal_()
        elif name.endswith("w_avg"):
            tensor.normal_(std=0.2)
    torch.save(network.state_dict(), NETWORKS / "checkpoints/nvidia_orig_state_dict.pt")
    z = torch.randn(1, 16)
    w = network.mapping(z, None)
    wp = w + 0.3 * torch.randn_like(w)
    tensors = {
        "z": z,
        "w": w,
        "wp": wp,
        "image_wp_const": network.synthesis(wp, noise_mode="const"),
    }
    save_file(tensors, NETWORKS / "stylegan2/nvidia_orig.io.safetensors")


def tensorflow():
    """Classes and keys of stylegan2-ffhq-config-f.pkl (`dnnlib/tflib/network.py`), shortened."""
    for name in ("dnnlib", "dnnlib.tflib", "dnnlib.tflib.network"):
        sys.modules[name] = types.ModuleType(name)

    class Network:
        __module__, __qualname__ = "dnnlib.tflib.network", "Network"

    sys.modules["dnnlib.tflib.network"].Network = Network
    networks = []
    for name, function in (("G", "G_main"), ("D", "D_stylegan2"), ("Gs", "G_main")):
        network = Network()
        network.__dict__ |= {
            "version": 4,
            "name": name,
            "static_kwargs": {"resolution": 1024},
            "components": {},
            "build_module_src": "# source",
            "build_func_name": function,
            "variables": [("lod", np.float32(0.0)), ("dlatent_avg", np.zeros(4, np.float32))],
        }
        networks.append(network)
    data = pickle.dumps(tuple(networks), 3).replace(b"numpy._core", b"numpy.core")
    (NETWORKS / "checkpoints/tensorflow.pkl").write_bytes(data)


if __name__ == "__main__":
    old_protocols()
    shards()
    resnet(Path(sys.argv[1]))
    orig(Path(sys.argv[2]))
    tensorflow()
