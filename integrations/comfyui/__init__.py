"""The custom nodes of anyface for ComfyUI."""

from .nodes import AnyfaceExtension


async def comfy_entrypoint() -> AnyfaceExtension:
    """Returns the extension; ComfyUI calls this."""
    return AnyfaceExtension()
