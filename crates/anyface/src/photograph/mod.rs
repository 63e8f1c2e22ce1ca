//! From a picture file to an aligned face, and back: faces are found by [`YuNet`](crate::yunet),
//! aligned as FFHQ's are, and pasted back with what an edit changed, and nothing else.

mod align;
mod details;
mod detect;
mod edited;
mod mask;
mod pad;
mod paste;
mod search;

use std::path::Path;

use image::{GrayImage, RgbImage, imageops};

use crate::Error;
use crate::image::{Filter, MAX_PIXELS, decode_with_alpha, read_file, read_mark, resize};

pub use align::{Square, align};
pub use details::keep_details;
pub use detect::{DETECTOR_VARIABLE, DetectedFace, Detector};
pub use edited::EditedFace;
pub use mask::{decode_mask, read_mask};
pub use paste::paste_change;

/// Readings of the picture along each side of a pixel: FFHQ's.
const SUPERSAMPLING: u32 = 4;

/// Larger faces are not taken out at their own size.
const MAX_SIDE: u32 = 1024;

/// No face can be seen in fewer pixels.
const MIN_SIDE: u32 = 16;

/// A picture and one face of it, cut out.
///
/// ```
/// use anyface::photograph::Photograph;
/// use image::RgbImage;
///
/// // Without a detector the middle of the picture counts as a face.
/// let picture = RgbImage::from_pixel(200, 100, [90, 120, 200].into());
/// let photograph = Photograph::new(picture, "a wall", None, 0, 64)?;
/// assert_eq!(photograph.face.dimensions(), (64, 64));
/// # Ok::<(), anyface::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Photograph {
    /// The whole picture, upright; on white where it is transparent.
    pub picture: RgbImage,
    /// How opaque it is, where it is not wholly.
    pub alpha: Option<GrayImage>,
    /// The face, aligned as FFHQ's are, a square of the side that was asked for.
    pub face: RgbImage,
    /// Where in the picture it is.
    pub square: Square,
    /// All faces of the picture, the largest first. None where no detector looked: then the middle of the picture was taken
    /// as a face already aligned.
    pub found: Option<Vec<DetectedFace>>,
}

impl Photograph {
    /// Reads a picture file and cuts out its face number `face` (0 is the largest) as a square of `side` pixels. Without a
    /// detector the picture counts as an aligned face: its largest square in the middle is taken. So does a face that
    /// this program drew ([`is_drawn_face`]).
    ///
    /// # Errors
    /// Those of [`read_picture`](crate::image::read_picture); [`Error::NoFace`], [`Error::NoSuchFace`]; [`Error::Picture`] when the picture is too small.
    pub fn open(
        path: &Path,
        detector: Option<&Detector>,
        face: usize,
        side: u32,
    ) -> Result<Self, Error> {
        let name = path.display().to_string();
        let file = read_file(path)?;
        Self::decode(&file, &name, MAX_PIXELS, detector, face, side)
    }

    /// As [`Photograph::open`], of the bytes of a file with at most `max_pixels`, which errors call `name`.
    ///
    /// # Errors
    /// As [`Photograph::open`].
    pub fn decode(
        file: &[u8],
        name: &str,
        max_pixels: u64,
        detector: Option<&Detector>,
        face: usize,
        side: u32,
    ) -> Result<Self, Error> {
        let (picture, alpha) = decode_with_alpha(file, name, max_pixels)?;
        let detector = detector.filter(|_| !is_drawn_face(file, &picture, side));
        let photograph = Self::new(picture, name, detector, face, side)?;
        Ok(Self {
            alpha,
            ..photograph
        })
    }

    /// As [`Photograph::open`], of a picture already read, which errors call `name`.
    ///
    /// # Errors
    /// As [`Photograph::open`].
    pub fn new(
        picture: RgbImage,
        name: &str,
        detector: Option<&Detector>,
        face: usize,
        side: u32,
    ) -> Result<Self, Error> {
        let (width, height) = picture.dimensions();
        if width.min(height) < MIN_SIDE {
            let reason = format!("{width} × {height} pixels are too few for a face");
            return Err(Error::picture(name, reason));
        }
        let found = detector.map(|detector| detector.faces(&picture));
        let (square, face) = match &found {
            None if face > 0 => {
                let reason = format!("without a face detector there is no face {face} to choose");
                return Err(Error::picture(name, reason));
            }
            None => (Square::of_middle(width, height), middle(&picture, side)),
            Some(found) => {
                let square = Square::of_face(&choose(found, face, name)?.points);
                let aligned = align(&picture, &square, side, SUPERSAMPLING)
                    .ok_or_else(|| Error::picture(name, "the face is too small"))?;
                (square, aligned)
            }
        };
        Ok(Self {
            picture,
            alpha: None,
            face,
            square,
            found,
        })
    }

    /// The face as it is in the picture, not scaled: a square of at least the side that was asked for, 1024 at most.
    pub fn at_own_size(&self) -> RgbImage {
        let side = (self.square.side().round() as u32)
            .clamp(self.face.width(), MAX_SIDE.max(self.face.width()));
        self.cut_out(&self.picture, side)
    }

    /// What is at the place of the face in a picture of the same size, a square of `side` pixels.
    fn cut_out(&self, picture: &RgbImage, side: u32) -> RgbImage {
        match self.found {
            None => middle(picture, side),
            Some(_) => align(picture, &self.square, side, SUPERSAMPLING)
                .unwrap_or_else(|| middle(picture, side)),
        }
    }
}

/// Whether a file is a face that this program drew as a square of `side` pixels: then it is aligned
/// already, and a detector would only move it.
pub fn is_drawn_face(file: &[u8], picture: &RgbImage, side: u32) -> bool {
    picture.dimensions() == (side, side) && read_mark(file).is_some()
}

fn choose<'a>(
    found: &'a [DetectedFace],
    face: usize,
    name: &str,
) -> Result<&'a DetectedFace, Error> {
    let name = name.to_owned();
    if found.is_empty() {
        return Err(Error::NoFace { name });
    }
    found.get(face).ok_or(Error::NoSuchFace {
        name,
        face,
        found: found.len(),
    })
}

/// The largest square in the middle, `side` pixels wide.
fn middle(picture: &RgbImage, side: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let length = width.min(height);
    let [x, y] = [width, height].map(|whole| (whole - length) / 2);
    let square = imageops::crop_imm(picture, x, y, length, length).to_image();
    resize(&square, side, side, Filter::Lanczos)
}
