"""The ComfyUI nodes with a mock of the V3 interface that they use.

ComfyUI is not in a package registry. The mock has the names and arguments of
``comfy_api/latest/_io.py`` and ``comfy_api/latest/__init__.py``. Its torch tensor is only an array.
"""

import abc
import asyncio
import dataclasses
import importlib.util
import inspect
import pathlib
import sys
import types

import numpy as np
import pytest

FOLDER = pathlib.Path(__file__).parents[2] / "integrations/comfyui"


class Tensor:
    """The methods of torch's tensor that the nodes use."""

    def __init__(self, array):
        self.array = array

    def cpu(self):
        return self

    def numpy(self):
        return self.array


def kind(*arguments):
    """A type of inputs and outputs. Inputs accept `id` and these keyword arguments."""

    class Input:
        def __init__(self, id, *, tooltip=None, **options):
            assert options.keys() <= set(arguments), options
            self.id = id
            self.options = options

    class Output:
        def __init__(self, id=None, display_name=None, tooltip=None):
            self.id = id

    return types.SimpleNamespace(Input=Input, Output=Output)


@dataclasses.dataclass(kw_only=True)
class Schema:
    node_id: str
    display_name: str
    category: str
    description: str
    inputs: list
    outputs: list


class ComfyNode(abc.ABC):
    @classmethod
    @abc.abstractmethod
    def define_schema(cls): ...

    @classmethod
    @abc.abstractmethod
    def execute(cls, **inputs): ...


class NodeOutput:
    def __init__(self, *args):
        self.args = args


class ComfyExtension(abc.ABC):
    @abc.abstractmethod
    async def get_node_list(self): ...


@pytest.fixture(scope="module")
def nodes():
    """The nodes by id, loaded like in ComfyUI."""
    numbers = ("default", "min", "max", "step")
    io = types.SimpleNamespace(
        ComfyNode=ComfyNode,
        NodeOutput=NodeOutput,
        Schema=Schema,
        Custom=lambda io_type: kind(),
        Image=kind(),
        Int=kind(*numbers, "control_after_generate"),
        Float=kind(*numbers, "round"),
        String=kind("default", "multiline", "placeholder"),
    )
    mocks = {
        "torch": types.SimpleNamespace(Tensor=Tensor, from_numpy=Tensor),
        "comfy_api": types.ModuleType("comfy_api"),
        "comfy_api.latest": types.SimpleNamespace(ComfyExtension=ComfyExtension, io=io),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, module in mocks.items():
            patch.setitem(sys.modules, name, module)
        spec = importlib.util.spec_from_file_location(
            "anyface_nodes", FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
        )
        package = importlib.util.module_from_spec(spec)
        patch.setitem(sys.modules, "anyface_nodes", package)
        spec.loader.exec_module(package)

        async def listed():
            return await (await package.comfy_entrypoint()).get_node_list()

        yield {node.define_schema().node_id: node for node in asyncio.run(listed())}


def run(node, *given, **changed):
    """Runs a node with `given` sockets; widgets have their defaults, except the `changed` ones."""
    inputs = node.define_schema().inputs
    sockets = [entry.id for entry in inputs if "default" not in entry.options]
    defaults = {e.id: e.options["default"] for e in inputs if "default" in e.options}
    return node.execute(**dict(zip(sockets, given, strict=True)), **{**defaults, **changed}).args


def test_schemas_match_the_signatures(nodes):
    assert nodes.keys() == {"AnyfaceGenerate", "AnyfaceEdit", "AnyfaceEditPhotographs"}
    for node in nodes.values():
        schema = node.define_schema()
        inputs = [entry.id for entry in schema.inputs]
        assert inputs == list(inspect.signature(node.execute).parameters)
        assert schema.category == "anyface"


def test_faces_are_generated_and_edited(nodes):
    images, latents = run(nodes["AnyfaceGenerate"], batch_size=2, seed=7)
    drawn = images.numpy()
    assert drawn.shape[0] == 2 and drawn.shape[3] == 3
    assert drawn.dtype == np.float32
    assert 0 <= drawn.min() < drawn.max() <= 1
    edited, changed = run(nodes["AnyfaceEdit"], latents, prompt="wearing sunglasses")
    assert edited.numpy().shape == drawn.shape
    assert changed.shape == latents.shape
    same, _ = run(nodes["AnyfaceEdit"], latents, prompt="wearing sunglasses", strength=0.0)
    assert np.array_equal(same.numpy(), drawn)


def test_photographs_keep_their_size_and_change_only_with_strength(nodes):
    images, _ = run(nodes["AnyfaceGenerate"], batch_size=2, seed=7)
    (same,) = run(nodes["AnyfaceEditPhotographs"], images, prompt="old", strength=0.0)
    assert np.array_equal(same.numpy(), images.numpy())
    (old,) = run(nodes["AnyfaceEditPhotographs"], images, prompt="old")
    assert old.numpy().shape == images.numpy().shape
    assert not np.array_equal(old.numpy(), images.numpy())
