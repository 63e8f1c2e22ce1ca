//! Pictures that are signed and read, as they are and changed.

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
fn every_kind_of_file_tells_what_was_signed() {
    let signer = Signer::self_made().expect("a key");
    for format in FORMATS {
        let file = encode(format);
        let making = Making {
            prompt: Some("an \"old\" sailor ☂"),
            seed: Some(u64::MAX),
            ..making()
        };
        let signed = signer.sign(&file, &making).expect("signed");
        let said = read(&signed);
        assert_eq!(said.problems, [""; 0], "{format:?}");
        assert!(said.says_ai_generated());
        assert_eq!(said.software.as_deref(), Some("anyface 0.1.0"));
        assert_eq!(said.model.as_deref(), Some("portraits"));
        let kind = said.digital_source_type.as_deref();
        assert_eq!(kind, Some("trainedAlgorithmicMedia"));
        assert_eq!(said.prompt.as_deref(), making.prompt);
        assert_eq!(said.seed, making.seed);
        assert_eq!(said.algorithm.as_deref(), Some("ed25519"));
        assert!(said.ingredients.is_empty());
        let subjects: Vec<_> = said.certificates.iter().map(|c| &c.subject).collect();
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
fn words_and_seed_are_told_only_if_given() {
    let signer = Signer::self_made().expect("a key");
    let signed = signer.sign(&encode(ImageFormat::Png), &making());
    let signed = signed.expect("signed");
    let said = read(&signed);
    assert_eq!((said.prompt, said.seed), (None, None));
    let found = |word: &str| signed.windows(word.len()).any(|w| w == word.as_bytes());
    assert!(found("c2pa.actions.v2") && !found("prompt") && !found("anyface.making"));
}

#[test]
fn any_changed_pixel_is_seen() {
    let signer = Signer::self_made().expect("a key");
    for format in FORMATS {
        let file = encode(format);
        let signed = signer.sign(&file, &making()).expect("signed");
        for part in [4, 3, 2] {
            let mut changed = signed.clone();
            // WebP has its credentials behind the pixels, the others before them.
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
fn credentials_of_another_picture_do_not_hold() {
    let signer = Signer::self_made().expect("a key");
    let signed = signer.sign(&encode(ImageFormat::Png), &making());
    let signed = signed.expect("signed");
    // The pixels of another picture behind the chunks of this one.
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
fn what_was_signed_cannot_be_said_otherwise() {
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
        let said = read(&signed);
        assert!(!said.is_intact(), "{format:?} {said:?}");
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
fn a_file_saved_anew_has_none() {
    let signer = Signer::self_made().expect("a key");
    for format in FORMATS {
        let signed = signer.sign(&encode(format), &making()).expect("signed");
        let picture = image::load_from_memory(&signed).expect("a picture");
        let mut anew = Cursor::new(Vec::new());
        picture.write_to(&mut anew, format).expect("a picture");
        assert_eq!(Credentials::read(anew.get_ref()), None, "{format:?}");
    }
}

#[test]
fn a_file_that_ends_early_never_holds() {
    let signer = Signer::self_made().expect("a key");
    for format in FORMATS {
        let signed = signer.sign(&encode(format), &making()).expect("signed");
        for end in (0..signed.len()).step_by(97) {
            let said = Credentials::read(&signed[..end]);
            assert!(
                said.is_none_or(|said| !said.is_intact()),
                "{format:?} {end}"
            );
        }
    }
}

#[test]
fn an_edit_names_its_parent_and_keeps_what_that_says() {
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
        let said = read(&edited);
        assert_eq!(said.problems, [""; 0]);
        assert!(said.says_ai_generated());
        let kind = said.digital_source_type.as_deref();
        assert_eq!(kind, Some("compositeWithTrainedAlgorithmicMedia"));
        let [ingredient] = &said.ingredients[..] else {
            panic!("one parent, not {:?}", said.ingredients);
        };
        assert!(ingredient.is_parent);
        assert_eq!(ingredient.has_credentials, has_credentials);
        assert_eq!(ingredient.title.as_deref(), Some("a file"));
        assert_eq!(ingredient.format.as_deref(), Some("image/jpeg"));
    }
}

#[test]
fn a_parent_may_be_anything() {
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
    let cut = tampered[..tampered.len() / 3].to_vec();
    for parent in [
        tampered,
        cut,
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
        let said = read(&edited);
        assert_eq!(said.problems, [""; 0], "{} bytes", parent.len());
        assert_eq!(said.ingredients.len(), 1);
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
#[expect(clippy::print_stdout, reason = "a measurement, run by hand")]
fn what_a_signature_costs() {
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
