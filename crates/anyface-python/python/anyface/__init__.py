"""Generate faces from descriptions, and edit faces by text.

>>> import anyface
>>> pipe = anyface.Pipeline.builtin()
>>> faces = pipe("an old sailor with a white beard", num_images_per_prompt=4, seed=7)
>>> faces.images[0].size
(128, 128)
>>> pipe.edit(faces, "wearing sunglasses").pixels.shape
(4, 128, 128, 3)
"""

from anyface._anyface import AnyfaceError, FaceDescription, Faces, Pipeline

__all__ = ["AnyfaceError", "FaceDescription", "Faces", "Pipeline"]
