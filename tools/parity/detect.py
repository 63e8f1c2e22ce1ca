"""Writes crates/anyface/tests/fixtures/faces.{png,json}: faces that OpenCV detects in coloured
noise, with a YuNet with random weights.

    pip install numpy opencv-python-headless
    python tools/parity/detect.py

With arguments, prints the faces that a trained detector finds in pictures, one line of numbers per
face, like the example `faces` of the crate:

    python tools/parity/detect.py <yunet_n_dynamic.onnx> <picture> ...
"""

import json
import sys
from pathlib import Path

import cv2
import numpy as np

FIXTURES = Path(__file__).parents[2] / "crates/anyface/tests/fixtures"


def faces(weights, picture):
    height, width, _ = picture.shape
    detector = cv2.FaceDetectorYN.create(str(weights), "", (width, height), 0.6, 0.3, 5000)
    _, found = detector.detect(picture)
    found = [] if found is None else found.tolist()
    return sorted(found, key=lambda face: -face[2] * face[3])


def make_fixture():
    rng = np.random.default_rng(1)
    clouds = cv2.resize(
        rng.integers(0, 256, (6, 9, 3)).astype(np.uint8), (150, 100), interpolation=cv2.INTER_CUBIC
    )
    cv2.imwrite(str(FIXTURES / "faces.png"), clouds)
    found = faces(FIXTURES / "checkpoints/yunet.onnx", clouds)
    lines = ",\n".join(json.dumps(face) for face in found)
    (FIXTURES / "faces.json").write_text(f"[\n{lines}\n]\n")


def main(weights, *pictures):
    for picture in pictures:
        for face in faces(weights, cv2.imread(picture)):
            print(picture, *(f"{value:.3f}" for value in face))


if __name__ == "__main__":
    main(*sys.argv[1:]) if sys.argv[1:] else make_fixture()
