"""The page loses no work: after a reload, Back, a crash, with a dead server, fast edits or a slow
connection."""

import json

import pytest
from playwright.sync_api import Error, expect
from visitor import PHONE, SAILOR, after, ask, change, changed, generate, idea, pixels, shot, steps

FINISHED = "#grid .face:not(:disabled)"


def slow_connection(page, latency):
    """Delays every later request by `latency` milliseconds."""
    conditions = {
        "offline": False,
        "latency": latency,
        "downloadThroughput": -1,
        "uploadThroughput": -1,
    }
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", conditions)


def stored(page, call):
    """The result of a call of the page's store, e.g. `faces()`."""
    return page.evaluate(f"async () => (await import('/page/store.js')).{call}")


def test_a_reload_keeps_faces_histories_favourites_and_typed_text(visit):
    page = visit()
    generate(page)
    old = page.locator("#grid img").first
    old_pixels = pixels(old)
    generate(page, "a smiling child with blond hair", already=6)
    assert page.locator(".batch h3").all_inner_texts() == [
        "a smiling child with blond hair",
        SAILOR,
    ]
    page.locator("#grid .face").nth(7).click()
    first = after(page)
    idea(page, "with glasses")
    changed(page, first)
    page.get_by_label("Favourite", exact=True).click()
    page.get_by_label("What to change").fill("a thought")
    page.locator("#prompt").fill("another thought")
    edited = pixels(page.locator(".viewer .after"))
    page.reload()
    expect(page.locator(FINISHED)).to_have_count(12)
    expect(page.locator("#editor")).to_be_visible()
    assert steps(page) == [SAILOR, "with glasses"]
    assert pixels(page.locator(".viewer .after")) == edited
    assert pixels(page.locator("#grid img").nth(6)) == old_pixels
    expect(page.get_by_label("Favourite", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_label("What to change")).to_have_value("a thought")
    expect(page.locator("#prompt")).to_have_value("another thought")
    shot(page, "kept-reload")
    page.get_by_label("Undo").click()
    idea(page, "with a hat")
    expect(page.locator(".tree .step")).to_have_count(3)
    page.get_by_role("button", name="Favourites").click()
    expect(page.locator("#grid .face:visible")).to_have_count(1)


def test_back_closes_the_editor_and_forward_opens_it(visit):
    page = visit(viewport=PHONE, has_touch=True, is_mobile=True)
    generate(page).nth(2).tap()
    expect(page.locator("#editor")).to_be_visible()
    page.go_back()
    expect(page.locator("#editor")).to_be_hidden()
    expect(page.locator(FINISHED)).to_have_count(6)
    page.go_forward()
    expect(page.locator("#editor")).to_be_visible()
    page.get_by_label("Close the editor").tap()
    page.locator("#grid .face").nth(3).tap()
    expect(page.locator("#editor")).to_be_visible()
    page.go_back()
    expect(page.locator("#editor")).to_be_hidden()


def test_a_new_prompt_keeps_the_old_faces(visit, mortal):
    page = visit(mortal.address)
    ask(page, SAILOR)
    expect(page.locator(FINISHED).first).to_be_visible()
    ask(page, "a face")
    expect(page.locator("#grid .face")).to_have_count(12)
    shot(page, "kept-waiting")
    expect(page.locator(FINISHED)).to_have_count(12)
    ask(page, "somebody else")
    expect(page.locator("#grid .face")).to_have_count(18)
    page.locator(".batch").first.get_by_role("button", name="Stop").click()
    expect(page.locator("#grid .face:disabled")).to_have_count(0)


def test_a_killed_server_loses_nothing(visit, mortal):
    page = visit(mortal.address)
    ask(page, SAILOR)
    expect(page.locator(FINISHED).nth(1)).to_be_visible()
    mortal.kill()
    expect(page.locator("#notice")).to_contain_text("does not answer")
    assert page.locator("#grid .face").count() == 6
    shot(page, "kept-killed")
    mortal.start()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(FINISHED)).to_have_count(6)
    page.locator(FINISHED).first.click()
    first = after(page)
    mortal.kill()
    change(page, "older, with glasses")
    change(page, "tired")
    expect(page.locator("#notice")).to_contain_text("does not answer")
    expect(page.locator(".state")).to_contain_text("“tired” is not made yet.")
    assert steps(page) == [SAILOR, "older, with glasses", "tired"]
    shot(page, "kept-killed-edit")
    mortal.start()
    page.reload()
    expect(page.locator("#editor")).to_be_visible()
    expect(page.locator(".state")).to_be_hidden()
    assert steps(page) == [SAILOR, "older, with glasses", "tired"]
    changed(page, first)
    expect(page.locator(FINISHED)).to_have_count(6)


def test_a_new_tab_continues_after_a_crash(visit, mortal):
    page = visit(mortal.address)
    ask(page, SAILOR)
    expect(page.locator(FINISHED).nth(1)).to_be_visible()
    with pytest.raises(Error):
        page.goto("chrome://crash", timeout=5000)
    again = page.context.new_page()
    again.goto(mortal.address)
    expect(again.locator(FINISHED)).to_have_count(6)
    seeds = [face["seed"] for face in stored(again, "faces()")]
    assert seeds == list(range(seeds[0], seeds[0] + 6))


def test_fast_edits_are_applied_in_order_over_a_slow_connection(visit, address):
    page = visit()
    generate(page).first.click()
    slow_connection(page, 600)
    for words in ["with glasses", "older", "with a hat"]:
        idea(page, words)
    assert steps(page) == [SAILOR, "with glasses", "older", "with a hat"]
    expect(page.locator(".viewer.busy")).to_be_visible()
    shot(page, "kept-three-edits")
    expect(page.locator(".viewer.busy")).to_have_count(0)
    face = stored(page, "faces()")[0]
    latents = [step["latent"] for step in stored(page, f"stepsOf('{face['id']}')")]
    edits = [
        {"prompt": words, "strength": 0.8} for words in ["with glasses", "older", "with a hat"]
    ]
    words = {"prompt": SAILOR, "seed": face["seed"], "truncation": 1}
    for count, latent in enumerate(latents):
        request = {"from": {"words": words}, "edits": edits[:count]}
        assert page.request.post(f"{address}/v1/faces", data=request).json()["latent"] == latent


def test_the_last_slider_value_counts_over_a_slow_connection(visit):
    page = visit()
    generate(page).first.click()
    idea(page, "older")
    expect(page.locator(".viewer.busy")).to_have_count(0)
    slow_connection(page, 600)
    for amount in ["0.1", "0.9", "-0.4"]:
        page.locator("#strength").fill(amount)
    idea(page, "with a hat")
    expect(page.locator(".viewer.busy")).to_have_count(0)
    face = stored(page, "faces()")[0]
    kept = [
        (step["label"], step["amount"], step["made"])
        for step in stored(page, f"stepsOf('{face['id']}')")
    ]
    assert kept[1:] == [("older", -0.4, -0.4), ("with a hat", 0.8, 0.8)]


def test_a_failed_edit_keeps_its_text_and_can_be_repeated(visit):
    page = visit()
    generate(page).first.click()
    first = after(page)

    def answer(status, message):
        body = json.dumps({"error": {"message": message}})
        page.route("**/v1/faces", lambda route: route.fulfill(status=status, body=body), times=1)

    answer(500, "something went wrong here")
    change(page, "older")
    expect(page.locator("#notice")).to_contain_text("Something went wrong")
    expect(page.locator(".state")).to_contain_text("“older” is not made yet.")
    assert after(page) == first
    page.locator(".state").get_by_role("button", name="Try again").click()
    older = changed(page, first)
    answer(400, "edits.prompt must have at most 4000 characters")
    change(page, "wiser")
    expect(page.locator("#notice")).to_contain_text("at most 4000 characters")
    expect(page.get_by_label("What to change")).to_have_value("wiser")
    assert steps(page) == [SAILOR, "older"] and after(page) == older


def test_a_removed_face_can_be_restored(visit):
    page = visit()
    generate(page).nth(2).click()
    first = after(page)
    idea(page, "older")
    changed(page, first)
    page.get_by_label("Remove this face").click()
    expect(page.locator("#grid .face")).to_have_count(5)
    page.locator("#notice").get_by_role("button", name="Undo").click()
    expect(page.locator("#grid .face")).to_have_count(6)
    page.locator("#grid .face").nth(2).click()
    expect(page.locator("#editor")).to_be_visible()
    assert steps(page) == [SAILOR, "older"]
    page.get_by_label("Remove this face").click()
    expect(page.locator("#grid .face")).to_have_count(5)
    page.reload()
    expect(page.locator(FINISHED)).to_have_count(5)
    assert len(stored(page, "faces()")) == 5


def test_a_session_is_saved_to_a_file_and_loaded_in_another_browser(visit, tmp_path):
    page = visit()
    generate(page).first.click()
    first = after(page)
    idea(page, "older")
    edited = changed(page, first)
    page.locator(".shelf button").nth(2).click()
    changed(page, edited)
    expect(page.locator(".viewer.busy")).to_have_count(0)
    mixed = pixels(page.locator(".viewer .after"))
    with page.expect_download() as download:
        page.get_by_role("button", name="Save all to a file").click()
    session = tmp_path / download.value.suggested_filename
    download.value.save_as(session)
    other = visit()
    other.locator("#session").set_input_files(session)
    expect(other.locator("#notice")).to_contain_text("6 faces added")
    expect(other.locator(FINISHED)).to_have_count(6)
    other.locator("#grid .face").first.click()
    expect(other.locator("#editor")).to_be_visible()
    assert steps(other) == [SAILOR, "older", f"mixed with “{SAILOR}”"]
    assert pixels(other.locator(".viewer .after")) == mixed
    other.locator("#session").set_input_files(session)
    expect(other.locator("#notice")).to_contain_text("6 were here already")
    faulty = json.loads(session.read_text())
    faulty["faces"][0]["steps"][-1]["parent"] = "nobody"
    unclear = json.loads(session.read_text())
    unclear["faces"][0]["unclear"] = "words"
    for name, text in [
        ("notes.json", "{}"),
        ("broken.json", session.read_text()[:-9]),
        ("faulty.json", json.dumps(faulty)),
        ("unclear.json", json.dumps(unclear)),
    ]:
        (tmp_path / name).write_text(text)
        other.locator("#session").set_input_files(tmp_path / name)
        expect(other.locator("#notice")).to_contain_text(
            f"“{name}” is not a file that this studio saved"
        )
    assert len(stored(other, "faces()")) == 6


def test_faces_of_another_model_stay(visit):
    page = visit()
    generate(page)
    page.evaluate("""async () => {
        const store = await import("/page/store.js");
        const faces = (await store.faces()).slice(0, 2);
        await store.save({ faces: faces.map((face) => ({ ...face, model: "another" })) });
    }""")
    page.reload()
    expect(page.locator(FINISHED)).to_have_count(4)
    expect(page.locator("#others")).to_have_text(
        "Another model has 2 more here. They appear with that model."
    )


def test_the_page_works_without_storage(visit, browser, address):
    context = browser.new_context()
    context.add_init_script("""
        localStorage.setItem("anyface-visited", "1");
        const open = () => { throw new Error("no"); };
        Object.defineProperty(window, "indexedDB", { value: { open } });
    """)
    page = context.new_page()
    page.goto(address)
    expect(page.locator("#notice")).to_contain_text("set to keep none")
    generate(page).first.click()
    first = after(page)
    idea(page, "older")
    changed(page, first)
    context.close()
