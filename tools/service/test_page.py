"""The page in Chromium, used like by a visitor. Saves a screenshot of every state."""

import os
import pathlib
import re

import pytest
from playwright.sync_api import expect
from visitor import SAILOR, after, ask, change, changed, generate, idea, pixels, shot, steps


def test_a_first_visit_shows_faces_without_a_prompt(visit):
    page = visit(first=True)
    expect(page.locator("#grid .face:not(:disabled)")).to_have_count(6)
    expect(page.locator("#hint")).to_be_visible()
    shot(page, "first-visit")


def test_faces_are_generated_and_their_seed_can_be_locked(visit):
    page = visit()
    shot(page, "empty")
    generate(page)
    page.get_by_text("Options").click()
    page.get_by_label("Lock the seed").click()
    seed = page.get_by_label("Seed", exact=True).input_value()
    pictures = lambda: [
        pixels(image) for image in page.locator("#grid .batch").first.locator("img").all()
    ]
    before = pictures()
    generate(page, already=6)
    assert pictures() == before and seed.isdigit()
    page.get_by_label("Fewer faces").click()
    generate(page, number=5, already=12)
    page.locator(".batch h3 button").last.click()
    expect(page.locator("#prompt")).to_have_value(SAILOR)
    shot(page, "grid-options")


def test_the_page_shows_the_models_examples_ideas_and_licence(visit, address):
    page = visit()
    model = page.request.get(f"{address}/v1/models").json()["data"][0]
    assert page.locator("#examples button").all_inner_texts() == model["examples"]
    expect(page.locator(".foot")).to_contain_text("made by AI")
    expect(page.locator("#licence")).to_contain_text(model["license"])
    generate(page).first.click()
    assert page.locator(".editor .examples button").all_inner_texts() == model["ideas"]


def test_unknown_words_are_marked(visit):
    page = visit()
    generate(page, "an old sailor")
    expect(page.locator(".unclear:visible")).to_have_count(0)
    generate(page, "a smiling glorbish child with zorple hair", already=6)
    notice, marked = page.locator(".unclear:visible"), page.locator(".batch h3 mark")
    expect(notice).to_have_text("Not understood: glorbish, zorple")
    assert marked.all_inner_texts() == ["glorbish", "zorple"]
    shot(page, "not-understood")
    page.locator(".batch h3 button").first.click()
    expect(page.locator("#prompt")).to_have_value("a smiling glorbish child with zorple hair")
    page.reload()
    expect(notice).to_have_text("Not understood: glorbish, zorple")
    assert marked.all_inner_texts() == ["glorbish", "zorple"]


def test_every_model_has_its_own_faces(visit):
    page = visit()
    generate(page)
    page.locator("#models").select_option("sketcher")
    expect(page.locator("#licence")).to_contain_text("sketcher")
    expect(page.locator("#grid .face")).to_have_count(0)
    expect(page.locator("#others")).to_contain_text("6 more here")
    with page.expect_request("**/v1/faces") as asked:
        generate(page, number=6)
    assert asked.value.post_data_json["model"] == "sketcher"
    shot(page, "models")
    page.locator("#models").select_option("painter")
    expect(page.locator("#grid .face:not(:disabled)")).to_have_count(6)


def test_ideas_that_the_face_already_shows_are_disabled(visit):
    page = visit()
    generate(page, "somebody").first.click()
    ideas = page.locator(".editor .examples").get_by_role
    expect(ideas("button", name="with a white beard")).to_be_disabled()
    expect(ideas("button", name="smiling")).to_be_enabled()


def test_a_face_is_edited_by_text_and_slider_and_undone(visit):
    page = visit()
    generate(page).nth(1).click()
    first = after(page)
    shot(page, "editor-opened")
    change(page, "older, with glasses")
    edited = changed(page, first)
    assert page.locator("#editor").evaluate("e => e.scrollWidth <= e.clientWidth")
    page.locator("#strength").fill("-0.5")
    opposite = changed(page, edited)
    idea(page, "smiling")
    changed(page, opposite)
    shot(page, "editor-edited")
    # In the text field, Control+Z undoes typing only.
    field = page.get_by_label("What to change")
    field.focus()
    page.keyboard.press("Control+z")
    expect(page.locator(".viewer .after")).to_have_attribute("src", opposite)
    field.fill("words")
    page.keyboard.press("Control+z")
    expect(page.locator(".viewer .after")).to_have_attribute("src", opposite)
    page.get_by_label("Undo").click()
    expect(page.locator(".viewer .after")).to_have_attribute("src", first)
    idea(page, "with a hat")
    changed(page, first)
    expect(page.locator(".tree .step")).to_have_count(4)
    shot(page, "editor-tree")
    page.keyboard.press("Escape")
    expect(page.locator("#editor")).to_be_hidden()


def test_the_face_before_the_edit_is_shown_while_pressed(visit):
    page = visit()
    generate(page).first.click()
    first = after(page)
    expect(page.locator(".viewer .compare")).to_be_hidden()
    idea(page, "older")
    changed(page, first)
    before = page.locator(".viewer .before")
    assert before.get_attribute("src") == first
    expect(before).to_be_hidden()
    page.locator(".viewer").hover()
    page.mouse.down()
    expect(before).to_be_visible()
    shot(page, "editor-before")
    page.mouse.up()
    expect(before).to_be_hidden()
    page.locator(".viewer .compare").focus()
    for key in ["b", "Space"]:
        page.keyboard.down(key)
        expect(before).to_be_visible()
        page.keyboard.up(key)
        expect(before).to_be_hidden()


def test_an_invisible_change_is_reported_and_its_idea_disabled(visit):
    page = visit()
    generate(page).first.click()
    expect(
        page.locator(".editor .examples").get_by_role("button", name="with a white beard")
    ).to_be_disabled()
    idea(page, "nothing")
    expect(page.locator(".state")).to_contain_text("“nothing” makes no visible change here.")
    shot(page, "editor-unseen")
    page.get_by_label("Undo").click()
    expect(page.locator(".state")).to_be_hidden()
    expect(page.locator(".editor .examples").get_by_role("button", name="nothing")).to_be_disabled()
    idea(page, "older")
    expect(page.locator(".state")).to_be_hidden()
    page.locator("#strength").fill("0.02")
    expect(page.locator(".state")).to_contain_text("At this strength, no change is visible.")


def test_a_mix_has_both_its_parents(visit):
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    generate(page, "a smiling child with blond hair")
    generate(page, already=6).first.click()
    first = after(page)
    other = page.locator(".shelf button").last
    parent = pixels(other.locator("img"))
    other.click()
    half = changed(page, first)
    assert steps(page) == [SAILOR, "mixed with “a smiling child with blond hair”"]
    assert pixels(page.locator(".tree .step").last.locator("img").last) == parent
    page.get_by_label("Copy as curl").click()
    expect(page.locator("#notice")).to_contain_text("Copied")
    assert re.search(
        r'"mix":{"from":"[^"]+","to":"[^"]+","t":0.5}',
        page.evaluate("navigator.clipboard.readText()"),
    )
    page.locator("#strength").fill("1")
    changed(page, half)
    expect(page.locator(".viewer.busy")).to_have_count(0)
    assert pixels(page.locator(".viewer .after")) == parent
    shot(page, "editor-mixed")


def test_the_slider_changes_the_image_within_150_ms(visit, real_address):
    page = visit(real_address)
    generate(page).first.click()
    first = after(page)
    idea(page, "smiling")
    changed(page, first)
    shot(page, "studio")
    page.wait_for_timeout(200)
    measure = lambda: page.evaluate("""async () => {
        const [slider, image] = ["#strength", ".viewer .after"].map(
            (id) => document.querySelector(id));
        const times = [];
        for (let i = 0; i < 30; i++) {
            const start = performance.now();
            const loaded = new Promise((done) => (image.onload = done));
            slider.value = i / 40;
            slider.dispatchEvent(new Event("input"));
            await loaded;
            await new Promise((done) => requestAnimationFrame(done));
            times.push(performance.now() - start);
        }
        return times.sort((a, b) => a - b);
    }""")
    times = min((measure() for _ in range(3)), key=lambda times: times[15])
    result = f"slider to image: median {times[15]:.0f} ms, longest {times[-1]:.0f} ms"
    print(result)
    load = os.getloadavg()[0]
    if times[15] >= 150 and load > 2 * os.cpu_count():
        pytest.skip(
            f"{result}, but the load of the machine is {load:.0f}, too high for a measurement"
        )
    assert times[15] < 150


def test_photos_are_chosen_dropped_and_pasted(visit, tmp_path):
    page = visit()
    generate(page)
    photo = tmp_path / "me.png"
    page.locator("#grid img").first.screenshot(path=photo)
    page.locator("#file").set_input_files(photo)
    expect(page.locator("#editor")).to_be_visible()
    # The unedited photograph is shown, so there is no comparison.
    expect(page.locator(".viewer.busy")).to_have_count(0)
    expect(page.locator(".viewer .compare")).to_be_hidden()
    shot(page, "photo")
    page.keyboard.press("Escape")
    send = """(kind) => {
        const canvas = Object.assign(document.createElement("canvas"), { width: 20, height: 20 });
        canvas.toBlob((blob) => {
            const data = new DataTransfer();
            data.items.add(new File([blob], `${kind}.png`, { type: "image/png" }));
            const paste = () => new ClipboardEvent(kind, { clipboardData: data });
            const drop = () => new DragEvent(kind, { dataTransfer: data });
            dispatchEvent(kind === "paste" ? paste() : drop());
        });
    }"""
    for count, kind in [(8, "drop"), (9, "paste")]:
        page.evaluate(send, kind)
        expect(page.locator("#grid .face")).to_have_count(count)
        expect(page.locator("#editor")).to_be_visible()
        page.keyboard.press("Escape")
    expect(page.locator(".batch")).to_have_count(2)
    expect(page.locator(".batch h3").first).to_have_text("From your photos")
    page.reload()
    expect(page.locator("#grid .face:not(:disabled)")).to_have_count(9)
    broken = tmp_path / "broken.png"
    broken.write_text("not a picture")
    page.locator("#file").set_input_files(broken)
    expect(page.locator("#notice")).to_contain_text("cannot be read")


def test_a_face_is_downloaded_and_copied_as_curl(visit, tmp_path):
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    generate(page).first.click()
    first = after(page)
    idea(page, "with glasses")
    changed(page, first)
    with page.expect_download() as download:
        page.get_by_label("Download PNG").click()
    png = pathlib.Path(download.value.path()).read_bytes()
    assert download.value.suggested_filename == "with-glasses.png"
    assert (
        "an old sailor with a white beard → with glasses".encode() in png
        and b"trainedAlgorithmicMedia" in png
    )
    page.get_by_label("Copy as curl").click()
    expect(page.locator("#notice")).to_contain_text("Copied")
    command = page.evaluate("navigator.clipboard.readText()")
    assert re.search(r"/v1/faces.*old sailor.*with glasses", command, re.S)


def test_errors_are_shown_and_recovered_from(visit, slow_address):
    page = visit(slow_address)
    # Another client fills the queue.
    page.evaluate("""() => void fetch("/v1/images/generations", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ prompt: "a face", n: 4 }),
    })""")
    page.wait_for_timeout(300)
    ask(page, "a face")
    expect(page.locator("#notice")).to_contain_text("busy")
    shot(page, "busy")
    expect(page.locator("#grid .face:not(:disabled)")).to_have_count(6)
    page = visit()
    page.context.set_offline(True)
    ask(page, "a face")
    expect(page.locator("#notice")).to_contain_text("does not answer")
    shot(page, "offline")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#grid .face:not(:disabled)")).to_have_count(6)
    ask(page, "failure")
    expect(page.locator("#notice")).to_contain_text("went wrong")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#grid .face")).to_have_count(6)


def test_the_page_works_with_the_keyboard_alone(visit):
    page = visit()
    page.keyboard.press("/")
    page.keyboard.type("a face")
    page.keyboard.press("Enter")
    expect(page.locator("#grid .face:not(:disabled)")).to_have_count(6)
    page.locator("#grid .face").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#editor")).to_be_visible()
    page.keyboard.press("Escape")
    focused = page.evaluate(
        "[...document.querySelectorAll('#grid .face')].indexOf(document.activeElement)"
    )
    assert focused == 1
