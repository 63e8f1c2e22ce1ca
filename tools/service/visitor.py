"""Actions of a visitor on the page, and what the page shows."""

import os
import pathlib

from playwright.sync_api import expect

SHOTS = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target")) / "screenshots"
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
SAILOR = "an old sailor with a white beard"


def shot(page, name):
    page.screenshot(path=SHOTS / f"{name}.png")


def ask(page, prompt):
    page.locator("#prompt").fill(prompt)
    page.keyboard.press("Enter")


def generate(page, prompt=SAILOR, number=6, already=0):
    """Requests faces and waits until all are finished."""
    ask(page, prompt)
    faces = page.locator("#grid .face:not(:disabled)")
    expect(faces).to_have_count(already + number)
    return faces


def change(page, words):
    page.get_by_label("What to change").fill(words)
    page.get_by_role("button", name="Change", exact=True).click()


def idea(page, name):
    page.locator(".editor .examples").get_by_role("button", name=name, exact=True).click()


def after(page):
    return page.locator(".viewer .after").get_attribute("src")


def changed(page, before):
    """Waits for another picture than `before` and returns its URL."""
    expect(page.locator(".viewer .after")).not_to_have_attribute("src", before)
    return after(page)


def steps(page):
    return page.locator(".tree .label").all_inner_texts()


def pixels(image):
    """The pixels of an image element as a PNG data URL."""
    return image.evaluate("""async (image) => {
        await image.decode();
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
        canvas.getContext("2d").drawImage(image, 0, 0);
        return canvas.toDataURL();
    }""")
