#!/usr/bin/env python3
"""Time EfficientNet-Lite0's features of 16 images of 128 pixels in PyTorch and anyface in turn.

    OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=0 MALLOC_MMAP_MAX_=0 \\
    MALLOC_TRIM_THRESHOLD_=99999999999 MALLOC_TOP_PAD_=268435456 \\
        python3 tools/bench/efficientnet_torch.py target/release/anyface --threads 2

Without the variables, PyTorch takes 1.5 times as long. It uses channels-last memory, folded batch
norms and frozen weights, in f32 and in bf16 by autocast; the faster one counts. Prints one JSON
line for the forward pass and one for the forward and backward pass with respect to the images.
"""

import argparse, json, math, statistics, subprocess, time
import torch
import torch.nn.functional as F

BATCH, SIDE = 16, 128
# Blocks, kernel, stride of the first block, expansion, input and output channels.
STAGES = [
    (1, 3, 1, 1, 32, 16), (2, 3, 2, 6, 16, 24), (2, 5, 2, 6, 24, 40), (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112), (4, 5, 2, 6, 112, 192), (1, 3, 1, 6, 192, 320),
]
TAPS = (1, 2, 4, 6)


class Conv(torch.nn.Module):
    """A convolution with TensorFlow's padding."""

    def __init__(self, inputs, outputs, kernel, stride=1, groups=1, activate=True):
        super().__init__()
        self.conv = torch.nn.Conv2d(inputs, outputs, kernel, stride, 0, groups=groups)
        self.kernel, self.stride, self.activate = kernel, stride, activate

    def forward(self, x):
        reach = [
            (math.ceil(size / self.stride) - 1) * self.stride + self.kernel for size in x.shape[2:]
        ]
        missing = [max(reach - size, 0) for reach, size in zip(reach, x.shape[2:])]
        (top, bottom), (left, right) = ((m // 2, m - m // 2) for m in missing)
        if top == bottom and left == right:
            conv = self.conv
            x = F.conv2d(x, conv.weight, conv.bias, self.stride, (top, left), 1, conv.groups)
        else:
            x = self.conv(F.pad(x, (left, right, top, bottom)))
        return F.relu6(x) if self.activate else x


class Block(torch.nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, expansion):
        super().__init__()
        inner = inputs * expansion
        expand = [Conv(inputs, inner, 1)] if expansion > 1 else []
        depthwise = Conv(inner, inner, kernel, stride, inner)
        self.body = torch.nn.Sequential(*expand, depthwise, Conv(inner, outputs, 1, activate=False))
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


class Features(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = Conv(3, 32, 3, 2)
        self.stages = torch.nn.ModuleList()
        for blocks, kernel, stride, expansion, inputs, outputs in STAGES:
            first = Block(inputs, outputs, kernel, stride, expansion)
            others = (Block(outputs, outputs, kernel, 1, expansion) for _ in range(blocks - 1))
            self.stages.append(torch.nn.Sequential(first, *others))

    def forward(self, x):
        x, taps = self.stem(x.contiguous(memory_format=torch.channels_last)), []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            taps += [x] if index in TAPS else []
        return taps


def median(times):
    return statistics.median(times) if times else math.inf


def timed(call, runs):
    call()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("anyface", help="path of the binary")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    network = Features().eval().requires_grad_(False).to(memory_format=torch.channels_last)
    images = torch.rand(BATCH, 3, SIDE, SIDE) * 2 - 1

    def forward():
        with torch.no_grad():
            network(images)

    def both():
        leaf = images.clone().requires_grad_()
        loss = sum(tap.float().square().mean() for tap in network(leaf))
        torch.autograd.grad(loss, leaf)

    def ours(flags):
        numbers = ["--threads", str(args.threads), "--runs", str(args.runs)]
        command = [args.anyface, "bench", "features", "--json", *numbers, *flags]
        return json.loads(subprocess.check_output(command))["median_ms"]

    for what, call, flags in [("forward", forward, []), ("forward+backward", both, ["--backward"])]:
        found = {"f32": [], "bf16": [], "ours": []}
        for _ in range(args.rounds):
            found["f32"].append(median(timed(call, args.runs)))
            with torch.autocast("cpu", dtype=torch.bfloat16):
                found["bf16"].append(median(timed(call, args.runs)))
            found["ours"].append(ours(flags))
        medians = {engine: round(median(times), 1) for engine, times in found.items()}
        best = min(found["f32"], found["bf16"], key=median)
        ratios = [mine / theirs for mine, theirs in zip(found["ours"], best)]
        line = {"what": what, "median_ms": medians, "ours_of_torch": round(median(ratios), 2)}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
