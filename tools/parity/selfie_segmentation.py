"""Converts MediaPipe's person segmentation to
crates/anyface/assets/selfie_segmentation.safetensors.

    pip install flatbuffers numpy safetensors tflite
    python tools/parity/selfie_segmentation.py selfie_segmentation.tflite

The input file is in the npm package `@mediapipe/selfie_segmentation` and in the PyPI wheel
`mediapipe` 0.10.14. Its weights are 16-bit constants before DEQUANTIZE operations. They are stored
as 16 bits.
"""

import sys
from pathlib import Path

import numpy as np
import tflite
from safetensors.numpy import save_file

TARGET = Path(__file__).parents[2] / "crates/anyface/assets/selfie_segmentation.safetensors"

# Whether each encoder block has squeeze-and-excitation.
ENCODER = [True, False, False, True, True, True, True, True]

SQUEEZE_EXCITATION = ["squeeze_excitation.reduce", "squeeze_excitation.expand"]

CONVOLUTIONS = {
    tflite.BuiltinOperator.CONV_2D,
    tflite.BuiltinOperator.DEPTHWISE_CONV_2D,
    tflite.BuiltinOperator.CUSTOM,  # MediaPipe's Convolution2DTransposeBias.
}


def names():
    """The name of each convolution in this project, in graph order."""
    yield "stem"
    for block, excited in enumerate(ENCODER):
        excitation = SQUEEZE_EXCITATION if excited else []
        for layer in ["expand", "depthwise", *excitation, "project"]:
            yield f"encoder.{block}.{layer}"
    yield "head.project"
    yield "head.gate"
    for stage in range(3):
        for layer in ["project", *SQUEEZE_EXCITATION, "pointwise", "depthwise"]:
            yield f"decoder.{stage}.{layer}"
    yield "mask"


def layers(model):
    """Operation, weight and bias of each convolution, in graph order."""
    graph = model.Subgraphs(0)
    operations = [graph.Operators(i) for i in range(graph.OperatorsLength())]
    code = [model.OperatorCodes(operation.OpcodeIndex()).BuiltinCode() for operation in operations]
    # The half-precision constant of each output of DEQUANTIZE.
    constant = {
        operation.Outputs(0): operation.Inputs(0)
        for operation, code in zip(operations, code)
        if code == tflite.BuiltinOperator.DEQUANTIZE
    }

    def values(index):
        tensor = graph.Tensors(constant.get(index, index))
        kind = {tflite.TensorType.FLOAT16: np.float16, tflite.TensorType.FLOAT32: np.float32}
        data = model.Buffers(tensor.Buffer()).DataAsNumpy().tobytes()
        return np.frombuffer(data, kind[tensor.Type()]).reshape(tensor.ShapeAsNumpy())

    for operation, code in zip(operations, code):
        if code in CONVOLUTIONS:
            yield code, values(operation.Inputs(1)), values(operation.Inputs(2))


def main(source):
    model = tflite.Model.GetRootAsModel(Path(source).read_bytes(), 0)
    tensors = {}
    for name, (code, weight, bias) in zip(names(), layers(model), strict=True):
        # To torch's layout [out, in, kh, kw]. The file has depthwise weights as
        # [1, kh, kw, channels] and transposed ones as [out, kh, kw, in], which are
        # [in, out, kh, kw] in torch.
        axes = (0, 3, 1, 2) if code == tflite.BuiltinOperator.CONV_2D else (3, 0, 1, 2)
        tensors[f"{name}.weight"] = np.ascontiguousarray(weight.transpose(axes)).astype(np.float16)
        tensors[f"{name}.bias"] = bias.astype(np.float16)
    save_file(tensors, TARGET)


if __name__ == "__main__":
    main(*sys.argv[1:])
