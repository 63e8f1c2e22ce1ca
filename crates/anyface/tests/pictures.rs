//! Picture files of every kind, intact, damaged and hostile: each gives the picture or a one-line
//! error, in bounded memory.
//!
//! `tools/parity/pictures.py` makes the files.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod hostile;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use anyface::Error;
use anyface::image::{MAX_PIXELS, decode_picture, read_picture};
use anyface::photograph::{Detector, EditedFace, Photograph};
use hostile::{measured, mutated};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, Rgb, RgbImage};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The memory bound of [`read_picture`].
const MEMORY: usize = 2_000_000_000;

/// Memory is counted for all threads, so tests that measure it run one at a time.
static MEASURING: Mutex<()> = Mutex::new(());

/// Colours of the picture's quarters.
const QUARTERS: [[u8; 3]; 4] = [[220, 30, 30], [30, 200, 30], [30, 30, 220], [255, 255, 255]];

fn fixture(name: &str) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fixtures.join(name)
}

/// Files of the picture of four quarters, or of a grey ramp from top to bottom.
fn files(ramps: bool) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(fixture("pictures")).unwrap();
    let is_ramp = |path: &PathBuf| path.to_string_lossy().contains("grey");
    let mut files: Vec<PathBuf> = folder
        .map(|entry| entry.unwrap().path())
        .filter(|path| is_ramp(path) == ramps)
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// Fails unless the result is a one-line error that names the file.
fn assert_one_line<T>(result: Result<T, Error>, name: &str) -> String {
    let Err(error) = result else {
        panic!("{name} was read without an error");
    };
    let line = error.to_string();
    assert!(line.contains(name) && line.lines().count() == 1, "{line}");
    line
}

#[test]
fn every_format_gives_the_same_upright_picture() {
    for path in files(false) {
        let picture = read_picture(&path).unwrap();
        assert_eq!(picture.dimensions(), (48, 32), "{}", path.display());
        for ((x, y), expected) in [(10, 8), (36, 8), (10, 24), (36, 24)]
            .into_iter()
            .zip(QUARTERS)
        {
            let found = picture.get_pixel(x, y).0;
            let near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 4);
            assert!(near, "{}: {found:?} at {x}, {y}", path.display());
        }
    }
}

#[test]
fn grey_pictures_of_8_and_16_bits_are_grey() {
    for path in files(true) {
        let picture = read_picture(&path).unwrap();
        for (y, expected) in [(8, 68u8), (24, 196)] {
            let found = picture.get_pixel(20, y).0;
            let near = found.iter().all(|value| value.abs_diff(expected) <= 2);
            assert!(near, "{}: {found:?}", path.display());
        }
    }
}

#[test]
fn files_that_are_not_pictures_give_a_one_line_error() {
    assert_one_line(read_picture(&fixture("no_such.png")), "no_such.png");
    assert_one_line(read_picture(&fixture("pictures")), "pictures");
    assert_one_line(
        read_picture(&fixture("README.md")),
        "README.md: not a picture",
    );
    assert_one_line(
        decode_picture([], "empty.jpg"),
        "empty.jpg: the file is empty",
    );
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    assert_one_line(decode_picture(heic, "IMG_0001.HEIC"), "IMG_0001.HEIC: ");
}

#[test]
fn truncated_files_give_a_one_line_error() {
    for path in [files(false), files(true)].concat() {
        let whole = std::fs::read(&path).unwrap();
        for share in [0.1, 0.5, 0.9] {
            let part = &whole[..(whole.len() as f64 * share) as usize];
            let result = decode_picture(part, "cut");
            // The first frame of an animation may be complete, and the last data of a file may not
            // matter.
            let may_be_whole = path.to_string_lossy().contains("animated") || share > 0.8;
            if result.is_err() || !may_be_whole {
                assert_one_line(result, "cut");
            }
        }
    }
}

#[test]
fn a_thumbnail_or_a_video_is_not_taken_for_the_end_of_a_jpeg() {
    let jpeg = std::fs::read(fixture("pictures/rgb.jpg")).unwrap();
    let with_film = [&jpeg[..], b"ftypmp42 \xFF\xDA \xFF"].concat();
    assert!(decode_picture(&with_film, "film").is_ok());
    let segment = [&[0xFF, 0xE1, 0, 6][..], &[0xFF, 0xD8, 0xFF, 0xD9]].concat();
    let cut = [&jpeg[..2], &segment, &jpeg[2..jpeg.len() - 20]].concat();
    assert_one_line(decode_picture(&cut, "thumbnail"), "thumbnail");
}

#[test]
fn mutated_pictures_are_read_quickly_and_in_little_memory() {
    let _turn = MEASURING.lock();
    let read = |path: &PathBuf| std::fs::read(path).unwrap();
    let seeds: Vec<Vec<u8>> = [files(false), files(true)]
        .concat()
        .iter()
        .map(read)
        .collect();
    let mut decoded = 0;
    for seed in 0..4000 {
        let file = mutated(&seeds, &mut ChaCha8Rng::seed_from_u64(seed));
        let (result, cost) = measured(|| decode_picture(file, "file"));
        assert!(cost.memory <= MEMORY, "seed {seed}: {cost:?}");
        assert!(
            cost.time <= Duration::from_secs(20),
            "seed {seed}: {cost:?}"
        );
        match result {
            Ok(_) => decoded += 1,
            Err(_) => drop(assert_one_line(result, "file")),
        }
    }
    assert!(decoded > 400, "{decoded} files decoded");
}

/// A grey PNG of this size, which compresses well.
fn large_png(width: u32, height: u32) -> Vec<u8> {
    let mut png = Vec::new();
    let pixels = vec![128; width as usize * height as usize];
    PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::NoFilter)
        .write_image(&pixels, width, height, ExtendedColorType::L8)
        .unwrap();
    png
}

#[test]
fn pictures_are_read_up_to_the_allowed_size() {
    let _turn = MEASURING.lock();
    let png = large_png(10_000, 10_000);
    let (picture, cost) = measured(|| decode_picture(png, "large.png"));
    assert_eq!(picture.unwrap().dimensions(), (10_000, 10_000));
    assert!(cost.memory <= 450_000_000, "{cost:?}");

    let png = large_png(MAX_PIXELS as u32 / 1000 + 1, 1000);
    let (result, cost) = measured(|| decode_picture(png, "larger.png"));
    assert_one_line(result, "larger.png: the picture is too large");
    assert!(cost.memory <= 10_000_000, "{cost:?}");
}

#[test]
fn slow_the_largest_jpegs_stay_within_the_bound() {
    let _turn = MEASURING.lock();
    let picture = RgbImage::from_fn(12_000, 10_000, |x, y| {
        Rgb([x as u8, y as u8, (x ^ y) as u8])
    });
    let mut jpeg = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, 90);
    // EXIF with one entry: orientation 6.
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    encoder.set_exif_metadata(exif.to_vec()).unwrap();
    encoder.encode_image(&picture).unwrap();
    drop(picture);
    let (picture, cost) = measured(|| decode_picture(jpeg, "large.jpg"));
    assert_eq!(picture.unwrap().dimensions(), (10_000, 12_000));
    eprintln!("{cost:?}");
    assert!(cost.memory <= MEMORY, "{cost:?}");
}

#[test]
fn a_picture_without_a_usable_face_gives_a_one_line_error() {
    // Random weights: their scores on a single colour are below any threshold.
    let detector = Detector::open(&fixture("checkpoints/yunet.onnx")).unwrap();
    let open = |side: u32, detector, face| {
        Photograph::new(RgbImage::new(side, side), "face.png", detector, face, 32)
    };
    let small = assert_one_line(open(1, None, 0), "face.png");
    assert_eq!(small, "face.png: 1 × 1 pixels are too few for a face");
    assert_one_line(open(1, Some(&detector), 0), "face.png: 1 × 1 pixels");
    assert_one_line(open(64, None, 1), "face.png: without a face detector");
    assert_one_line(open(64, Some(&detector), 0), "face.png: no face found");
}

#[test]
fn faces_are_counted_from_the_largest() {
    let detector = Detector::open(&fixture("checkpoints/yunet.onnx")).unwrap();
    let path = fixture("faces.png");
    let open = |face| Photograph::open(&path, Some(&detector), face, 32);
    let [first, second] = [0, 1].map(|face| open(face).unwrap());
    assert_eq!(first.face.dimensions(), (32, 32));
    assert_ne!(first.face, second.face);
    let found = first.found.unwrap();
    assert!(found.is_sorted_by(|a, b| a.area() >= b.area()));
    let count = found.len();
    let line = assert_one_line(open(count), "faces.png");
    let end = format!("there is no face {count}: {count} found, numbered from 0 (the largest)");
    assert!(line.ends_with(&end), "{line}");
}

#[test]
fn without_a_detector_the_centre_of_a_picture_is_the_face() {
    let path = fixture("pictures/rgb.png");
    let photograph = Photograph::open(&path, None, 0, 16).unwrap();
    assert!(photograph.found.is_none());
    assert_eq!(photograph.face.get_pixel(1, 1).0, QUARTERS[0]);
    assert_eq!(photograph.face.get_pixel(14, 14).0, QUARTERS[3]);
    let face = EditedFace {
        before: photograph.face.clone(),
        after: RgbImage::new(16, 16),
    };
    let pasted = photograph.paste_back(&face, None).into_rgb8();
    assert_ne!(
        pasted.get_pixel(24, 16),
        photograph.picture.get_pixel(24, 16)
    );
    assert_eq!(pasted.get_pixel(4, 4).0, QUARTERS[0]);
}
