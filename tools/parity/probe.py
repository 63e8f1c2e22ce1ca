"""Writes crates/anyface/tests/fixtures/probe.safetensors: a small probe in torch, float64.

    pip install torch safetensors
    python tools/parity/probe.py

The file has the weights under the keys of the probe, and inputs and outputs under `io.*`.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn.functional import conv2d, leaky_relu

FIXTURE = Path(__file__).parents[2] / "crates/anyface/tests/fixtures/probe.safetensors"
RESOLUTION, CHANNELS, ATTRIBUTES = 16, [4, 5, 6], 7
SLOPE = 0.1


def probe(p, x):
    features = []
    for i in range(len(CHANNELS)):
        stage = f"stages.{i}"
        x = leaky_relu(
            conv2d(x, p[f"{stage}.down.weight"], p[f"{stage}.down.bias"], stride=2, padding=1),
            SLOPE,
        )
        if f"{stage}.refine.weight" in p:
            x = x + leaky_relu(
                conv2d(x, p[f"{stage}.refine.weight"], p[f"{stage}.refine.bias"], padding=1), SLOPE
            )
        features.append(x)
    return x.flatten(1) @ p["head.weight"] + p["head.bias"], features


def main():
    torch.manual_seed(2)
    weights = {}
    for i, (inputs, outputs) in enumerate(zip([3, *CHANNELS], CHANNELS)):
        weights[f"stages.{i}.down.weight"] = torch.randn(outputs, inputs, 3, 3) * 0.3
        weights[f"stages.{i}.down.bias"] = torch.randn(outputs) * 0.3
        if 0 < i < len(CHANNELS) - 1:
            weights[f"stages.{i}.refine.weight"] = torch.randn(outputs, outputs, 3, 3) * 0.3
            weights[f"stages.{i}.refine.bias"] = torch.randn(outputs) * 0.3
    side = RESOLUTION >> len(CHANNELS)
    weights["head.weight"] = torch.randn(CHANNELS[-1] * side * side, ATTRIBUTES) * 0.3
    weights["head.bias"] = torch.randn(ATTRIBUTES) * 0.3
    images = torch.rand(2, 3, RESOLUTION, RESOLUTION) * 2 - 1
    logits, features = probe(
        {name: value.double() for name, value in weights.items()}, images.double()
    )
    io = {"images": images, "logits": logits.float()}
    io |= {f"features.{i}": feature.float() for i, feature in enumerate(features)}
    save_file(weights | {f"io.{name}": value for name, value in io.items()}, FIXTURE)


if __name__ == "__main__":
    main()
