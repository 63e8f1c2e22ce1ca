"""Writes crates/anyface/tests/fixtures/yunet.*: inputs and outputs of YuNet with random weights in
ONNX Runtime.

    pip install onnx onnxruntime numpy safetensors
    python tools/parity/yunet.py <yunet_n_dynamic.onnx of ShiqiYu/libfacedetection.train>

Uses only the graph of the released file. All weights are random.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from safetensors.numpy import save_file

TARGET = Path(__file__).parents[2] / "crates/anyface/tests/fixtures"


def main(source):
    rng = np.random.default_rng(1001)
    model = onnx.load(source)
    for tensor in model.graph.initializer:
        if (
            tensor.data_type == onnx.TensorProto.FLOAT
            and len(tensor.dims) in (1, 4)
            and tensor.dims[0] > 0
        ):
            if tensor.name in ("512", "513"):  # Scales of the two resizes.
                continue
            # Keep logits near 1, so that rounding errors stay small.
            deviation = np.prod(tensor.dims[1:]) ** -0.5 if len(tensor.dims) == 4 else 0.1
            values = rng.normal(0, deviation, tuple(tensor.dims)).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    onnx.save(model, TARGET / "checkpoints/yunet.onnx")

    image = rng.uniform(0, 1, (2, 3, 64, 96)).astype(np.float32)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    outputs = session.run(names, {"input": image})
    save_file({"input": image, **dict(zip(names, outputs))}, TARGET / "yunet.io.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
