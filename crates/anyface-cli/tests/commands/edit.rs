//! `anyface edit`, `invert` and `interpolate` with the built-in bundle.

use std::fs;
use std::path::{Path, PathBuf};

use anyface::image::{Mark, read_mark};
use assert_cmd::Command;
use predicates::prelude::*;

fn anyface() -> Command {
    let mut command = Command::cargo_bin("anyface").expect("the binary is built with its tests");
    // No detector, whatever the environment says.
    command.env("ANYFACE_DETECTOR", "");
    // Signs with a key of the tests, not the user's.
    command.env("XDG_DATA_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

/// A temporary working folder.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs a command that writes `output`; returns its bytes.
    fn run(&self, args: &[&str], output: &str) -> Vec<u8> {
        anyface()
            .current_dir(self.0.path())
            .args(args)
            .args(["-o", output, "--force"])
            .assert()
            .success();
        fs::read(self.path(output)).expect("written")
    }

    /// Runs a command that writes `output`; returns its pixels.
    fn draw(&self, args: &[&str], output: &str) -> image::RgbImage {
        let file = self.run(args, output);
        let picture = image::load_from_memory(&file).expect("a picture");
        picture.into_rgb8()
    }

    /// Runs a command that must fail with `says` on stderr and write nothing.
    fn refused(&self, args: &[&str], says: &str) {
        let before = fs::read_dir(self.0.path()).expect("a folder").count();
        anyface()
            .current_dir(self.0.path())
            .args(args)
            .assert()
            .code(predicate::in_iter([1, 2]))
            .stdout("")
            .stderr(predicate::str::contains(says).and(predicate::str::contains("panicked").not()));
        assert_eq!(
            fs::read_dir(self.0.path()).expect("a folder").count(),
            before
        );
    }
}

fn size(path: &Path) -> (u32, u32) {
    image::image_dimensions(path).expect("a picture")
}

#[test]
fn strength_scales_an_edit() {
    let folder = Folder::new();
    let edit = |strength: &str, text: &str| {
        folder.draw(
            &["edit", "seed:3", text, "--strength", strength],
            "edited.png",
        )
    };
    let whole = edit("1", "wearing sunglasses");
    assert_eq!(size(&folder.path("edited.png")), (128, 128));
    assert_eq!(whole, edit("1", "wearing sunglasses"), "the same pixels");
    let none = edit("0", "wearing sunglasses");
    assert_eq!(none, edit("0", "bald"), "no strength, no change");
    assert!(whole != none && edit("0.5", "wearing sunglasses") != none);
    assert_ne!(edit("-1", "wearing sunglasses"), whole);
}

#[test]
fn edits_continue_from_a_saved_latent() {
    let folder = Folder::new();
    folder.run(
        &["edit", "seed:4", "bald", "--latent", "bald.safetensors"],
        "bald.png",
    );
    let together = folder.draw(&["edit", "seed:4", "bald", "smiling"], "both.png");
    let apart = folder.draw(&["edit", "bald.safetensors", "smiling"], "apart.png");
    assert_eq!(together, apart);
    folder.run(&["edit", "seed:4", "bald", "--steps", "5"], "strip.png");
    assert_eq!(size(&folder.path("strip.png")), (4 + 5 * 132, 4 + 132));
}

#[test]
fn a_picture_is_inverted_refined_and_edited() {
    let folder = Folder::new();
    folder.run(&["generate", "a woman with long red hair"], "face.png");
    let mut errors = Vec::new();
    for refine in ["0", "20"] {
        folder.run(
            &[
                "invert",
                "face.png",
                "--refine",
                refine,
                "--reconstruction",
                "again.png",
            ],
            "latent.safetensors",
        );
        let open = |name| {
            image::open(folder.path(name))
                .expect("a picture")
                .into_rgb8()
        };
        let (face, again) = (open("face.png"), open("again.png"));
        let pairs = face.as_raw().iter().zip(again.as_raw());
        let error: u64 = pairs.map(|(&a, &b)| u64::from(a.abs_diff(b))).sum();
        errors.push(error as f64 / face.as_raw().len() as f64);
    }
    assert!(errors[0] < 25.0, "{errors:?} of 255");
    assert!(errors[1] < errors[0], "{errors:?}");
    folder.run(&["edit", "face.png", "smiling"], "smiling.png");
}

#[test]
fn an_edit_keeps_the_details_of_a_picture() {
    let folder = Folder::new();
    let mut face = folder.draw(&["generate", "a man with short hair"], "face.png");
    // Stripes of one pixel, which no latent reproduces.
    for (x, _, pixel) in face.enumerate_pixels_mut() {
        pixel.0[2] = pixel.0[2].saturating_add(if x % 2 == 0 { 40 } else { 0 });
    }
    face.save(folder.path("striped.png")).expect("written");
    let edit = |strength: &str, more: &[&str]| {
        let args = ["edit", "striped.png", "smiling", "--strength", strength];
        folder.draw(&[&args[..], more].concat(), "edited.png")
    };
    assert!(edit("0", &[]) == face, "the picture itself");
    let stripes = |picture: &image::RgbImage| -> u32 {
        let pairs = (0..picture.width() / 2).map(|i| [2 * i, 2 * i + 1]);
        let blue = |x| u32::from(picture.get_pixel(x, 5).0[2]);
        pairs.map(|[a, b]| blue(a).abs_diff(blue(b))).sum()
    };
    let edited = edit("1", &[]);
    assert!(edited != face);
    assert!(stripes(&edited) > 4 * stripes(&edit("1", &["--as-character"])));
}

#[test]
fn pixels_outside_of_a_mask_stay_identical() {
    let folder = Folder::new();
    let face = folder.draw(&["generate", "a man with short hair"], "face.png");
    let (width, height) = face.dimensions();
    // Only the lower half may change.
    let mask =
        image::GrayImage::from_fn(width, height, |_, y| [if y > 64 { 255 } else { 0 }].into());
    mask.save(folder.path("mask.png")).expect("written");
    let edit = ["edit", "face.png", "smiling", "--mask", "mask.png"];
    let edited = folder.draw(&edit, "edited.png");
    let changed: Vec<_> = face.enumerate_pixels().zip(edited.pixels()).collect();
    let rows = |below: bool| {
        changed
            .iter()
            .filter(move |((_, y, _), _)| (*y > 64) == below)
    };
    assert!(rows(false).all(|((_, _, own), new)| own == new));
    assert!(rows(true).any(|((_, _, own), new)| own != new));
    folder.refused(
        &["edit", "seed:1", "smiling", "--mask", "mask.png"],
        "does not come from a picture",
    );
    image::GrayImage::new(9, 2)
        .save(folder.path("flat.png"))
        .expect("written");
    folder.refused(
        &["edit", "face.png", "smiling", "--mask", "flat.png"],
        "flat.png",
    );
}

#[test]
fn transparency_survives_an_edit() {
    let folder = Folder::new();
    let cut = [
        "generate",
        "a man with short hair",
        "--background",
        "transparent",
    ];
    let alpha = |file: Vec<u8>| {
        let picture = image::load_from_memory(&file)
            .expect("a picture")
            .into_rgba8();
        picture.pixels().map(|pixel| pixel.0[3]).collect::<Vec<_>>()
    };
    let before = alpha(folder.run(&cut, "face.png"));
    assert!(before.iter().any(|&alpha| alpha < 255));
    assert_eq!(
        alpha(folder.run(&["edit", "face.png", "smiling"], "edited.png")),
        before
    );
}

#[test]
fn interpolation_writes_a_strip_an_animation_or_files() {
    let folder = Folder::new();
    let between = ["interpolate", "seed:1", "an old man with a beard"];
    folder.run(&[&between[..], &["--steps", "4"]].concat(), "strip.png");
    assert_eq!(size(&folder.path("strip.png")), (4 + 4 * 132, 4 + 132));
    let gif = folder.run(&between, "faces.gif");
    assert!(gif.starts_with(b"GIF89a"));
    anyface()
        .current_dir(&folder.0)
        .args([&between[..], &["--steps", "3", "-o", "faces"]].concat())
        .assert()
        .success();
    assert_eq!(
        fs::read_dir(folder.path("faces"))
            .expect("a folder")
            .count(),
        3
    );
}

#[test]
fn invalid_input_is_refused_in_one_line() {
    let folder = Folder::new();
    fs::write(folder.path("notes.txt"), "no face here").expect("written");
    fs::write(folder.path("cut.png"), b"\x89PNG\r\n\x1a\n\0\0").expect("written");
    folder.refused(&["edit", "nowhere.png", "smiling"], "nowhere.png");
    folder.refused(&["edit", "notes.txt", "smiling"], "notes.txt");
    folder.refused(&["edit", "cut.png", "smiling"], "cut.png");
    folder.refused(&["invert", "notes.txt"], "notes.txt");
    folder.refused(&["edit", "seed:1", " "], "description is empty");
    folder.refused(
        &["edit", "seed:1", "smiling", "--strength", "2"],
        "strength must be between -1 and 1",
    );
    folder.refused(
        &["edit", "seed:1", "smiling", "--layers", "4..99"],
        "layers must be",
    );
    folder.refused(
        &["edit", "seed:1", "smiling", "--layers", "4-9"],
        "as in 4..8",
    );
}

#[test]
fn every_picture_is_marked_as_generated() {
    let folder = Folder::new();
    let mark = |args: &[&str], output: &str| read_mark(&folder.run(args, output)).expect("a mark");
    let plain = Mark::new("portraits");
    let edit = ["edit", "seed:3", "older", "with glasses"];
    let edited = Mark {
        prompt: Some("older → with glasses".to_owned()),
        seed: Some(3),
        ..plain.clone()
    };
    assert_eq!(mark(&edit, "edited.png"), edited);
    let silent = [&edit[..], &["--no-prompt"]].concat();
    assert_eq!(mark(&silent, "silent.png"), plain);
    let between = ["interpolate", "edited.png", "seed:4", "--steps", "2"];
    let prompt = Some("a file → seed:4".to_owned());
    let expected = Mark {
        prompt,
        ..plain.clone()
    };
    assert_eq!(mark(&between, "strip.png"), expected);
    assert_eq!(mark(&between, "film.gif"), expected);
    let invert = ["invert", "edited.png", "--reconstruction", "again.png"];
    folder.run(&invert, "latent.safetensors");
    let again = fs::read(folder.path("again.png")).expect("written");
    assert_eq!(read_mark(&again), Some(plain));
}
