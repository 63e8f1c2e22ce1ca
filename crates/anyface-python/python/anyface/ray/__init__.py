"""Faces in bulk, and the image service, on a Ray cluster.

>>> import anyface.ray
>>> anyface.ray.generate(["a young queen", "a bald man"], "faces", 2)  # doctest: +SKIP
Report(rows=2, refused=0, shards=1, skipped=0)
>>> app = anyface.ray.serve_app("portraits", num_replicas=2)
>>> ray.serve.run(app)  # doctest: +SKIP

docs/RAY.md of the repository has the guarantees and the measurements.
"""

import importlib
from typing import TYPE_CHECKING, Any

try:
    import ray as _ray  # noqa: F401
except ImportError as missing:
    message = f'anyface.ray needs Ray, pip install "anyface[ray]": {missing}'
    raise ImportError(message) from missing

if TYPE_CHECKING:
    from anyface.ray.bulk import Report, generate
    from anyface.ray.serving import serve_app

__all__ = ["Report", "generate", "serve_app"]

_MODULES = {"Report": "bulk", "generate": "bulk", "serve_app": "serving"}


def __getattr__(name: str) -> Any:
    # Imported on use: a worker needs only Ray Data, and a replica only Ray Serve.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
