"""Generation of faces."""

import threading

import numpy as np
import pytest
from PIL import Image


def test_faces_are_images_and_arrays(pipe, sailors):
    side = pipe.resolution
    assert len(sailors) == 3
    assert sailors.pixels.shape == (3, side, side, 3)
    assert sailors.pixels.dtype == np.uint8
    assert sailors.latents.shape == (3, *pipe.latent_shape)
    assert sailors.latents.dtype == np.float32
    assert sailors.seeds == [7, 8, 9]
    assert all(-1 <= score <= 1 for score in sailors.clip_scores)
    for image, pixels in zip(sailors.images, sailors.pixels, strict=True):
        assert isinstance(image, Image.Image)
        assert image.mode == "RGB"
        assert np.array_equal(np.asarray(image), pixels)


def test_pixels_are_not_copied(sailors):
    """Every access gives the same memory, which Rust has allocated."""
    assert np.shares_memory(sailors.pixels, sailors.pixels)
    assert not sailors.pixels.flags.owndata
    assert sailors.pixels.flags.c_contiguous


def test_arrays_outlive_their_faces(pipe):
    pixels = pipe("a young queen").pixels
    before = pixels.copy()
    pipe("a bald man")
    assert np.array_equal(pixels, before)


def test_a_face_depends_only_on_its_seed(pipe, sailors):
    again = pipe("an old sailor with a white beard", seed=8)
    assert np.array_equal(again.pixels[0], sailors.pixels[1])
    assert np.array_equal(again.latents[0], sailors.latents[1])
    assert not np.array_equal(sailors.pixels[0], sailors.pixels[1])


def test_several_descriptions_give_faces_in_order(pipe):
    faces = pipe(["a bald man", "a young queen"], num_images_per_prompt=2, seed=3)
    assert faces.seeds == [3, 4, 3, 4]
    queen = pipe("a young queen", seed=4)
    assert np.array_equal(faces.pixels[3], queen.pixels[0])


def test_truncation_reduces_variety(pipe):
    def spread(truncation):
        faces = pipe("a face", num_images_per_prompt=4, truncation=truncation)
        return np.std(faces.latents, axis=0).mean()

    assert spread(0.2) < spread(1.0)


def test_threads_generate_the_same_faces(pipe, sailors):
    drawn = {}

    def draw(seed):
        drawn[seed] = pipe("an old sailor with a white beard", seed=seed).pixels[0]

    threads = [threading.Thread(target=draw, args=(seed,)) for seed in sailors.seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, pixels in zip(sailors.seeds, sailors.pixels, strict=True):
        assert np.array_equal(drawn[seed], pixels)


@pytest.mark.parametrize(
    ("prompt", "options", "message"),
    [
        ("", {}, "description is empty"),
        ("a man", {"truncation": 2}, "between 0 and 1"),
        ("a man", {"num_images_per_prompt": 0}, "one image per prompt"),
        ([], {}, "one prompt"),
        (" ".join(["old"] * 1001), {}, "1000 words"),
    ],
)
def test_invalid_values_are_named(pipe, prompt, options, message):
    with pytest.raises(ValueError, match=message):
        pipe(prompt, **options)


def test_a_prompt_must_be_text(pipe):
    with pytest.raises(TypeError):
        pipe(7)
