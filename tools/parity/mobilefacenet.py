"""Writes crates/anyface/tests/fixtures/mobilefacenet.*: inputs and outputs of a narrow
MobileFaceNet with random weights in ncnn.

    pip install ncnn numpy safetensors
    python tools/parity/mobilefacenet.py <mobilefacenet.param>

Uses only the graph of the released file, with an eighth of the channels. All weights are random.
"""

import re
import sys
from pathlib import Path

import ncnn
import numpy as np
from safetensors.numpy import save_file

TARGET = Path(__file__).parents[2] / "crates/anyface/tests/fixtures"
NARROWER = 8


def main(source):
    rng = np.random.default_rng(1101)
    lines, weights = [], []

    def add(*arrays):
        weights.extend(np.asarray(array, "<f4").tobytes() for array in arrays)

    channels = 3
    for line in source.read_text().splitlines():
        values = dict(re.findall(r" (-?\d+)=(\S+)", line))
        kind = line.split()[0]
        if kind in ("Convolution", "ConvolutionDepthWise", "BatchNorm", "PReLU", "InnerProduct"):
            out = int(values["0"]) // NARROWER
            line = line.replace(" 0=" + values["0"], f" 0={out}")
        if kind.startswith("Convolution"):
            places = int(values["1"]) * int(values["11"])
            inputs = 1 if kind.endswith("DepthWise") else channels
            line = line.replace(" 6=" + values["6"], f" 6={out * inputs * places}").replace(
                f" 7={values.get('7')}", f" 7={out}"
            )
            weights.append(b"\0\0\0\0")
            add(rng.normal(0, (2 / (inputs * places)) ** 0.5, out * inputs * places))
            channels = out
        elif kind == "InnerProduct":
            line = line.replace(" 2=" + values["2"], f" 2={out * channels}")
            weights.append(b"\0\0\0\0")
            add(rng.normal(0, channels**-0.5, out * channels), rng.normal(0, 0.1, out))
        elif kind == "BatchNorm":
            add(
                rng.uniform(0.5, 1, out),
                rng.normal(0, 0.1, out),
                rng.uniform(0.5, 2, out),
                rng.normal(0, 0.1, out),
            )
        elif kind == "PReLU":
            add(rng.uniform(0.1, 0.4, out))
        lines.append(line)
    param, binary = (TARGET / f"checkpoints/mobilefacenet.{suffix}" for suffix in ("param", "bin"))
    param.write_text("\n".join(lines) + "\n")
    binary.write_bytes(b"".join(weights))

    net = ncnn.Net()
    for name in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(net.opt, name, False)
    assert net.load_param(str(param)) == 0 and net.load_model(str(binary)) == 0
    images = rng.integers(0, 256, (2, 3, 112, 112)).astype(np.float32)
    features = []
    for image in images:
        extractor = net.create_extractor()
        extractor.input("data", ncnn.Mat(image).clone())
        _, feature = extractor.extract("fc1")
        features.append(np.array(feature).reshape(-1))
    features = np.stack(features)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    save_file(
        {"input": images.astype(np.uint8), "features": features},
        TARGET / "mobilefacenet.io.safetensors",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
