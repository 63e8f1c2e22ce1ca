"""The image API with OpenAI's Python SDK."""

import base64
import io
import pathlib
import struct
import subprocess
import sys

import httpx
import openai
import pytest
from PIL import Image


@pytest.fixture
def client(address):
    return openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)


def size(png):
    assert png.startswith(b"\x89PNG")
    return struct.unpack(">II", png[16:24])


def test_models_are_listed_and_found(client):
    names = [model.id for model in client.models.list()]
    assert "painter" in names and "gpt-image-1" in names
    assert client.models.retrieve("painter").owned_by == "anyface"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody")


def test_images_are_generated(client):
    answer = client.images.generate(
        model="gpt-image-1", prompt="an old sailor", n=2, size="256x256", extra_body={"seed": 7}
    )
    assert [image.seed for image in answer.data] == [7, 8]
    assert answer.usage.input_tokens == 3
    assert [size(base64.b64decode(image.b64_json)) for image in answer.data] == [(256, 256)] * 2


def test_partial_images_are_streamed(client):
    stream = client.images.generate(
        model="gpt-image-1", prompt="a face", stream=True, partial_images=2
    )
    events = list(stream)
    assert [event.type for event in events] == ["image_generation.partial_image"] * 2 + [
        "image_generation.completed"
    ]
    assert [event.partial_image_index for event in events[:2]] == [0, 1]
    assert events[-1].usage.total_tokens == 2


def test_images_are_edited(client):
    png = base64.b64decode(client.images.generate(prompt="a face").data[0].b64_json)
    edit = lambda **more: client.images.edit(
        model="gpt-image-1", prompt="older", image=("face.png", io.BytesIO(png)), **more
    )
    edited = base64.b64decode(edit().data[0].b64_json)
    weaker = base64.b64decode(edit(extra_body={"strength": 0.2, "keep": ["hair"]}).data[0].b64_json)
    assert size(edited) == (128, 128) and edited != weaker
    events = list(edit(stream=True, partial_images=1))
    assert [event.type for event in events] == ["image_edit.partial_image", "image_edit.completed"]
    several = client.images.edit(prompt="older", image=[("face.png", png)])
    assert base64.b64decode(several.data[0].b64_json) == edited


def test_unsupported_parameters_are_accepted_and_reported(client):
    raw = client.images.with_raw_response.generate(
        model="dall-e-3",
        prompt="a face",
        style="vivid",
        quality="hd",
        size="1024x1536",
        response_format="url",
    )
    assert raw.headers["anyface-ignored"] == "style, quality"
    picture = httpx.get(raw.parse().data[0].url)
    assert picture.status_code == 200 and size(picture.content) == (1024, 1536)


def test_photographs_change_only_inside_their_masks(client):
    png = base64.b64decode(client.images.generate(prompt="a face").data[0].b64_json)
    mask = io.BytesIO()
    Image.new("RGBA", (128, 128), (0, 0, 0, 255)).save(mask, "PNG")
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.edit(
            prompt="older", image=("face.png", png), mask=("mask.png", mask.getvalue())
        )
    assert refused.value.param == "mask"
    half = Image.new("RGBA", (128, 128), (0, 0, 0, 255))
    half.paste((0, 0, 0, 0), (0, 0, 64, 128))
    half.save(mask := io.BytesIO(), "PNG")
    answer = client.images.edit(
        prompt="older",
        image=[("face.png", png)],
        mask=("mask.png", mask.getvalue()),
        n=2,
        input_fidelity="high",
    )
    before, after = (
        Image.open(io.BytesIO(file)).convert("RGB")
        for file in (png, base64.b64decode(answer.data[0].b64_json))
    )
    right = (66, 0, 128, 128)
    assert len(answer.data) == 2 and before.crop(right).tobytes() == after.crop(right).tobytes()


def test_errors_have_the_format_of_the_sdk(client):
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.generate(prompt="a face", extra_body={"colour": 1})
    assert (refused.value.param, refused.value.code) == ("colour", "unknown_parameter")
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.edit(prompt="older", image=b"no picture")
    assert refused.value.code == "invalid_image"
    with pytest.raises(openai.APIError):
        list(client.images.generate(prompt="failure", stream=True))


def test_the_javascript_package_works(address):
    script = pathlib.Path(__file__).with_name("openai.cjs")
    ran = subprocess.run(["node", script, address, sys.prefix], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_a_busy_server_says_when_to_retry(slow_address):
    client = openai.OpenAI(base_url=f"{slow_address}/v1", api_key="none", max_retries=0)
    stream = client.images.generate(prompt="a face", n=4, stream=True)
    with pytest.raises(openai.RateLimitError) as refused:
        client.images.generate(prompt="a face", n=4)
    assert int(refused.value.response.headers["retry-after"]) >= 1
    stream.close()
