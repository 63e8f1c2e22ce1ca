//! Search for faces at increasing resolutions, upright and rotated.

use image::{RgbImage, imageops};

use super::detect::{DetectedFace, Detector};
use crate::image::{Filter, resize};

/// Longest sides, in pixels, to try until a face is found. The network detects faces from about ten
/// pixels: in a picture of 24 megapixels these are 90, 45 and 22 pixels.
const SIDES: [u32; 3] = [640, 1280, 2560];

/// A face with at least this score is accepted without trying rotations. Upright photographs of LFW
/// score 0.91 to 0.96. Upside-down ones, with wrong points, also reach 0.91.
const SURE: f32 = 0.92;

/// A clockwise rotation by a multiple of 90°.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Quarter,
    Half,
    ThreeQuarters,
}

const TURNS: [Turn; 3] = [Turn::Quarter, Turn::ThreeQuarters, Turn::Half];

impl Turn {
    fn apply(self, picture: &RgbImage) -> RgbImage {
        match self {
            Self::Quarter => imageops::rotate90(picture),
            Self::Half => imageops::rotate180(picture),
            Self::ThreeQuarters => imageops::rotate270(picture),
        }
    }

    /// Maps a point of the rotated picture to the original, which is `width` × `height`.
    fn back(self, [x, y]: [f32; 2], [width, height]: [f32; 2]) -> [f32; 2] {
        match self {
            Self::Quarter => [y, height - x],
            Self::Half => [width - x, height - y],
            Self::ThreeQuarters => [width - y, x],
        }
    }

    /// Maps a face of the rotated picture to the original.
    fn face_back(self, face: &DetectedFace, size: [f32; 2]) -> DetectedFace {
        let [left, top, width, height] = face.bounds;
        let [a, b] = [[left, top], [left + width, top + height]].map(|p| self.back(p, size));
        let start = [a[0].min(b[0]), a[1].min(b[1])];
        DetectedFace {
            score: face.score,
            bounds: [start[0], start[1], (a[0] - b[0]).abs(), (a[1] - b[1]).abs()],
            points: face.points.map(|point| self.back(point, size)),
        }
    }
}

impl Detector {
    /// Finds faces in a picture of any size, the largest first. Pictures over 640 pixels are first
    /// searched at 640 pixels, then rotated by multiples of 90°, then at larger sizes, until a face
    /// is found. The order of the points does not depend on the rotation: it is that of the upright
    /// face.
    pub fn faces(&self, picture: &RgbImage) -> Vec<DetectedFace> {
        let longest = picture.width().max(picture.height());
        for side in SIDES {
            let faces = match longest <= side {
                true => self.faces_any_way_up(picture),
                false => self.faces_at(picture, side),
            };
            if !faces.is_empty() || longest <= side {
                return faces;
            }
        }
        Vec::new()
    }

    /// Faces found after resizing the longest side to `side`.
    fn faces_at(&self, picture: &RgbImage, side: u32) -> Vec<DetectedFace> {
        let (width, height) = picture.dimensions();
        let longest = width.max(height);
        let shrunk = |length| {
            let length = u64::from(length) * u64::from(side);
            length.div_ceil(u64::from(longest)) as u32
        };
        let small = resize(picture, shrunk(width), shrunk(height), Filter::Bicubic);
        let faces = self.faces_any_way_up(&small).into_iter();
        let factor = longest as f32 / side as f32;
        faces.map(|face| face.scaled(factor)).collect()
    }

    /// Faces of the picture as it is, or of the rotation with the highest score.
    fn faces_any_way_up(&self, picture: &RgbImage) -> Vec<DetectedFace> {
        let upright = self.upright_faces(picture);
        if best_score(&upright) >= SURE {
            return upright;
        }
        let size = [picture.width() as f32, picture.height() as f32];
        TURNS.iter().fold(upright, |best, turn| {
            let faces = self.upright_faces(&turn.apply(picture));
            match best_score(&faces) > best_score(&best) {
                true => faces
                    .iter()
                    .map(|face| turn.face_back(face, size))
                    .collect(),
                false => best,
            }
        })
    }
}

/// The highest score; 0 without faces.
fn best_score(faces: &[DetectedFace]) -> f32 {
    faces.iter().map(|face| face.score).fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parity::{Fixture, fixture};

    /// A rendered portrait of 256 pixels.
    fn portrait() -> RgbImage {
        let portraits = Fixture::open(&fixture("selfie_segmentation.io.safetensors"));
        RgbImage::from_raw(256, 256, portraits.bytes("image0")).unwrap()
    }

    fn assert_near(face: &DetectedFace, expected: &DetectedFace) {
        let tolerance = 0.2 * expected.area().sqrt();
        let [found, expected] = [face, expected].map(|face| face.points.as_flattened().to_vec());
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < tolerance, "{found} {expected}");
        }
    }

    #[test]
    fn a_rotated_face_has_the_points_of_the_upright_face() {
        let detector = Detector::builtin();
        let portrait = portrait();
        let upright = detector.faces(&portrait);
        assert_eq!(upright.len(), 1);
        for turn in TURNS {
            let found = detector.faces(&turn.apply(&portrait));
            assert_eq!(found.len(), 1, "{turn:?}");
            assert_near(&turn.face_back(&found[0], [256.0; 2]), &upright[0]);
        }
    }

    #[test]
    fn a_small_face_in_a_large_picture_is_found() {
        let detector = Detector::builtin();
        let portrait = portrait();
        let upright = detector.faces(&portrait)[0];
        let mut large = RgbImage::from_pixel(6000, 4000, [128; 3].into());
        imageops::replace(&mut large, &portrait, 4000, 700);
        let found = detector.faces(&large);
        assert_eq!(found.len(), 1);
        let place = |[x, y]: [f32; 2]| [x + 4000.0, y + 700.0];
        let expected = DetectedFace {
            points: upright.points.map(place),
            ..upright
        };
        assert_near(&found[0], &expected);
    }

    #[test]
    fn faces_in_rotated_pictures_map_back_to_the_original() {
        let mut picture = RgbImage::new(40, 30);
        picture.put_pixel(7, 11, [255; 3].into());
        for turn in TURNS {
            let turned = turn.apply(&picture);
            let (x, y, _) = turned
                .enumerate_pixels()
                .find(|(_, _, pixel)| pixel.0[0] == 255)
                .unwrap();
            // The centre of the pixel.
            let point = [x as f32 + 0.5, y as f32 + 0.5];
            assert_eq!(turn.back(point, [40.0, 30.0]), [7.5, 11.5]);
            let face = DetectedFace {
                score: 0.9,
                bounds: [x as f32, y as f32, 1.0, 1.0],
                points: [point; 5],
            };
            let back = turn.face_back(&face, [40.0, 30.0]);
            assert_eq!(back.bounds, [7.0, 11.0, 1.0, 1.0]);
        }
    }
}
