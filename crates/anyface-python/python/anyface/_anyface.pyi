"""Faces from words, and changes of faces in words."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["AnyfaceError", "FaceDescription", "Faces", "Pipeline", "run_command"]

#: A path, a picture of Pillow, or an array ``[H, W, 3]``.
_Picture: TypeAlias = str | os.PathLike[str] | Image.Image | npt.NDArray[np.uint8]

class AnyfaceError(Exception):
    """What the library cannot do, in one line that names the file, tensor or field."""

@final
class Faces:
    """Faces, as pictures and as latents."""

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """The pictures, ``[N, H, W, 3]``. It is the memory they were drawn into."""
    @property
    def latents(self) -> npt.NDArray[np.float32]:
        """What the faces were drawn from, ``[N, L, D]``."""
    @property
    def images(self) -> list[Image.Image]:
        """The pictures as images of Pillow."""
    @property
    def seeds(self) -> list[int] | None:
        """The seed of each face, where faces come of seeds."""
    @property
    def clip_scores(self) -> list[float] | None:
        """Cosine between the features of each picture and of its words, -1 to 1."""
    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write the faces as PNG files that say how they were made. Returns their paths."""
    def __len__(self) -> int: ...

@final
class FaceDescription:
    """What is seen in a face."""

    @property
    def text(self) -> str:
        """One sentence of what is surely seen."""
    @property
    def attributes(self) -> dict[str, float]:
        """Every attribute that the bundle's probe knows, with how sure it is of it, 0 to 1."""
    @property
    def faces(self) -> int:
        """How many faces the picture has; 1 where nothing looked for them."""

@final
class Pipeline:
    """The networks of one bundle: from words to faces, and from faces to others."""

    @staticmethod
    def builtin() -> Pipeline:
        """The bundle inside the package: characters of 128 pixels."""
    @staticmethod
    def from_pretrained(name_or_folder: str | os.PathLike[str]) -> Pipeline:
        """The bundle in a folder, or of a name that ``anyface models list`` shows."""
    @property
    def resolution(self) -> int:
        """Side of the pictures in pixels."""
    @property
    def latent_shape(self) -> tuple[int, int]:
        """L and D: the latent layers, and the width of a latent."""
    def __call__(
        self,
        prompt: str | Sequence[str],
        *,
        num_images_per_prompt: int = 1,
        seed: int = 0,
        truncation: float | None = None,
    ) -> Faces:
        """Draw faces that fit a description, or so many for each of several."""
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
        """Change faces in words."""
    def invert(
        self, image: _Picture, *, face_index: int = 0, refine: int = 20
    ) -> npt.NDArray[np.float32]:
        """Find the latent of a face of a picture, ``[1, L, D]``."""
    def draw(self, latents: Faces | npt.ArrayLike) -> Faces:
        """Draw faces from latents ``[N, L, D]`` or ``[L, D]``."""
    def describe(self, image: _Picture, *, face_index: int = 0) -> FaceDescription:
        """Say in words what is seen in a face of a picture."""

def run_command(arguments: Sequence[str]) -> int:
    """Run the command ``anyface`` and return its exit status."""
