//! Measures how many faces the built-in detector finds: in photographs as they are, rotated, and
//! small in a large grey picture. Each photograph must show one upright face in its centre, as in
//! LFW.
//!
//! ```text
//! cargo run --release -p anyface --example find_faces -- FOLDER
//! ```

#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use anyface::image::{Filter, read_picture, resize};
use anyface::photograph::{DetectedFace, Detector};
use image::{RgbImage, imageops};

/// Width and height of the grey picture: 24 megapixels.
const GREY: [u32; 2] = [6000, 4000];

/// Position of the photograph in the grey picture.
const PLACE: [u32; 2] = [3700, 900];

/// Changes a photograph and returns the new position of its centre.
type Change = Box<dyn Fn(&RgbImage) -> (RgbImage, [f32; 2])>;

/// One way of changing photographs before detection.
struct Case {
    name: String,
    change: Change,
    /// Direction from forehead to chin: (x, y).
    down: [f32; 2],
}

fn cases() -> Vec<Case> {
    type Turn = fn(&RgbImage) -> RgbImage;
    let turns = [
        ("upright", [0.0, 1.0], RgbImage::clone as Turn),
        ("rotated by 90°", [-1.0, 0.0], imageops::rotate90),
        ("rotated by 180°", [0.0, -1.0], imageops::rotate180),
        ("rotated by 270°", [1.0, 0.0], imageops::rotate270),
    ];
    let mut cases: Vec<Case> = turns
        .into_iter()
        .map(|(name, down, turn)| Case {
            name: name.to_owned(),
            change: Box::new(move |photograph| {
                let turned = turn(photograph);
                let middle = [turned.width(), turned.height()].map(|side| side as f32 / 2.0);
                (turned, middle)
            }),
            down,
        })
        .collect();
    cases.extend([400, 200].map(|side| Case {
        name: format!("{side} pixels of 6000 × 4000"),
        change: Box::new(move |photograph| in_grey(photograph, side)),
        down: [0.0, 1.0],
    }));
    cases
}

/// Scales the photograph to a square of `side` pixels in a large grey picture.
fn in_grey(photograph: &RgbImage, side: u32) -> (RgbImage, [f32; 2]) {
    let mut grey = RgbImage::from_pixel(GREY[0], GREY[1], [128; 3].into());
    let small = resize(photograph, side, side, Filter::Lanczos);
    imageops::replace(&mut grey, &small, PLACE[0].into(), PLACE[1].into());
    (grey, PLACE.map(|start| start as f32 + side as f32 / 2.0))
}

/// Whether the face covers `middle` and its chin points `down` within 45°.
fn is_at(face: &DetectedFace, middle: [f32; 2], down: [f32; 2]) -> bool {
    let [left, top, width, height] = face.bounds;
    let [x, y] = [middle[0] - left, middle[1] - top];
    let [left_eye, right_eye, _, left_mouth, right_mouth] = face.points;
    let chin =
        [0, 1].map(|axis| left_mouth[axis] + right_mouth[axis] - left_eye[axis] - right_eye[axis]);
    let along = chin[0] * down[0] + chin[1] * down[1];
    (0.0..width).contains(&x)
        && (0.0..height).contains(&y)
        && along > chin[0].hypot(chin[1]) * std::f32::consts::FRAC_1_SQRT_2
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = std::env::args_os()
        .nth(1)
        .ok_or("usage: find_faces <folder>")?
        .into();
    let detector = Detector::builtin();
    let mut photographs = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        photographs.push(read_picture(&entry?.path())?);
    }
    for case in cases() {
        let (mut found, mut milliseconds) = (0, 0.0);
        for photograph in &photographs {
            let (picture, middle) = (case.change)(photograph);
            let start = Instant::now();
            let faces = detector.faces(&picture);
            milliseconds += start.elapsed().as_secs_f64() * 1000.0;
            found += usize::from(faces.iter().any(|face| is_at(face, middle, case.down)));
        }
        let count = photographs.len();
        println!(
            "{:<26} {found} of {count}: {:.1} %, {:.0} ms each",
            case.name,
            100.0 * found as f64 / count as f64,
            milliseconds / count as f64,
        );
    }
    Ok(())
}
