"""Writes checkpoints with random weights in the size and layout of the released files.

    python tools/bench/full_size.py FOLDER PORTRAITS

Writes ffhq.pkl (NVIDIA's StyleGAN2, config F, 1024 pixels), ViT-B-32.pt (OpenAI's CLIP,
TorchScript) and bundle/ with a mapper between them to FOLDER. PORTRAITS is models/portraits, whose
mapper has the same architecture. Needs torch and safetensors.
"""

import json
import pickle
import sys
import types
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

RESOLUTION, W = 1024, 512


def channels(side):
    return min(32768 // side, 512)


# In NVIDIA's pickles, every module is a call of this function with the content of the module.
persistence = types.ModuleType("torch_utils.persistence")
sys.modules["torch_utils"] = types.ModuleType("torch_utils")
sys.modules["torch_utils.persistence"] = persistence


def reconstruct(meta):
    raise NotImplementedError


reconstruct.__module__, reconstruct.__qualname__ = (
    "torch_utils.persistence",
    "_reconstruct_persistent_obj",
)
persistence._reconstruct_persistent_obj = reconstruct


class Persistent:
    def __init__(self, name, parameters=(), buffers=(), modules=(), **attributes):
        parameters = OrderedDict(
            (key, torch.nn.Parameter(value)) for key, value in dict(parameters).items()
        )
        self.meta = {
            "type": "class",
            "version": 6,
            "module_src": "# about as long as NVIDIA's\n" * 1400,
            "class_name": name,
            "state": {
                "training": False,
                "_parameters": parameters,
                "_buffers": OrderedDict(buffers),
                "_modules": OrderedDict(modules),
                **attributes,
            },
        }

    def __reduce__(self):
        return reconstruct, (self.meta,)


def fir():
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    return torch.outer(taps, taps) / 64


def linear(inputs, outputs, bias, lr_mul=1.0, activation="linear"):
    weights = {"weight": torch.randn(outputs, inputs) / lr_mul, "bias": torch.full([outputs], bias)}
    gains = {"activation": activation, "weight_gain": lr_mul / inputs**0.5, "bias_gain": lr_mul}
    return Persistent("FullyConnectedLayer", weights, **gains)


def layer(inputs, outputs, side, up):
    weights = {
        "weight": torch.randn(outputs, inputs, 3, 3),
        "noise_strength": torch.tensor(0.1),
        "bias": torch.zeros(outputs),
    }
    buffers = {"resample_filter": fir(), "noise_const": torch.randn(side, side)}
    attributes = {
        "up": up,
        "activation": "lrelu",
        "conv_clamp": None,
        "use_noise": True,
        "resolution": side,
    }
    return Persistent(
        "SynthesisLayer", weights, buffers, {"affine": linear(W, inputs, 1.0)}, **attributes
    )


def block(side):
    outputs = channels(side)
    modules = {"conv1": layer(outputs, outputs, side, 1)}
    parameters = {}
    if side == 4:
        parameters["const"] = torch.randn(outputs, 4, 4)
    else:
        modules = {"conv0": layer(channels(side // 2), outputs, side, 2), **modules}
    colours = {"weight": torch.randn(3, outputs, 1, 1), "bias": torch.zeros(3)}
    modules["torgb"] = Persistent(
        "ToRGBLayer", colours, (), {"affine": linear(W, outputs, 1.0)}, conv_clamp=None
    )
    attributes = {"architecture": "skip", "resolution": side, "use_fp16": side >= 128}
    return Persistent(
        "SynthesisBlock", parameters, {"resample_filter": fir()}, modules, **attributes
    )


def generator():
    sides = [4 << i for i in range(9)]
    layers = {f"fc{i}": linear(W, W, 0.0, 0.01, "lrelu") for i in range(8)}
    mapping = Persistent(
        "MappingNetwork", (), {"w_avg": 0.2 * torch.randn(W)}, layers, num_layers=8
    )
    synthesis = Persistent("SynthesisNetwork", (), (), {f"b{side}": block(side) for side in sides})
    return Persistent(
        "Generator", (), (), {"synthesis": synthesis, "mapping": mapping}, z_dim=W, w_dim=W, c_dim=0
    )


class Node(torch.nn.Module):
    def forward(self, x):
        return x


def towers():
    """Tensors under OpenAI's names; convolutions, matrices and biases are in half precision."""
    e, half = 512, torch.float16
    tensors = {
        "positional_embedding": torch.randn(77, 512) * 0.01,
        "text_projection": torch.randn(512, e, dtype=half) / 23,
    }
    tensors |= {
        "logit_scale": torch.tensor(4.6052),
        "token_embedding.weight": torch.randn(49408, 512) * 0.02,
    }
    tensors |= {
        "visual.conv1.weight": torch.randn(768, 3, 32, 32, dtype=half) / 55,
        "visual.class_embedding": torch.randn(768) / 28,
    }
    tensors |= {
        "visual.positional_embedding": torch.randn(50, 768) / 28,
        "visual.proj": torch.randn(768, e, dtype=half) / 28,
    }
    norms = [("ln_final", 512), ("visual.ln_pre", 768), ("visual.ln_post", 768)]
    for prefix, width in [("transformer", 512), ("visual.transformer", 768)]:
        for i in range(12):
            name = f"{prefix}.resblocks.{i}"
            norms += [(f"{name}.ln_1", width), (f"{name}.ln_2", width)]
            shapes = {"attn.in_proj_": (3 * width, width), "attn.out_proj.": (width, width)}
            shapes |= {"mlp.c_fc.": (4 * width, width), "mlp.c_proj.": (width, 4 * width)}
            for key, shape in shapes.items():
                tensors[f"{name}.{key}weight"] = (torch.randn(shape) / (8 * shape[1]) ** 0.5).to(
                    half
                )
                tensors[f"{name}.{key}bias"] = torch.zeros(shape[0], dtype=half)
    for name, width in norms:
        tensors |= {f"{name}.weight": torch.ones(width), f"{name}.bias": torch.zeros(width)}
    return tensors


def scripted(tensors):
    root = Node()
    for name, tensor in tensors.items():
        *path, leaf = name.split(".")
        module = root
        for part in path:
            if part not in dict(module.named_children()):
                module.add_module(part, Node())
            module = getattr(module, part)
        module.register_parameter(leaf, torch.nn.Parameter(tensor, requires_grad=False))
    for name, value in {"input_resolution": 224, "context_length": 77, "vocab_size": 49408}.items():
        root.register_buffer(name, torch.tensor(value))
    return torch.jit.script(root)


def mapper(folder, portraits):
    """Writes the built-in bundle's text stream with other widths, and the config fields that no
    checkpoint contains."""
    config = json.loads((portraits / "config.json").read_text())
    stream = config["text_stream"]
    hidden, width = stream["hidden"], stream["transformer"]["width"]
    shapes = {}
    for name, tensor in load_file(portraits / "text_stream.safetensors").items():
        shape = list(tensor.shape)
        if name in ("embed.weight", "embed_latent.weight"):
            shape[0] = W
        if name == "stack.0.weight":
            shape[1] = width + W
        if name.startswith(f"stack.{len(hidden)}."):
            shape[0] = 18 * W
        if name == "queries":
            shape[0] = 18
        shapes[name] = shape
    torch.manual_seed(3)
    tensors = {name: torch.randn(shape) * 0.02 for name, shape in shapes.items()}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "text_stream.safetensors")
    stream |= {"feature_dim": 512, "num_ws": 18, "w_dim": W}
    fields = {
        "format": 1,
        "domain": "photographs",
        "license": "random weights",
        "text_stream": stream,
        "image_stream": stream,
        "probe": config["probe"],
        "injection_layer": 4,
        "truncation": {"psi": 0.7, "cutoff": 8},
        "prior": "normal",
    }
    (folder / "config.json").write_text(json.dumps(fields, indent=2))


def main():
    folder, portraits = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    contents = {
        "G": None,
        "D": None,
        "G_ema": generator(),
        "training_set_kwargs": None,
        "augment_pipe": None,
    }
    with open(folder / "ffhq.pkl", "wb") as file:
        pickle.dump(contents, file, protocol=3)
    torch.manual_seed(2)
    scripted(towers()).save(folder / "ViT-B-32.pt")
    mapper(folder / "bundle", portraits)


main()
