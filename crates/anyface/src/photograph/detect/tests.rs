use super::*;
use crate::parity::fixture;

fn detector() -> Detector {
    Detector::open(&fixture("checkpoints/yunet.onnx")).unwrap()
}

fn face(score: f32, bounds: [f32; 4]) -> DetectedFace {
    DetectedFace {
        score,
        bounds,
        points: [[0.0; 2]; 5],
    }
}

/// `tools/parity/detect.py`: random weights, and a picture whose sides are not multiples of 32.
#[test]
fn faces_equal_opencvs() {
    let picture = image::open(fixture("faces.png")).unwrap().into_rgb8();
    let expected = std::fs::read_to_string(fixture("faces.json")).unwrap();
    let expected: Vec<Vec<f32>> = serde_json::from_str(&expected).unwrap();
    let found = detector().upright_faces(&picture);
    assert_eq!(found.len(), expected.len());
    for (face, expected) in found.iter().zip(&expected) {
        let points = face.points.as_flattened();
        let values = [&face.bounds, points, &[face.score]].concat();
        for (value, expected) in values.iter().zip(expected) {
            assert!((value - expected).abs() < 2e-3, "{values:?}\n{expected:?}");
        }
    }
}

#[test]
fn pictures_of_any_shape_are_searched() {
    for (width, height) in [(1, 1), (1, 5000), (5000, 1), (33, 31)] {
        for face in detector().faces(&RgbImage::new(width, height)) {
            assert!(face.area().is_finite());
        }
    }
}

#[test]
fn the_best_of_overlapping_faces_is_kept() {
    let sure = face(0.9, [10.0, 10.0, 40.0, 40.0]);
    let same = face(0.8, [14.0, 12.0, 40.0, 40.0]);
    let other = face(0.7, [40.0, 40.0, 40.0, 40.0]);
    assert_eq!(suppress(vec![other, same, sure]), [sure, other]);
    assert_eq!(overlap(&face(1.0, [0.0; 4]), &face(1.0, [0.0; 4])), 0.0);
}

#[test]
fn a_file_that_is_not_a_detector_is_named() {
    let path = fixture("checkpoints/ir_se50_layout.pth");
    let error = Detector::open(&path).unwrap_err().to_string();
    assert!(
        error.contains("ir_se50_layout.pth: not a face detector"),
        "{error}"
    );
    assert!(Detector::open(Path::new("no/such.onnx")).is_err());
}
