//! Argument types: descriptions, pictures and faces.

use std::path::PathBuf;

use anyface::photograph::{Detector, Photograph};
use anyface::{Engine, Latent};
use image::RgbImage;
use numpy::{
    PyArray3, PyArrayDescrMethods, PyArrayDyn, PyArrayMethods, PyUntypedArray,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::faces::Faces;

/// Name in errors of a picture without a file.
const NAMELESS: &str = "the picture";

/// One description, or several.
#[derive(FromPyObject)]
pub(crate) enum Prompts {
    One(String),
    Several(Vec<String>),
}

/// A picture: a path, a Pillow image, or an array `[H, W, 3]` of uint8.
pub(crate) enum Picture {
    File(PathBuf),
    Pixels(RgbImage),
}

/// Faces as latents, or one picture of a face.
pub(crate) enum Face {
    Latents(Latents),
    Picture(Picture),
}

/// Latents `[N, L, D]` or `[L, D]`: `Faces`, a numpy array, or nested sequences of floats.
pub(crate) struct Latents {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Prompts {
    pub(crate) fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(prompt) => vec![prompt],
            Self::Several(prompts) => prompts,
        }
    }
}

impl Picture {
    /// Crops face `index` (0 is the largest). A square array or image of the engine's resolution is
    /// taken as an aligned face, like generated ones.
    pub(crate) fn open(
        self,
        engine: &Engine,
        detector: Option<&Detector>,
        index: usize,
    ) -> Result<Photograph, anyface::Error> {
        let side = engine.resolution();
        let mut photograph = match self {
            Self::File(path) => Photograph::open(&path, detector, index, side)?,
            Self::Pixels(picture) => {
                let detector = detector.filter(|_| picture.dimensions() != (side, side));
                Photograph::new(picture, NAMELESS, detector, index, side)?
            }
        };
        // Results have three channels, so transparent pixels stay blended with white.
        photograph.alpha = None;
        Ok(photograph)
    }
}

impl Latents {
    /// Converts to latents of an engine.
    ///
    /// # Errors
    /// `ValueError` if the shape does not match the engine, or a value is not finite.
    pub(crate) fn into_faces(self, engine: &Engine) -> PyResult<Vec<Latent>> {
        let generator = &engine.config().generator;
        let expected = [generator.num_ws(), generator.w_dim];
        let fits = matches!(self.shape.len(), 2 | 3) && self.shape.ends_with(&expected);
        if !fits || self.values.is_empty() {
            let [layers, width] = expected;
            return Err(PyValueError::new_err(format!(
                "latents must have the shape [N, {layers}, {width}], not {:?}",
                self.shape
            )));
        }
        if self.values.iter().any(|value| !value.is_finite()) {
            return Err(PyValueError::new_err("latents must be finite"));
        }
        let faces = self.values.chunks_exact(expected.iter().product());
        Ok(faces
            .filter_map(|face| engine.latent(face.to_vec()))
            .collect())
    }
}

impl<'py> FromPyObject<'_, 'py> for Picture {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(path) = object.extract() {
            return Ok(Self::File(path));
        }
        if object.hasattr("getexif")? {
            let operations = object.py().import("PIL.ImageOps")?;
            let upright = operations.call_method1("exif_transpose", (object,))?;
            let pixels = upright.call_method1("convert", ("RGB",))?;
            let numpy = object.py().import("numpy")?;
            return pixels_of(&numpy.call_method1("asarray", (pixels,))?);
        }
        pixels_of(&object)
    }
}

impl<'py> FromPyObject<'_, 'py> for Latents {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let object = match object.cast::<Faces>() {
            Ok(faces) => faces.get().latents(object.py()).into_any(),
            Err(_) => object.to_owned(),
        };
        let numpy = object.py().import("numpy")?;
        let array = numpy.call_method1("asarray", (object, "float32"))?;
        let array = array.cast_into::<PyArrayDyn<f32>>()?;
        Ok(Self {
            shape: array.shape().to_vec(),
            values: array.readonly().as_array().iter().copied().collect(),
        })
    }
}

impl<'py> FromPyObject<'_, 'py> for Face {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let is_latents = match object.cast::<PyUntypedArray>() {
            Ok(array) => array.dtype().kind() == b'f',
            Err(_) => object.is_instance_of::<Faces>(),
        };
        match is_latents {
            true => object.extract().map(Self::Latents),
            false => object.extract().map(Self::Picture),
        }
    }
}

/// Copies the picture from an array.
fn pixels_of(object: &Bound<'_, PyAny>) -> PyResult<Picture> {
    let array = object.cast::<PyArray3<u8>>().map_err(|_| {
        PyTypeError::new_err(
            "a picture must be a path, a Pillow image or an array [H, W, 3] of uint8",
        )
    })?;
    let &[height, width, 3] = array.shape() else {
        return Err(PyValueError::new_err(format!(
            "a picture must have the shape [H, W, 3], not {:?}",
            array.shape()
        )));
    };
    let pixels = array.readonly().as_array().iter().copied().collect();
    let picture = RgbImage::from_raw(width as u32, height as u32, pixels);
    Ok(Picture::Pixels(
        picture.expect("the array has the pixels of its shape"),
    ))
}
