"""Writes crates/anyface/tests/fixtures/ffhq_align/aligned128_*.png: FFHQ alignment with 4×4 samples
per pixel.

    pip install numpy pillow scipy
    python tools/parity/ffhq_align.py

The folder already has `source*.png` and `cases.json`: noise, and landmarks in it.
`aligned256_*.png` is the output of `align_face` of omertov/encoder4editing@99ea505, with one sample
per pixel. This script first compares its own result with it.
"""

import json
from pathlib import Path

import numpy as np
import scipy.ndimage
from PIL import Image

FOLDER = Path(__file__).parents[2] / "crates/anyface/tests/fixtures/ffhq_align"


def square(eye_left, eye_right, mouth_left, mouth_right):
    eye_avg = (eye_left + eye_right) * 0.5
    eye_to_eye = eye_right - eye_left
    eye_to_mouth = (mouth_left + mouth_right) * 0.5 - eye_avg
    x = eye_to_eye - np.flipud(eye_to_mouth) * [-1, 1]
    x /= np.hypot(*x)
    x *= max(np.hypot(*eye_to_eye) * 2.0, np.hypot(*eye_to_mouth) * 1.8)
    y = np.flipud(x) * [-1, 1]
    c = eye_avg + eye_to_mouth * 0.1
    return np.stack([c - x - y, c - x + y, c + x + y, c + x - y])


def align(img, quad, output_size, transform_size):
    quad = quad.copy()
    qsize = np.hypot(*(quad[3] - quad[0]))

    shrink = int(np.floor(qsize / output_size * 0.5))
    if shrink > 1:
        img = img.resize([int(np.rint(side / shrink)) for side in img.size], Image.LANCZOS)
        quad /= shrink
        qsize /= shrink

    border = max(int(np.rint(qsize * 0.1)), 3)
    low, high = np.floor(quad.min(0)).astype(int), np.ceil(quad.max(0)).astype(int)
    low, high = np.maximum(low - border, 0), np.minimum(high + border, img.size)
    img = img.crop((*low, *high))
    quad -= low

    low, high = np.floor(quad.min(0)).astype(int), np.ceil(quad.max(0)).astype(int)
    pad = np.maximum([*(border - low), *(high - img.size + border)], 0)
    if pad.max() > border - 4:
        pad = np.maximum(pad, int(np.rint(qsize * 0.3)))
        img = np.pad(np.float32(img), ((pad[1], pad[3]), (pad[0], pad[2]), (0, 0)), "reflect")
        h, w, _ = img.shape
        y, x, _ = np.ogrid[:h, :w, :1]
        mask = 1.0 - np.minimum(
            np.minimum(x / pad[0], (w - 1 - x) / pad[2]),
            np.minimum(y / pad[1], (h - 1 - y) / pad[3]),
        )
        blur = qsize * 0.02
        img += (scipy.ndimage.gaussian_filter(img, [blur, blur, 0]) - img) * np.clip(
            mask * 3.0 + 1.0, 0.0, 1.0
        )
        img += (np.median(img, axis=(0, 1)) - img) * np.clip(mask, 0.0, 1.0)
        img = Image.fromarray(np.uint8(np.clip(np.rint(img), 0, 255)))
        quad += pad[:2]

    img = img.transform((transform_size,) * 2, Image.QUAD, (quad + 0.5).flatten(), Image.BILINEAR)
    return img.resize((output_size,) * 2, Image.LANCZOS)


def main():
    for case in json.loads((FOLDER / "cases.json").read_text()):
        quad = square(*np.array(case["points"]))
        assert np.abs(quad - case["quad"]).max() < 1e-9
        source = FOLDER / f"source{case['index']}.png"
        if source.exists():
            img = Image.open(source)
            official = np.int32(Image.open(FOLDER / f"aligned256_{case['index']}.png"))
            error = np.abs(np.int32(align(img, quad, 256, 256)) - official).max()
            assert error <= 1, error
            align(img, quad, 128, 512).save(FOLDER / f"aligned128_{case['index']}.png")


if __name__ == "__main__":
    main()
