"""Content credentials read by another program, c2pa-python from PyPI."""

import base64
import io
import json
import subprocess

import c2pa
import httpx
import pytest
from conftest import TARGET
from PIL import Image

KINDS = ["png", "jpeg", "webp"]
IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype"


def read(file, kind):
    """The manifest store of a file, and its active manifest."""
    reader = c2pa.Reader(f"image/{kind}", io.BytesIO(file))
    store = json.loads(reader.json())
    return store, store["manifests"][store["active_manifest"]]


def assertion(manifest, label):
    return next((a["data"] for a in manifest["assertions"] if a["label"].startswith(label)), None)


def post(address, path, body):
    answer = httpx.post(f"{address}{path}", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def draw(address, kind, **more):
    body = {"prompt": "an old sailor", "seed": 7, "output_format": kind, **more}
    answer = post(address, "/v1/images/generations", body)
    return base64.b64decode(answer["data"][0]["b64_json"])


def changed(file, kind):
    """The file with one changed pixel. WebP has its credentials after the pixels, others before."""
    file = bytearray(file)
    file[100 if kind == "webp" else -20] ^= 1
    return bytes(file)


def failures(store):
    """The codes of failed validations, except the untrusted self-made key."""
    failed = store["validation_results"]["activeManifest"]["failure"]
    return [f["code"] for f in failed if f["code"] != "signingCredential.untrusted"]


@pytest.mark.parametrize("kind", KINDS)
def test_credentials_are_valid_in_every_format(real_address, kind):
    file = draw(real_address, kind)
    Image.open(io.BytesIO(file)).load()
    store, manifest = read(file, kind)
    assert store["validation_state"] == "Valid" and not failures(store)
    assert manifest["claim_generator_info"][0]["name"] == "anyface"
    [action] = assertion(manifest, "c2pa.actions")["actions"]
    assert action["action"] == "c2pa.created"
    assert action["digitalSourceType"] == f"{IPTC}/trainedAlgorithmicMedia"
    assert action["softwareAgent"]["name"] == "portraits"
    making = assertion(manifest, "io.github.anyface.making")
    assert making == {"prompt": "an old sailor", "seed": 7}


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_pixel_invalidates_the_credentials(real_address, kind):
    file = changed(draw(real_address, kind), kind)
    store, _ = read(file, kind)
    assert store["validation_state"] == "Invalid"
    assert failures(store) == ["assertion.dataHash.mismatch"]


@pytest.mark.parametrize("kind", KINDS)
def test_both_readers_agree(real_address, kind):
    whole = draw(real_address, kind)
    plain = io.BytesIO()
    Image.open(io.BytesIO(whole)).save(plain, kind)
    for file, verdict in [
        (whole, "marked"),
        (changed(whole, kind), "tampered"),
        (plain.getvalue(), "unmarked"),
    ]:
        url = f"data:image/{kind};base64," + base64.b64encode(file).decode()
        assert post(real_address, "/v1/verify", {"image": url})["verdict"] == verdict
        if verdict == "unmarked":
            with pytest.raises(c2pa.C2paError.ManifestNotFound):
                read(file, kind)
        else:
            assert (read(file, kind)[0]["validation_state"] == "Valid") == (verdict == "marked")


def test_an_edit_includes_its_parent(real_address):
    url = "data:image/png;base64," + base64.b64encode(draw(real_address, "png")).decode()
    body = {"prompt": "older", "images": [{"image_url": url}]}
    edited = base64.b64decode(post(real_address, "/v1/images/edits", body)["data"][0]["b64_json"])
    store, manifest = read(edited, "png")
    assert store["validation_state"] == "Valid" and len(store["manifests"]) == 2
    [ingredient] = manifest["ingredients"]
    assert ingredient["relationship"] == "parentOf"
    opened, edited = assertion(manifest, "c2pa.actions")["actions"]
    assert (opened["action"], edited["action"]) == ("c2pa.opened", "c2pa.edited")
    assert edited["digitalSourceType"] == f"{IPTC}/compositeWithTrainedAlgorithmicMedia"


def test_others_read_what_the_command_signs(tmp_path):
    binary = TARGET.absolute() / "release/anyface"
    run = lambda *args: subprocess.run(
        [binary, *args],
        cwd=tmp_path,
        env={"XDG_DATA_HOME": str(tmp_path / "data")},
        capture_output=True,
        text=True,
    )
    assert run("generate", "a face", "--no-prompt", "-o", "face.png").returncode == 0
    assert (tmp_path / "data/anyface/credentials.pem").stat().st_mode & 0o777 == 0o600
    store, manifest = read((tmp_path / "face.png").read_bytes(), "png")
    assert store["validation_state"] == "Valid"
    assert assertion(manifest, "io.github.anyface.making") is None
    assert run("verify", "face.png").returncode == 0
