"""The archive of ``cargo xtask dist``, unpacked as after a download."""

import json
import pathlib
import subprocess
import tarfile

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


@pytest.fixture(scope="session")
def archive():
    """A new archive."""
    made = subprocess.run(
        ["cargo", "xtask", "dist"], check=True, capture_output=True, text=True
    )
    return pathlib.Path(made.stdout.strip())


@pytest.fixture(scope="session")
def release(archive, tmp_path_factory):
    """The folder in the unpacked archive."""
    place = tmp_path_factory.mktemp("release")
    with tarfile.open(archive) as packed:
        packed.extractall(place, filter="data")
    (folder,) = place.iterdir()
    assert archive.name == f"{folder.name}.tar.gz"
    return folder


def test_checksums_match(archive, release):
    sums = archive.with_name(f"{archive.name}.sha256")
    subprocess.run(["sha256sum", "--check", sums.name], cwd=archive.parent, check=True)
    subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=release, check=True)
    listed = {line.split("  ")[1] for line in (release / "SHA256SUMS").read_text().splitlines()}
    files = {str(file.relative_to(release)) for file in release.rglob("*") if file.is_file()}
    assert listed == files - {"SHA256SUMS"}


def test_the_command_runs_from_the_unpacked_folder(release, tmp_path):
    face = tmp_path / "face.png"
    command = [release / "anyface", "generate", "a young queen", "-o", face]
    subprocess.run(command, check=True, cwd=tmp_path, env={})
    assert face.read_bytes().startswith(b"\x89PNG")


def test_completions_and_manual_pages_are_complete(release):
    completions = release / "completions"
    subprocess.run(["bash", "-n", completions / "anyface.bash"], check=True)
    assert "anyface" in (completions / "_anyface").read_text().splitlines()[0]
    pages = {page.name for page in (release / "man/man1").iterdir()}
    assert {"anyface.1", "anyface-generate.1", "anyface-serve.1"} <= pages


def test_the_bill_of_materials_is_valid_and_complete(release):
    text = (release / "sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) is None
    bill = json.loads(text)
    components = {component["bom-ref"]: component for component in bill["components"]}
    names = {component["name"] for component in components.values()}
    # Linked packages, but none that only builds or tests use.
    assert {"anyface", "burn", "tokio"} <= names and not {"assert_cmd", "xtask"} & names
    for reference, component in components.items():
        assert component.get("licenses"), f"{reference}: no licence"
        assert component["name"].startswith("anyface") or component["hashes"], reference


def test_linked_packages_have_their_licence_texts(release):
    bill = json.loads((release / "sbom.cdx.json").read_text())
    texts = {folder.name for folder in (release / "licenses").iterdir()}
    linked = {
        f"{component['name']}-{component['version']}"
        for component in bill["components"]
        if "hashes" in component
    }
    # Some crates are published without their licence text.
    assert len(linked & texts) > 0.9 * len(linked), sorted(linked - texts)
    assert {"models-portraits-README.md", "crates-anyface-assets-README.md"} <= texts
