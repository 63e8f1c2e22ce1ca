use serde::Deserialize;

use super::*;
use crate::parity::fixture;
use crate::photograph::paste_change;

/// Cases with a picture: cropped only; padded at a corner; halved and padded; padded on all sides.
const PICTURES: [usize; 4] = [2, 4, 7, 9];

/// Points (left eye, right eye, left and right mouth corner) and the reference's square around
/// them.
#[derive(Deserialize)]
struct Case {
    index: usize,
    points: [[f64; 2]; 4],
    quad: [[f64; 2]; 4],
}

fn cases() -> Vec<Case> {
    let json = std::fs::read_to_string(fixture("ffhq_align/cases.json")).unwrap();
    serde_json::from_str(&json).unwrap()
}

fn picture(name: &str, index: usize) -> RgbImage {
    let path = fixture(&format!("ffhq_align/{name}{index}.png"));
    image::open(path).unwrap().into_rgb8()
}

/// Largest and mean difference.
fn difference(a: &RgbImage, b: &RgbImage) -> (u8, f64) {
    assert_eq!(a.dimensions(), b.dimensions());
    let differences = a.iter().zip(b.iter()).map(|(a, b)| a.abs_diff(*b));
    let sum: f64 = differences.clone().map(f64::from).sum();
    (differences.max().unwrap(), sum / a.len() as f64)
}

fn clouds(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let wave = |period: f64| 128.0 + 100.0 * (f64::from(2 * x + y) / period).sin();
        Rgb([wave(17.0), wave(23.0), wave(31.0)].map(|value| value as u8))
    })
}

#[test]
fn squares_equal_ffhqs() {
    for Case {
        points,
        quad,
        index,
    } in cases()
    {
        let [left_eye, right_eye, left_mouth, right_mouth] =
            points.map(|point| point.map(|value| value as f32));
        let points = [left_eye, right_eye, [0.0; 2], left_mouth, right_mouth];
        let found = Square::of_face(&points).corners;
        for (found, expected) in found.iter().flatten().zip(quad.iter().flatten()) {
            // Points are f32.
            assert!((found - expected).abs() < 1e-3, "{index}");
        }
    }
}

#[test]
fn images_equal_the_references() {
    let cases = cases();
    for (name, side, supersampling) in [("aligned256_", 256, 1), ("aligned128_", 128, 4)] {
        for index in PICTURES {
            let square = Square {
                corners: cases[index].quad,
            };
            let found = align(&picture("source", index), &square, side, supersampling).unwrap();
            let (greatest, mean) = difference(&found, &picture(name, index));
            assert!(
                greatest <= 1 && mean < 1e-3,
                "{name}{index}: {greatest} {mean}"
            );
        }
    }
}

#[test]
fn a_square_outside_the_picture_has_no_image() {
    let image = clouds(50, 40);
    let [far, point, none] = [
        Square::of_middle(50, 40).moved([1e4, 0.0]),
        Square::of_middle(50, 40).map(|_| [20.0, 20.0]),
        Square::of_face(&[[20.0; 2]; 5]),
    ];
    for square in [far, point, none] {
        assert!(align(&image, &square, 32, 1).is_none());
    }
    // A square a million times larger still gives an image, and takes little memory.
    let center = [24.5, 19.5];
    let large = Square::of_middle(50, 40).map(|corner| scale(sub(corner, center), 1e6));
    assert!(align(&image, &large, 32, 4).is_some());
    assert!(align(&clouds(1, 1), &Square::of_middle(1, 1), 32, 4).is_some());
}

#[test]
fn a_face_pasted_back_unchanged_changes_nothing() {
    let whole = clouds(300, 260);
    let turned = Square::of_face(&[
        [120.0, 110.0],
        [170.0, 122.0],
        [0.0; 2],
        [115.0, 160.0],
        [150.0, 168.0],
    ]);
    let over_the_edge = turned.moved([-60.0, -50.0]);
    for square in [turned, over_the_edge] {
        let side = square.side().round() as u32;
        let face = align(&whole, &square, side, 4).unwrap();
        let mut found = whole.clone();
        paste_change(&mut found, &face, &face, &square);
        assert_eq!(found, whole);
    }
}

#[test]
fn a_pasted_face_blends_into_the_picture() {
    let white = RgbImage::from_pixel(8, 8, Rgb([255; 3]));
    let black = RgbImage::new(100, 60);
    let mut found = black.clone();
    let square = Square::of_middle(100, 60);
    let before = RgbImage::new(8, 8);
    paste_change(&mut found, &before, &white, &square);
    // Outside, inside, and halfway.
    assert_eq!(found.get_pixel(19, 30).0, [0; 3]);
    assert_eq!(found.get_pixel(50, 30).0, [255; 3]);
    assert!((100..160).contains(&found.get_pixel(23, 30).0[0]));
    // No border is left at the upper edge of the picture.
    assert_eq!(found.get_pixel(50, 0).0, [255; 3]);
    let mut outside = black.clone();
    let beside = square.moved([500.0, 0.0]);
    paste_change(&mut outside, &before, &white, &beside);
    assert_eq!(outside, black);
}
