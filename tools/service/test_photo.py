"""Photos in Chromium: the choice of a face, and the brush for the part that may change."""

import base64
import io

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import expect
from visitor import PHONE, after, change, changed, generate, idea, pixels, shot


def picture(image):
    """The picture of an image element."""
    file = pixels(image).partition(",")[2]
    return Image.open(io.BytesIO(base64.b64decode(file))).convert("RGB")


def shown(page):
    return picture(page.locator(".viewer .after"))


def halves(image):
    width, height = image.size
    # Without the seam, where the mask fades out.
    seam = width // 8
    return (
        image.crop((0, 0, width // 2 - seam, height)),
        image.crop((width // 2 + seam, 0, width, height)),
    )


def same(one, other):
    return ImageChops.difference(one, other).getbbox() is None


@pytest.fixture
def photo(tmp_path):
    """A file with a sketch of a face, in another size than generated faces."""
    path = tmp_path / "photo.png"
    sketch = Image.new("RGB", (320, 320), (90, 120, 150))
    sketch.paste((205, 160, 130), (90, 60, 230, 270))
    for eye in (120, 180):
        sketch.paste((40, 50, 60), (eye, 140, eye + 20, 152))
    sketch.save(path)
    return path


def take(page, path):
    page.locator("#file").set_input_files(path)
    expect(page.locator("#editor")).to_be_visible()
    expect(page.locator(".viewer.busy")).to_have_count(0)


def paint_left_half(page):
    """Paints over the left half of the photo with the mouse."""
    box = page.locator("#brush-canvas").bounding_box()
    rows = 14
    for row in range(rows + 1):
        y = box["y"] + min(max(box["height"] * row / rows, 1), box["height"] - 1)
        page.mouse.move(box["x"] + 1, y)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.45, y, steps=3)
        page.mouse.up()


def painted(page):
    """The painted share of the canvas."""
    return page.locator("#brush-canvas").evaluate("""(canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return data.filter((value, i) => i % 4 === 3 && value > 0).length / (data.length / 4);
    }""")


def brush(page):
    return page.get_by_role("button", name="Only a part…")


def answer(page, name):
    page.locator("#brush").get_by_role("button", name=name, exact=True).click()
    expect(page.locator("#brush")).to_be_hidden()


def test_a_photo_changes_only_in_its_painted_part(visit, photo):
    page = visit()
    take(page, photo)
    first = after(page)
    whole = shown(page)
    idea(page, "older")
    everywhere = changed(page, first)
    assert all(not same(*pair) for pair in zip(halves(whole), halves(shown(page))))
    brush(page).click()
    expect(page.locator("#brush")).to_be_visible()
    assert painted(page) == 0
    paint_left_half(page)
    assert 0.35 < painted(page) < 0.65
    shot(page, "brush")
    with page.expect_request("**/v1/faces") as asked:
        answer(page, "Only there")
    assert asked.value.post_data_json["photograph"]["mask"].startswith("data:image/png")
    changed(page, everywhere)
    expect(brush(page)).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".viewer.busy")).to_have_count(0)
    (left, right), (left_before, right_before) = halves(shown(page)), halves(whole)
    assert same(right, right_before) and not same(left, left_before)
    shot(page, "brush-changed")
    # The next change stays in the painted part, also after a reload.
    page.reload()
    expect(brush(page)).to_have_attribute("aria-pressed", "true")
    one = after(page)
    change(page, "with a hat")
    changed(page, one)
    left_again, right_again = halves(shown(page))
    assert same(right_again, right_before) and not same(left_again, left)


def test_a_painted_part_can_be_cancelled_changed_and_removed(visit, photo):
    page = visit(viewport=PHONE)
    take(page, photo)
    first = after(page)
    idea(page, "older")
    everywhere = changed(page, first)
    before_painting = shown(page)
    brush(page).click()
    paint_left_half(page)
    answer(page, "Cancel")
    expect(brush(page)).to_have_attribute("aria-pressed", "false")
    assert after(page) == everywhere
    brush(page).click()
    assert painted(page) == 0
    # Without a painted part, the photo may change everywhere.
    answer(page, "Only there")
    expect(brush(page)).to_have_attribute("aria-pressed", "false")
    brush(page).click()
    paint_left_half(page)
    share = painted(page)
    shot(page, "phone-brush")
    answer(page, "Only there")
    expect(brush(page)).to_have_attribute("aria-pressed", "true")
    brush(page).click()
    assert abs(painted(page) - share) < 0.02
    page.keyboard.press("Escape")
    expect(page.locator("#brush")).to_be_hidden()
    expect(brush(page)).to_have_attribute("aria-pressed", "true")
    brush(page).click()
    answer(page, "Everywhere")
    expect(brush(page)).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".viewer.busy")).to_have_count(0)
    assert same(shown(page), before_painting)


@pytest.fixture
def couple(visit, real_address, tmp_path):
    """The page of the built-in model, and a photo of two generated faces, the second smaller."""
    page = visit(real_address)
    photo = Image.new("RGB", (640, 320), (128, 128, 128))
    people = [
        ("a young woman with long red hair", 256, 20),
        ("an old man with a white beard", 200, 400),
    ]
    for seed, (prompt, side, left) in enumerate(people, 3):
        asked = {"prompt": prompt, "seed": seed}
        drawn = page.request.post(f"{real_address}/v1/images/generations", data=asked).json()
        face = Image.open(io.BytesIO(base64.b64decode(drawn["data"][0]["b64_json"])))
        photo.paste(face.convert("RGB").resize((side, side)), (left, (320 - side) // 2))
    path = tmp_path / "couple.png"
    photo.save(path)
    return page, path


def test_the_visitor_chooses_one_of_several_faces(couple, tmp_path):
    page, path = couple
    chooser = page.locator("#which")
    page.locator("#file").set_input_files(path)
    expect(chooser).to_be_visible()
    faces = chooser.get_by_role("button", name="Face ")
    expect(faces).to_have_count(2)
    shot(page, "which-face")
    page.keyboard.press("Escape")
    expect(chooser).to_be_hidden()
    page.locator("#file").set_input_files(path)
    chooser.get_by_role("button", name="None of them").click()
    expect(chooser).to_be_hidden()
    expect(page.locator("#grid .face")).to_have_count(0)
    shown_faces = []
    for number in (0, 1):
        page.locator("#file").set_input_files(path)
        with page.expect_request("**/v1/faces") as asked:
            faces.nth(number).click()
        sent = asked.value.post_data_json
        assert (sent.get("face", 0), sent["photograph"].get("face", 0)) == (number, number)
        expect(page.locator(".viewer.busy")).to_have_count(0)
        expect(page.locator("#grid .face:not(:disabled)")).to_have_count(number + 1)
        shown_faces.append(shown(page))
        page.keyboard.press("Escape")
    assert not same(*shown_faces)
    # With a single face there is no choice.
    alone = tmp_path / "alone.png"
    Image.open(path).crop((0, 0, 320, 320)).save(alone)
    take(page, alone)
    expect(chooser).to_be_hidden()


def test_the_choice_of_a_face_lasts_through_edits(couple):
    page, path = couple
    page.locator("#file").set_input_files(path)
    page.locator("#which").get_by_role("button", name="Face 2").click()
    expect(page.locator("#grid .face:not(:disabled)")).to_have_count(1)
    first = after(page)
    with page.expect_request("**/v1/faces") as asked:
        change(page, "smiling")
    assert asked.value.post_data_json["photograph"]["face"] == 1
    changed(page, first)
    shot(page, "which-face-changed")


@pytest.mark.parametrize("without", ["photos", "edits"])
def test_unsupported_features_are_hidden(visit, address, without):
    page = visit()

    def without_feature(route):
        answer = route.fetch()
        models = answer.json()
        for model in models["data"]:
            model[without] = False
        route.fulfill(response=answer, json=models)

    page.route("**/v1/models", without_feature)
    page.reload()
    generate(page).first.click()
    expect(page.locator("#upload")).to_be_visible(visible=without != "photos")
    expect(page.get_by_label("What to change")).to_be_visible(visible=without != "edits")
    expect(page.locator(".shelf button").first).to_be_visible(visible=without != "edits")
    expect(page.locator(".cannot")).to_be_visible(visible=without == "edits")
    shot(page, f"without-{without}")
