"""Edits, latents, inversion and descriptions."""

import anyface
import numpy as np
import pytest
from PIL import Image

SUNGLASSES = "wearing sunglasses"


def test_latents_reproduce_their_faces(pipe, sailors):
    drawn = pipe.draw(sailors.latents)
    assert np.array_equal(drawn.pixels, sailors.pixels)
    assert drawn.seeds is None
    assert drawn.clip_scores is None
    one = pipe.draw(sailors.latents[1].astype(np.float64))
    assert np.array_equal(one.pixels[0], sailors.pixels[1])


def test_latents_can_be_interpolated(pipe, sailors):
    first, last = sailors.latents[0], sailors.latents[2]
    way = pipe.draw(np.linspace(first, last, 3)).pixels
    assert np.array_equal(way[0], sailors.pixels[0])
    assert np.array_equal(way[2], sailors.pixels[2])
    assert not np.array_equal(way[1], way[0])


def test_strength_controls_the_size_of_an_edit(pipe, sailors):
    def change(strength):
        edited = pipe.edit(sailors, SUNGLASSES, strength=strength)
        assert edited.pixels.shape == sailors.pixels.shape
        return np.abs(edited.pixels.astype(int) - sailors.pixels).mean()

    assert change(0.0) == 0
    assert 0 < change(0.5) < change(1.0)


def test_faces_and_their_latents_give_the_same_edit(pipe, sailors):
    of_faces = pipe.edit(sailors, SUNGLASSES)
    of_latents = pipe.edit(sailors.latents, SUNGLASSES)
    assert np.array_equal(of_faces.pixels, of_latents.pixels)


def test_keep_changes_the_edit(pipe, sailors):
    free = pipe.edit(sailors, "an old woman").latents
    keeping = pipe.edit(sailors, "an old woman", keep=["a woman"]).latents
    assert not np.array_equal(free, keeping)


def test_every_picture_type_gives_the_same_edit(pipe, sailors, tmp_path):
    (file,) = pipe("a young queen").save(tmp_path)
    image = Image.open(file)
    edits = [
        pipe.edit(picture, SUNGLASSES, refine=2)
        for picture in (file, str(file), image, np.asarray(image))
    ]
    for edited in edits:
        assert np.array_equal(edited.pixels, edits[0].pixels)


def test_a_photograph_keeps_its_size_and_its_unedited_parts(pipe, photograph):
    before = np.asarray(Image.open(photograph).convert("RGB"))
    # Padding makes the picture larger than the resolution, so the detector is used.
    wall = np.pad(before, ((40, 40), (60, 20), (0, 0)), mode="edge")
    after = pipe.edit(wall, SUNGLASSES, refine=2).pixels
    assert after.shape == (1, *wall.shape)
    changed = np.any(after[0] != wall, axis=2)
    assert changed.any()
    assert not changed[:10].any()
    assert not changed[:, :10].any()


def test_inversion_finds_the_face(pipe, sailors):
    latent = pipe.invert(sailors.pixels[0], refine=5)
    assert latent.shape == (1, *pipe.latent_shape)
    assert latent.dtype == np.float32
    found = pipe.draw(latent).pixels[0].astype(int)
    distances = np.abs(found - sailors.pixels).mean(axis=(1, 2, 3))
    assert distances.argmin() == 0


def test_refinement_reduces_the_error(pipe, sailors):
    def error(refine):
        found = pipe.draw(pipe.invert(sailors.images[0], refine=refine)).pixels[0]
        return np.abs(found.astype(int) - sailors.pixels[0]).mean()

    assert error(20) < error(0)


def test_a_description_names_the_attributes(pipe):
    plain, glasses = (
        pipe.describe(pipe(words, seed=3).images[0])
        for words in ("a man without glasses", "a man with glasses")
    )
    assert glasses.attributes["Eyeglasses"] > plain.attributes["Eyeglasses"]
    assert glasses.text.endswith(".")
    assert str(glasses) == glasses.text
    assert glasses.faces == 1
    assert all(0 <= probability <= 1 for probability in glasses.attributes.values())


def test_files_have_metadata(pipe, tmp_path):
    folder = tmp_path / "new/faces"
    paths = pipe("a bald man", num_images_per_prompt=2, seed=5).save(folder)
    assert [path.name for path in paths] == ["0000.png", "0001.png"]
    metadata = Image.open(paths[1]).text
    assert "a bald man" in metadata.values()
    assert "6" in metadata.values()


def test_no_file_is_overwritten(pipe, sailors, tmp_path):
    existing = tmp_path / "0002.png"
    existing.write_text("mine")
    with pytest.raises(FileExistsError, match="0002.png"):
        sailors.save(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["0002.png"]
    assert existing.read_text() == "mine"


def test_bad_latents_are_refused(pipe, sailors):
    layers, width = pipe.latent_shape
    with pytest.raises(ValueError, match=rf"\[N, {layers}, {width}\], not \[2, 3\]"):
        pipe.draw(np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match="shape"):
        pipe.draw(np.zeros((0, layers, width), np.float32))
    with pytest.raises(ValueError, match="finite"):
        pipe.draw(np.full((layers, width), np.nan))


def test_bad_pictures_are_refused(pipe, tmp_path):
    text = tmp_path / "face.png"
    text.write_text("not a picture")
    with pytest.raises(anyface.AnyfaceError, match="face.png"):
        pipe.invert(text)
    with pytest.raises(FileNotFoundError, match="nowhere.png"):
        pipe.describe(tmp_path / "nowhere.png")
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        pipe.describe(tmp_path)
    with pytest.raises(anyface.AnyfaceError, match="no face found"):
        pipe.describe(np.full((300, 200, 3), 90, np.uint8))
    with pytest.raises(ValueError, match=r"\[H, W, 3\], not \[20, 20, 4\]"):
        pipe.describe(np.zeros((20, 20, 4), np.uint8))
    for picture in (7, np.zeros((20, 20), np.uint8), np.zeros((20, 20, 3), np.int64)):
        with pytest.raises(TypeError, match="a picture must be a path"):
            pipe.describe(picture)


def test_bad_edits_are_refused(pipe, sailors):
    with pytest.raises(ValueError, match="strength must be between -1 and 1"):
        pipe.edit(sailors, "old", strength=1.5)
    with pytest.raises(ValueError, match="description is empty"):
        pipe.edit(sailors, " ")


def test_unknown_bundles_are_named(tmp_path):
    with pytest.raises(anyface.AnyfaceError, match="no-such-bundle.*portraits"):
        anyface.Pipeline.from_pretrained("no-such-bundle")
    with pytest.raises(FileNotFoundError, match="config.json"):
        anyface.Pipeline.from_pretrained(tmp_path)


def test_a_bundle_opens_by_name_and_by_folder(pipe, sailors, photograph):
    models = photograph.parents[1] / "models"
    for name in ("portraits", models / "portraits"):
        same = anyface.Pipeline.from_pretrained(name)
        assert repr(same) == repr(pipe)
        faces = same("an old sailor with a white beard", seed=7)
        assert np.array_equal(faces.pixels[0], sailors.pixels[0])
    other = anyface.Pipeline.from_pretrained(models / "photographs")
    assert repr(other) != repr(pipe)
