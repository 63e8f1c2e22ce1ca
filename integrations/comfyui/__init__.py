"""The custom nodes of anyface for ComfyUI."""

from .nodes import AnyfaceExtension


async def comfy_entrypoint() -> AnyfaceExtension:
    """The extension that ComfyUI loads."""
    return AnyfaceExtension()
