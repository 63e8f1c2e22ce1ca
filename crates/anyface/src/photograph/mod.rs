//! Photographs: detect a face with [`YuNet`](crate::yunet), align it like FFHQ, and paste an edit
//! of it back without changing anything else.

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

/// Samples of the picture along each side of a pixel, as in FFHQ.
const SUPERSAMPLING: u32 = 4;

/// Largest side, in pixels, of a face at its original size.
const MAX_SIDE: u32 = 1024;

/// Smallest shorter side of a picture, in pixels.
const MIN_SIDE: u32 = 16;

/// A picture and one face cropped from it.
///
/// ```
/// use anyface::photograph::Photograph;
/// use image::RgbImage;
///
/// // Without a detector, the centre of the picture is taken as the face.
/// let picture = RgbImage::from_pixel(200, 100, [90, 120, 200].into());
/// let photograph = Photograph::new(picture, "a wall", None, 0, 64)?;
/// assert_eq!(photograph.face.dimensions(), (64, 64));
/// # Ok::<(), anyface::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Photograph {
    /// The whole picture, upright; transparent pixels are blended with white.
    pub picture: RgbImage,
    /// The alpha channel, unless the picture is fully opaque.
    pub alpha: Option<GrayImage>,
    /// The FFHQ-aligned face, a square of the requested side.
    pub face: RgbImage,
    /// Position of the face in the picture.
    pub square: Square,
    /// All detected faces, the largest first. `None` without a detector: then the face is the
    /// centre of the picture.
    pub found: Option<Vec<DetectedFace>>,
}

impl Photograph {
    /// Reads a picture file and crops face number `face` (0 is the largest) to a square of `side`
    /// pixels. Without a detector, the face is the largest centred square. The same holds for a
    /// file that this program generated ([`is_drawn_face`]), since its face is already aligned.
    ///
    /// # Errors
    /// The errors of [`read_picture`](crate::image::read_picture); [`Error::NoFace`];
    /// [`Error::NoSuchFace`]; [`Error::Picture`] if the picture is too small.
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

    /// Like [`Photograph::open`] for the bytes of a file of at most `max_pixels`; `name` is used in
    /// errors.
    ///
    /// # Errors
    /// See [`Photograph::open`].
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

    /// Like [`Photograph::open`] for a decoded picture; `name` is used in errors.
    ///
    /// # Errors
    /// See [`Photograph::open`].
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
                let reason =
                    format!("without a face detector, only face 0 can be chosen, not {face}");
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

    /// The face at its original size: a square whose side is at least the requested one and at
    /// most 1024.
    pub fn at_own_size(&self) -> RgbImage {
        let side = (self.square.side().round() as u32)
            .clamp(self.face.width(), MAX_SIDE.max(self.face.width()));
        self.cut_out(&self.picture, side)
    }

    /// Crops the place of the face from a picture of the same size, to a square of `side` pixels.
    fn cut_out(&self, picture: &RgbImage, side: u32) -> RgbImage {
        match self.found {
            None => middle(picture, side),
            Some(_) => align(picture, &self.square, side, SUPERSAMPLING)
                .unwrap_or_else(|| middle(picture, side)),
        }
    }
}

/// Whether a file is a face that this program generated as a square of `side` pixels. Such a face
/// is already aligned; a detector could only misalign it.
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

/// The largest centred square, resized to `side` pixels.
fn middle(picture: &RgbImage, side: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let length = width.min(height);
    let [x, y] = [width, height].map(|whole| (whole - length) / 2);
    let square = imageops::crop_imm(picture, x, y, length, length).to_image();
    resize(&square, side, side, Filter::Lanczos)
}
