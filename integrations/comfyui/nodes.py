"""Nodes for ComfyUI: generate faces from words, edit faces with words.

ComfyUI's images are tensors ``[N, H, W, 3]`` of floats from 0 to 1.
"""

import functools

import anyface
import numpy as np
import torch
from comfy_api.latest import ComfyExtension, io

CATEGORY = "anyface"

#: Latents as ``Pipeline`` returns them, ``[N, L, D]``. They fit no other model.
Faces = io.Custom("ANYFACE_LATENTS")


@functools.lru_cache(maxsize=2)
def pipeline(model: str) -> anyface.Pipeline:
    """The pipeline of a bundle, cached between runs."""
    return anyface.Pipeline.from_pretrained(model)


def to_images(pixels: np.ndarray) -> torch.Tensor:
    """Converts pixels ``[N, H, W, 3]`` to ComfyUI's images."""
    return torch.from_numpy(pixels.astype(np.float32) / 255)


def to_pixels(images: torch.Tensor) -> np.ndarray:
    """Converts ComfyUI's images to pixels ``[N, H, W, 3]``."""
    return np.rint(images.cpu().numpy().clip(0, 1) * 255).astype(np.uint8)


def model_input() -> io.String.Input:
    """The input that selects the bundle."""
    tip = "portraits (built in), a folder, or a bundle that `anyface pull` made"
    return io.String.Input("model", default="portraits", tooltip=tip)


class GenerateFaces(io.ComfyNode):
    """Generates faces from words."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="AnyfaceGenerate",
            display_name="Generate faces",
            category=CATEGORY,
            description="Draws faces that fit a description. Each sentence is read separately.",
            inputs=[
                io.String.Input("prompt", multiline=True, default="an old sailor"),
                io.Int.Input("batch_size", default=1, min=1, max=64),
                io.Int.Input("seed", default=0, min=0, max=2**64 - 1, control_after_generate=True),
                model_input(),
            ],
            outputs=[io.Image.Output(), Faces.Output()],
        )

    @classmethod
    def execute(cls, prompt: str, batch_size: int, seed: int, model: str) -> io.NodeOutput:
        faces = pipeline(model)(prompt, num_images_per_prompt=batch_size, seed=seed)
        return io.NodeOutput(to_images(faces.pixels), faces.latents)


class EditFaces(io.ComfyNode):
    """Edits faces with words."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="AnyfaceEdit",
            display_name="Edit faces",
            category=CATEGORY,
            description="Edits faces with words. Connect the latents to another edit to continue.",
            inputs=[
                Faces.Input("latents"),
                io.String.Input("prompt", multiline=True, default="smiling"),
                io.Float.Input("strength", default=1.0, min=-1.0, max=1.0, step=0.05),
                model_input(),
            ],
            outputs=[io.Image.Output(), Faces.Output()],
        )

    @classmethod
    def execute(
        cls, latents: np.ndarray, prompt: str, strength: float, model: str
    ) -> io.NodeOutput:
        faces = pipeline(model).edit(latents, prompt, strength=strength)
        return io.NodeOutput(to_images(faces.pixels), faces.latents)


class EditPhotographs(io.ComfyNode):
    """Edits the largest face of each picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="AnyfaceEditPhotographs",
            display_name="Edit faces of pictures",
            category=CATEGORY,
            description="Edits the largest face of each picture and keeps the rest.",
            inputs=[
                io.Image.Input("images"),
                io.String.Input("prompt", multiline=True, default="smiling"),
                io.Float.Input("strength", default=1.0, min=-1.0, max=1.0, step=0.05),
                model_input(),
            ],
            outputs=[io.Image.Output()],
        )

    @classmethod
    def execute(
        cls, images: torch.Tensor, prompt: str, strength: float, model: str
    ) -> io.NodeOutput:
        pipe = pipeline(model)
        edited = [pipe.edit(image, prompt, strength=strength).pixels for image in to_pixels(images)]
        return io.NodeOutput(to_images(np.concatenate(edited)))


class AnyfaceExtension(ComfyExtension):
    """The extension with all nodes."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [GenerateFaces, EditFaces, EditPhotographs]
