"""Writes crates/anyface/tests/fixtures/efficientnet_lite0*: inputs and outputs of a narrow
EfficientNet-Lite0 with random weights in PyTorch.

    pip install torch numpy safetensors
    python tools/parity/efficientnet.py

Writes the network in both public layouts: a torch file with lukemelas' names, and safetensors with
timm's names. The outputs are computed before batch norms are folded.
"""

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

TARGET = Path(__file__).parents[2] / "crates/anyface/tests/fixtures"
EPSILON = 1e-3
STEM = 4
# Per stage: blocks, kernel, stride of the first block, expansion, channels. The channels are not
# multiples of a vector width.
STAGES = [
    (1, 3, 1, 1, 3),
    (2, 3, 2, 6, 4),
    (2, 5, 2, 6, 3),
    (3, 3, 2, 6, 4),
    (3, 5, 1, 6, 5),
    (4, 5, 2, 6, 4),
    (1, 3, 1, 6, 17),
]
TAPS = (1, 2, 4, 6)
HEAD, CLASSES = 10, 3


def same(size, kernel, stride):
    missing = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return missing // 2, missing - missing // 2


class Network:
    """Tensors under the names of timm and of lukemelas."""

    def __init__(self):
        self.timm, self.lukemelas = {}, {}

    def add(self, names, field, value):
        for tensors, name in zip((self.timm, self.lukemelas), names):
            tensors[f"{name}.{field}"] = value

    def draw(self, conv, norm, outputs, inputs, kernel):
        std = (2 / (inputs * kernel * kernel)) ** 0.5
        self.add(conv, "weight", torch.randn(outputs, inputs, kernel, kernel) * std)
        self.add(norm, "weight", torch.rand(outputs) + 1)
        self.add(norm, "bias", torch.randn(outputs) * 0.5 + 0.5)
        self.add(norm, "running_mean", torch.randn(outputs) * 0.2)
        self.add(norm, "running_var", torch.rand(outputs) * 0.5 + 0.5)
        self.add(norm, "num_batches_tracked", torch.tensor(1))

    def layer(self, x, conv, norm, stride=1, activate=True):
        weight = self.timm[f"{conv}.weight"]
        kernel, groups = weight.shape[2], x.shape[1] // weight.shape[1]
        (top, bottom), (left, right) = (same(size, kernel, stride) for size in x.shape[2:])
        x = F.conv2d(F.pad(x, (left, right, top, bottom)), weight, stride=stride, groups=groups)
        fields = (
            self.timm[f"{norm}.{field}"]
            for field in ("running_mean", "running_var", "weight", "bias")
        )
        x = F.batch_norm(x, *fields, eps=EPSILON)
        return F.relu6(x) if activate else x

    def taps(self, x):
        x = self.layer(x, "conv_stem", "bn1", 2)
        taps = []
        for stage, (blocks, _, stride, expansion, _) in enumerate(STAGES):
            for index in range(blocks):
                block = f"blocks.{stage}.{index}"
                step = stride if index == 0 else 1
                if expansion == 1:
                    y = self.layer(x, f"{block}.conv_dw", f"{block}.bn1", step)
                    y = self.layer(y, f"{block}.conv_pw", f"{block}.bn2", activate=False)
                else:
                    y = self.layer(x, f"{block}.conv_pw", f"{block}.bn1")
                    y = self.layer(y, f"{block}.conv_dw", f"{block}.bn2", step)
                    y = self.layer(y, f"{block}.conv_pwl", f"{block}.bn3", activate=False)
                x = x + y if x.shape == y.shape else y
            if stage in TAPS:
                taps.append(x)
        return taps


def network():
    net = Network()
    net.draw(("conv_stem", "_conv_stem"), ("bn1", "_bn0"), STEM, 3, 3)
    inputs, through = STEM, 0
    for stage, (blocks, kernel, _, expansion, outputs) in enumerate(STAGES):
        for index in range(blocks):
            timm, luke, inner = f"blocks.{stage}.{index}", f"_blocks.{through}", inputs * expansion
            narrow = expansion == 1
            if not narrow:
                net.draw(
                    (f"{timm}.conv_pw", f"{luke}._expand_conv"),
                    (f"{timm}.bn1", f"{luke}._bn0"),
                    inner,
                    inputs,
                    1,
                )
            norm = f"{timm}.bn1" if narrow else f"{timm}.bn2"
            net.draw(
                (f"{timm}.conv_dw", f"{luke}._depthwise_conv"),
                (norm, f"{luke}._bn1"),
                inner,
                1,
                kernel,
            )
            project, norm = ("conv_pw", "bn2") if narrow else ("conv_pwl", "bn3")
            net.draw(
                (f"{timm}.{project}", f"{luke}._project_conv"),
                (f"{timm}.{norm}", f"{luke}._bn2"),
                outputs,
                inner,
                1,
            )
            inputs, through = outputs, through + 1
    net.draw(("conv_head", "_conv_head"), ("bn2", "_bn1"), HEAD, inputs, 1)
    net.add(("classifier", "_fc"), "weight", torch.randn(CLASSES, HEAD))
    net.add(("classifier", "_fc"), "bias", torch.randn(CLASSES))
    return net


def main():
    torch.manual_seed(2215)
    net = network()
    # torch's legacy container is smaller than a zip archive.
    torch.save(
        net.lukemelas,
        TARGET / "checkpoints/efficientnet_lite0.pth",
        _use_new_zipfile_serialization=False,
    )
    save_file(net.timm, TARGET / "checkpoints/efficientnet_lite0_timm.safetensors")
    image = (torch.rand(2, 3, 64, 32) * 2 - 1).requires_grad_()
    taps = net.taps(image)
    loss = sum((tap * torch.linspace(-1, 1, tap.numel()).reshape(tap.shape)).sum() for tap in taps)
    (gradient,) = torch.autograd.grad(loss, image)
    names = ("f4", "f8", "f16", "f32")
    tensors = {name: tap.detach().contiguous() for name, tap in zip(names, taps)}
    save_file(
        {"image": image.detach(), "grad": gradient, **tensors},
        TARGET / "efficientnet_lite0.io.safetensors",
    )


if __name__ == "__main__":
    main()
