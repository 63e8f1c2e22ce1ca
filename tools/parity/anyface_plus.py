"""Writes anyface_plus*.pt and anyface_plus.io.safetensors: a small AnyFace++ with random weights.

    python tools/parity/anyface_plus.py crates/anyface/tests/fixtures

Needs torch and safetensors. The released code has no licence, so this script implements the
networks from their description: key names and shapes, rosinality's EqualLinear with a fused leaky
ReLU, torch's default encoder layers, and the memory look-up.
"""

import math
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

folder = Path(sys.argv[1])
BANKS, FEATURE, W, LAYERS = 26, 12, 16, 6
HIDDEN = LAYERS * W


class EqualLinear(torch.nn.Module):
    def __init__(self, inputs, outputs, lr_mul=0.01):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(outputs, inputs) / lr_mul)
        self.bias = torch.nn.Parameter(torch.randn(outputs) * 30)
        self.scale, self.lr_mul = lr_mul / math.sqrt(inputs), lr_mul

    def forward(self, x):
        y = F.linear(x, self.weight * self.scale, self.bias * self.lr_mul)
        return F.leaky_relu(y, 0.2) * math.sqrt(2)


class Stack(torch.nn.Module):
    def __init__(self, name, widths):
        super().__init__()
        layers = [EqualLinear(a, b) for a, b in zip(widths, widths[1:])]
        setattr(self, name, torch.nn.Sequential(*layers))


class TextMap(Stack):
    def __init__(self):
        super().__init__("mapping", [W, 2 * W, HIDDEN])
        layer = torch.nn.TransformerEncoderLayer(W, 8, 2 * W)
        self.transformer_encoder = torch.nn.TransformerEncoder(layer, 2)


class Mapper(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.CA_NET = Stack("fc", [FEATURE, 20, 20])
        self.T_map = TextMap()
        self.I_map = Stack("mapping", [BANKS * FEATURE, *[HIDDEN] * 15])


def look_up(memory, features):
    answers = []
    for bank in memory:
        bank = bank.float()
        nearest = (F.normalize(features, dim=1) @ F.normalize(bank, dim=1).T).argmax(1)
        answers.append(features + bank[nearest])
    return torch.stack(answers, 1)


def main():
    torch.manual_seed(1201)
    mapper = Mapper().eval()
    memory = [torch.randn(5 + i % 3, FEATURE).half() for i in range(BANKS)]
    stacked = torch.randn(BANKS, 4, FEATURE).half()
    features = 3 * torch.randn(3, FEATURE)
    with torch.no_grad():
        answers = look_up(memory, features)
        w_plus = mapper.I_map.mapping(answers.reshape(3, -1)).reshape(3, LAYERS, W)
        outputs = {
            "features": features,
            "answers": answers,
            "answers_stacked": look_up(stacked, features),
            "w_plus": w_plus,
        }
    opts = {"device": "cuda:0", "lr": 0.5, "checkpoint_path": None, "train": True, "workers": 4}
    checkpoints = folder / "checkpoints"
    torch.save({"state_dict": mapper.state_dict(), "opts": opts}, checkpoints / "anyface_plus.pt")
    torch.save(memory, checkpoints / "anyface_plus_memory.pt")
    torch.save(stacked, checkpoints / "anyface_plus_memory_stacked.pt")
    save_file(outputs, folder / "anyface_plus.io.safetensors")


main()
