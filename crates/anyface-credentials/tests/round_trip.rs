//! Credentials of signed files, unchanged and changed.

use std::io::Cursor;
use std::time::{Duration, Instant};

use anyface_credentials::{Credentials, Error, Making, Signer};
use image::{ImageFormat, Rgb, RgbImage};

const FORMATS: [ImageFormat; 3] = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP];

fn making() -> Making<'static> {
    Making {
        software: "anyface 0.1.0",
        model: "portraits",
        ..Making::default()
    }
}

fn picture(side: u32) -> RgbImage {
    RgbImage::from_fn(side, side, |x, y| Rgb([(x * y) as u8, x as u8, y as u8]))
}

fn encode(format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture(64).write_to(&mut file, format).expect("a picture");
    file.into_inner()
}

fn read(file: &[u8]) -> Credentials {
    Credentials::read(file).expect("credentials")
}

#[test]
fn every_format_keeps_the_signed_statement() {
    let signer = Signer::self_made().expect("a key");
    for format in FORMATS {
        let file = encode(format);
        let making = Making {
            prompt: Some("an \"old\" sailor ☂"),
            seed: Some(u64::MAX),
            ..making()
        };
        let signed = signer.sign(&file, &making).expect("signed");
        let found = read(&signed);
        assert_eq!(found.problems, [""; 0], "{format:?}");
        assert!(found.says_ai_generated());
        assert_eq!(found.software.as_deref(), Some("anyface 0.1.0"));
        assert_eq!(found.model.as_deref(), Some("portraits"));
        let kind = found.digital_source_type.as_deref();
        assert_eq!(kind, Some("trainedAlgorithmicMedia"));
        assert_eq!(found.prompt.as_deref(), making.prompt);
        assert_eq!(found.seed, making.seed);
        assert_eq!(found.algorithm.as_deref(), Some("ed25519"));
        assert!(found.ingredients.is_empty());
        let subjects: Vec<_> = found.certificates.iter().map(|c| &c.subject).collect();
        assert_eq!(subjects.len(), 2, "{subjects:?}");
        assert!(
            subjects[0].contains("CN=anyface self-made key"),
            "{subjects:?}"
        );

        let pixels = |file: &[u8]| image::load_from_memory(file).expect("a picture");
        assert_eq!(pixels(&signed), pixels(&file), "{format:?}");
        assert_eq!(image::guess_format(&signed).expect("known"), format);
    }
}

#[test]
fn prompt_and_seed_are_included_only_if_given() {
    let signer = Signer::self_made().expect("a key");
    let signed = signer.sign(&encode(ImageFormat::Png), &making());
    let signed = signed.expect("signed");
    let found = read(&signed);
    assert_eq!((found.prompt, found.seed), (None, None));
    let contains = |word: &str| signed.windows(word.len()).any(|w| w == word.as_bytes());
    assert!(contains("c2pa.actions.v2") && !contains("prompt") && !contains("anyface.making"));
}

#[test]
fn a_changed_pixel_invalidates_the_credentials() {
    let signer = Signer::self_made().expect("a key");
    for format in FORMATS {
        let file = encode(format);
        let signed = signer.sign(&file, &making()).expect("signed");
        for part in [4, 3, 2] {
            let mut changed = signed.clone();
            // WebP has its credentials after the pixels, the others before them.
            let from_start = format == ImageFormat::WebP;
            let at = file.len() / part;
            let at = if from_start { at } else { changed.len() - at };
            changed[at] ^= 1;
            let problems = read(&changed).problems;
            assert_eq!(problems, ["assertion.dataHash.mismatch"], "{format:?}");
        }
    }
}

#[test]
fn credentials_are_invalid_for_another_picture() {
    let signer = Signer::self_made().expect("a key");
    let signed = signer.sign(&encode(ImageFormat::Png), &making());
    let signed = signed.expect("signed");
    // The image data of another picture after the metadata chunks of this one.
    let start = |file: &[u8]| file.windows(4).position(|w| w == b"IDAT").expect("pixels") - 4;
    let mut other = Cursor::new(Vec::new());
    let flat = RgbImage::from_pixel(64, 64, Rgb([9, 9, 9]));
    flat.write_to(&mut other, ImageFormat::Png)
        .expect("a picture");
    let other = other.into_inner();
    let forged = [&signed[..start(&signed)], &other[start(&other)..]].concat();
    image::load_from_memory(&forged).expect("a picture");
    assert!(!read(&forged).is_intact());
}

#[test]
fn a_changed_prompt_invalidates_the_credentials() {
    let signer = Signer::self_made().expect("a key");
    let making = Making {
        prompt: Some("an old sailor"),
        ..making()
    };
    for format in FORMATS {
        let mut signed = signer.sign(&encode(format), &making).expect("signed");
        let at = signed
            .windows(3)
            .position(|w| w == b"old")
            .expect("the words");
        signed[at..at + 3].copy_from_slice(b"mad");
        let found = read(&signed);
        assert!(!found.is_intact(), "{format:?} {found:?}");
    }
}

#[test]
fn files_without_credentials_have_none() {
    for format in FORMATS {
        assert_eq!(Credentials::read(&encode(format)), None);
    }
    for other in [
        &b""[..],
        b"no picture",
        b"\x89PNG",
        b"\xFF\xD8\xFF",
        b"RIFF0000WEBP",
    ] {
        assert_eq!(Credentials::read(other), None);
    }
}

#[test]
fn encoding_again_removes_the_credentials() {
    let signer = Signer::self_made().expect("a key");
    for format in FORMATS {
        let signed = signer.sign(&encode(format), &making()).expect("signed");
        let picture = image::load_from_memory(&signed).expect("a picture");
        let mut encoded = Cursor::new(Vec::new());
        picture.write_to(&mut encoded, format).expect("a picture");
        assert_eq!(Credentials::read(encoded.get_ref()), None, "{format:?}");
    }
}

#[test]
fn a_truncated_file_is_never_intact() {
    let signer = Signer::self_made().expect("a key");
    for format in FORMATS {
        let signed = signer.sign(&encode(format), &making()).expect("signed");
        for end in (0..signed.len()).step_by(97) {
            let found = Credentials::read(&signed[..end]);
            assert!(
                found.is_none_or(|found| !found.is_intact()),
                "{format:?} {end}"
            );
        }
    }
}

#[test]
fn an_edit_includes_its_parent_and_its_credentials() {
    let signer = Signer::self_made().expect("a key");
    let plain = encode(ImageFormat::Jpeg);
    let generated = signer.sign(&plain, &making()).expect("signed");
    for (parent, has_credentials) in [(&plain, false), (&generated, true)] {
        let edit = Making {
            parent: Some(parent),
            ..making()
        };
        let edited = signer
            .sign(&encode(ImageFormat::Png), &edit)
            .expect("signed");
        let found = read(&edited);
        assert_eq!(found.problems, [""; 0]);
        assert!(found.says_ai_generated());
        let kind = found.digital_source_type.as_deref();
        assert_eq!(kind, Some("compositeWithTrainedAlgorithmicMedia"));
        let [ingredient] = &found.ingredients[..] else {
            panic!("one parent, not {:?}", found.ingredients);
        };
        assert!(ingredient.is_parent);
        assert_eq!(ingredient.has_credentials, has_credentials);
        assert_eq!(ingredient.title.as_deref(), Some("a file"));
        assert_eq!(ingredient.format.as_deref(), Some("image/jpeg"));
    }
}

#[test]
fn a_parent_can_be_any_file() {
    let signer = Signer::self_made().expect("a key");
    let mut tampered = signer
        .sign(&encode(ImageFormat::Png), &making())
        .expect("signed");
    let at = tampered.len() - 20;
    tampered[at] ^= 1;
    let mut bmp = Cursor::new(Vec::new());
    picture(8)
        .write_to(&mut bmp, ImageFormat::Bmp)
        .expect("a picture");
    let truncated = tampered[..tampered.len() / 3].to_vec();
    for parent in [
        tampered,
        truncated,
        bmp.into_inner(),
        b"no picture".to_vec(),
        Vec::new(),
    ] {
        let edit = Making {
            parent: Some(&parent),
            ..making()
        };
        let edited = signer
            .sign(&encode(ImageFormat::WebP), &edit)
            .expect("signed");
        let found = read(&edited);
        assert_eq!(found.problems, [""; 0], "{} bytes", parent.len());
        assert_eq!(found.ingredients.len(), 1);
    }
}

#[test]
fn other_files_are_not_signed() {
    let signer = Signer::self_made().expect("a key");
    for file in [&b"GIF89a"[..], b"BM", b"", b"no picture"] {
        let refused = signer.sign(file, &making());
        assert!(matches!(refused, Err(Error::MediaType)), "{refused:?}");
    }
    let broken = signer.sign(b"\x89PNG\r\n\x1a\nbroken", &making());
    assert!(matches!(broken, Err(Error::Sign(_))), "{broken:?}");
}

/// `cargo test --release -p anyface-credentials --test round_trip -- --ignored --nocapture`.
#[test]
#[ignore = "prints times"]
#[expect(clippy::print_stdout, reason = "a measurement, run manually")]
fn time_and_size_of_a_signature() {
    let signer = Signer::self_made().expect("a key");
    let mut file = Cursor::new(Vec::new());
    picture(256)
        .write_to(&mut file, ImageFormat::Png)
        .expect("a picture");
    let file = file.into_inner();
    let mut times: Vec<Duration> = (0..200)
        .map(|_| {
            let start = Instant::now();
            signer.sign(&file, &making()).expect("signed");
            start.elapsed()
        })
        .collect();
    times.sort();
    let signed = signer.sign(&file, &making()).expect("signed");
    let start = Instant::now();
    assert!(read(&signed).is_intact());
    println!(
        "sign: median {:?}, p95 {:?}; read {:?}; {} bytes become {}",
        times[100],
        times[190],
        start.elapsed(),
        file.len(),
        signed.len()
    );
}
