"""Generation of faces from descriptions, and edits of faces by text."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["AnyfaceError", "FaceDescription", "Faces", "Pipeline", "run_command"]

#: A path, a Pillow image, or an array ``[H, W, 3]``.
_Picture: TypeAlias = str | os.PathLike[str] | Image.Image | npt.NDArray[np.uint8]

class AnyfaceError(Exception):
    """An error of the library, in one line that names the file, tensor or field."""

@final
class Faces:
    """Faces with their pictures and latents."""

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """Pictures, ``[N, H, W, 3]``, without a copy."""
    @property
    def latents(self) -> npt.NDArray[np.float32]:
        """Latents, ``[N, L, D]``."""
    @property
    def images(self) -> list[Image.Image]:
        """Pictures as Pillow images."""
    @property
    def seeds(self) -> list[int] | None:
        """Seed of each face; None unless the faces were generated from a description."""
    @property
    def clip_scores(self) -> list[float] | None:
        """Cosine similarity of picture and description, -1 to 1; None like ``seeds``."""
    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write the faces as signed PNG files with metadata. Returns their paths."""
    def __len__(self) -> int: ...

@final
class FaceDescription:
    """Attributes of a face."""

    @property
    def text(self) -> str:
        """The very likely attributes as one sentence."""
    @property
    def attributes(self) -> dict[str, float]:
        """Probability of every attribute that the bundle's probe knows, 0 to 1."""
    @property
    def faces(self) -> int:
        """Number of faces found in the picture; 1 if no detector was used."""

@final
class Pipeline:
    """The networks of one bundle: generation, edits, inversion and description of faces."""

    @staticmethod
    def builtin() -> Pipeline:
        """The built-in bundle: illustrated portraits of 128 pixels."""
    @staticmethod
    def from_pretrained(name_or_folder: str | os.PathLike[str]) -> Pipeline:
        """The bundle in a folder, or with a name from ``anyface models list``."""
    @property
    def resolution(self) -> int:
        """Side of the pictures in pixels."""
    @property
    def latent_shape(self) -> tuple[int, int]:
        """L and D: number of latent layers, and width of a latent."""
    def __call__(
        self,
        prompt: str | Sequence[str],
        *,
        num_images_per_prompt: int = 1,
        seed: int = 0,
        truncation: float | None = None,
    ) -> Faces:
        """Generate ``num_images_per_prompt`` faces for each description."""
    def edit(
        self,
        face: Faces | npt.NDArray[np.floating] | _Picture,
        prompt: str,
        *,
        strength: float = 1.0,
        keep: Sequence[str] = (),
        face_index: int = 0,
        refine: int = 20,
    ) -> Faces:
        """Edit faces by text."""
    def invert(
        self, image: _Picture, *, face_index: int = 0, refine: int = 20
    ) -> npt.NDArray[np.float32]:
        """Invert a face in a picture to its latent, ``[1, L, D]``."""
    def draw(self, latents: Faces | npt.ArrayLike) -> Faces:
        """Generate the pictures of latents ``[N, L, D]`` or ``[L, D]``."""
    def describe(self, image: _Picture, *, face_index: int = 0) -> FaceDescription:
        """Describe a face in a picture."""

def run_command(arguments: Sequence[str]) -> int:
    """Run the command ``anyface`` and return its exit status."""
