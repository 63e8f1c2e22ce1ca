"""The tools of the Model Context Protocol, called by its Python package."""

import asyncio
import base64
import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from mcp import Client
from PIL import Image


@pytest.fixture(params=["auto", "legacy"])
def ask(request, address):
    """Runs the calls of one client, with the newest protocol and with the last with a handshake."""

    def ask(calls):
        async def run():
            async with Client(f"{address}/mcp", mode=request.param) as client:
                return await calls(client)

        # The browser of other tests has an event loop in this thread.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, run()).result()

    return ask


def picture(block):
    assert (block.type, block.mime_type) == ("image", "image/png")
    return Image.open(io.BytesIO(base64.b64decode(block.data)))


def test_tools_are_listed_with_descriptions(ask):
    async def calls(client):
        return client.instructions, (await client.list_tools()).tools

    instructions, tools = ask(calls)
    assert "painter, sketcher" in instructions
    assert [tool.name for tool in tools] == ["generate", "edit", "describe"]
    assert all(tool.description and tool.annotations.read_only_hint for tool in tools)


def test_a_face_is_generated_edited_and_described(ask):
    async def calls(client):
        drawn = await client.call_tool("generate", {"prompt": "an old sailor", "n": 2, "seed": 7})
        first, second = drawn.structured_content["faces"]
        change = {"face": second["face"], "prompt": "with glasses", "strength": 0.5}
        changed = await client.call_tool("edit", change)
        seen = await client.call_tool("describe", {"face": second["face"]})
        return drawn, changed, seen

    drawn, changed, seen = ask(calls)
    faces = drawn.structured_content["faces"]
    assert [face["seed"] for face in faces] == [7, 8]
    assert json.loads(drawn.content[-1].text) == drawn.structured_content
    before, after = picture(drawn.content[1]), picture(changed.content[0])
    assert before.size == after.size == (128, 128) and before.tobytes() != after.tobytes()
    assert seen.structured_content["description"] == "A painted face."
    assert 0 <= seen.structured_content["attributes"]["Bright"] <= 1


def test_an_invalid_argument_is_an_error_with_its_reason(ask):
    async def calls(client):
        return await client.call_tool("generate", {"prompt": "a face", "n": 11})

    refused = ask(calls)
    assert refused.is_error and "n must be between 1 and 10" in refused.content[0].text
