"""Writes crates/anyface/tests/fixtures/mapper.safetensors: one mapper stream in torch, float64.

    pip install torch safetensors
    python tools/parity/mapper.py

Implements the description in the paper and in ARCHITECTURE.md with torch's layers. The file has the
weights under the keys of the stream, and inputs and outputs under `io.*`.
"""

import math
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.functional import leaky_relu, linear

FIXTURE = Path(__file__).parents[2] / "crates/anyface/tests/fixtures/mapper.safetensors"
FEATURE, LAYERS, W_DIM, WIDTH, BLOCKS, HEADS, HIDDEN = 6, 4, 5, 8, 2, 2, 10
LR_MULTIPLIER = 0.01
N, CAPTIONS = 3, 2


class QuickGelu(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    """CLIP's residual attention block."""

    def __init__(self):
        super().__init__()
        self.attn = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        layers = [
            ("c_fc", nn.Linear(WIDTH, 4 * WIDTH)),
            ("gelu", QuickGelu()),
            ("c_proj", nn.Linear(4 * WIDTH, WIDTH)),
        ]
        self.mlp = nn.Sequential(OrderedDict(layers))

    def forward(self, x, absent):
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, key_padding_mask=absent, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class Stream(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(FEATURE, WIDTH)
        self.embed_latent = nn.Linear(W_DIM, WIDTH)
        self.queries = nn.Parameter(torch.empty(LAYERS, WIDTH))
        self.transformer = nn.Module()
        self.transformer.resblocks = nn.ModuleList(Block() for _ in range(BLOCKS))
        self.stack = nn.ModuleList(
            [nn.Linear(WIDTH + W_DIM, HIDDEN), nn.Linear(HIDDEN, LAYERS * W_DIM)]
        )

    def equalized(self, i, x):
        layer = self.stack[i]
        gain = LR_MULTIPLIER / math.sqrt(layer.in_features)
        return linear(x, layer.weight * gain, layer.bias * LR_MULTIPLIER)

    def forward(self, features, absent, w_c):
        tokens = [
            self.queries.expand(len(features), -1, -1),
            self.embed(features),
            self.embed_latent(w_c)[:, None],
        ]
        padding = torch.cat(
            [torch.zeros(N, LAYERS, dtype=bool), absent, torch.zeros(N, 1, dtype=bool)], 1
        )
        hidden = torch.cat(tokens, 1)
        for block in self.transformer.resblocks:
            hidden = block(hidden, padding)
        phi = hidden[:, :LAYERS].mean(1)
        x = leaky_relu(self.equalized(0, torch.cat([phi, w_c], 1)), 0.2) * math.sqrt(2)
        change = self.equalized(1, x).reshape(len(features), LAYERS, W_DIM)
        return phi, w_c[:, None] + change


def main():
    torch.manual_seed(1)
    stream = Stream().double()
    for name, parameter in stream.named_parameters():
        std = 1 / LR_MULTIPLIER if name.startswith("stack") else 0.4
        parameter.data = torch.randn(parameter.shape).mul(std).double()
    features, w_c = torch.randn(N, CAPTIONS, FEATURE), torch.randn(N, W_DIM)
    absent = torch.tensor([[False, False], [False, True], [False, False]])
    with torch.no_grad():
        phi, w_plus = stream(features.double(), absent, w_c.double())
    # burn stores the weights of linear layers as [in, out].
    transposed = {"embed.weight", "embed_latent.weight"}
    weights = {
        name: (value.T if name in transposed else value).float().contiguous()
        for name, value in stream.state_dict().items()
    }
    io = {
        "features": features,
        "absent": absent.float(),
        "w_c": w_c,
        "phi": phi.float(),
        "w_plus": w_plus.float(),
    }
    save_file(weights | {f"io.{name}": value for name, value in io.items()}, FIXTURE)


if __name__ == "__main__":
    main()
