"""Nodes for ComfyUI: faces from words, and changes of faces in words.

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
    """The pipeline of a bundle, kept between two runs."""
    return anyface.Pipeline.from_pretrained(model)


def to_images(pixels: np.ndarray) -> torch.Tensor:
    """ComfyUI's images of pixels ``[N, H, W, 3]``."""
    return torch.from_numpy(pixels.astype(np.float32) / 255)


def to_pixels(images: torch.Tensor) -> np.ndarray:
    """Pixels ``[N, H, W, 3]`` of ComfyUI's images."""
    return np.rint(images.cpu().numpy().clip(0, 1) * 255).astype(np.uint8)


def model_input() -> io.String.Input:
    """Which bundle to use."""
    tip = "portraits, which is built in, a folder, or a bundle that `anyface pull` made"
    return io.String.Input("model", default="portraits", tooltip=tip)


class GenerateFaces(io.ComfyNode):
    """Faces from words."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="AnyfaceGenerate",
            display_name="Generate faces",
            category=CATEGORY,
            description="Draws faces that fit a description. Each sentence is read alone.",
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
    """Changes of faces in words."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="AnyfaceEdit",
            display_name="Edit faces",
            category=CATEGORY,
            description="Changes faces in words, again and again: its latents go into the next.",
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
    """Changes of the largest face of each picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="AnyfaceEditPhotographs",
            display_name="Edit faces of pictures",
            category=CATEGORY,
            description="Changes the largest face of each picture; all else keeps its details.",
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
    """What ComfyUI loads."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [GenerateFaces, EditFaces, EditPhotographs]
