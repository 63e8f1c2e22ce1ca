"""Writes crates/anyface/tests/fixtures/clip/resnet.safetensors and resnet.io.safetensors: a CLIP
ResNet of open_clip with random weights.

    pip install torch open_clip_torch safetensors
    python tools/parity/clip_resnet.py

The model is a small version of OpenAI's RN50, both towers, under the keys of the checkpoint. Also
writes pixels, their features (not normalised) and the gradient of the sum of the features with
respect to the pixels. The batch norms have random statistics.
"""

from pathlib import Path

import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from safetensors.torch import save_file

FIXTURES = Path(__file__).parents[2] / "crates/anyface/tests/fixtures/clip"


def main():
    torch.manual_seed(403)
    vision = CLIPVisionCfg(layers=[1, 2, 1, 1], width=4, image_size=64, head_width=64)
    text = CLIPTextCfg(context_length=8, vocab_size=20, width=64, heads=1, layers=1)
    model = CLIP(embed_dim=6, vision_cfg=vision, text_cfg=text, quick_gelu=True).eval()
    with torch.no_grad():
        # Initial biases are 0 and initial scales are 1, which would hide errors. Randomise all.
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(std=0.3)
            if name.endswith("running_var"):
                buffer.uniform_(0.5, 2.0)
    pixels = torch.randn(2, 3, 64, 64, requires_grad=True)
    features = model.visual(pixels)
    features.sum().backward()
    taps = {"pixels": pixels, "image_features": features, "gradient": pixels.grad}
    for name, tensors in [("resnet", model.state_dict()), ("resnet.io", taps)]:
        tensors = {key: value.detach().contiguous() for key, value in tensors.items()}
        save_file(tensors, FIXTURES / f"{name}.safetensors")


if __name__ == "__main__":
    main()
