//! Return types of the pipeline.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyface::Error;
use anyface::image::Mark;
use anyface::provenance::{Seal, Signer, SigningError, own_signer};
use image::RgbImage;
use numpy::{PyArray1, PyArray3, PyArray4, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::exceptions::PyFileExistsError;
use pyo3::prelude::*;

use crate::error::exception;

/// Faces with their pictures and latents.
#[pyclass(frozen, module = "anyface")]
pub(crate) struct Faces {
    pixels: Py<PyArray4<u8>>,
    latents: Py<PyArray3<f32>>,
    /// Seed of each face; None unless the faces were generated from a description.
    #[pyo3(get)]
    seeds: Option<Vec<u64>>,
    /// Cosine similarity of the CLIP features of picture and description, -1 to 1; None like
    /// `seeds`.
    #[pyo3(get)]
    clip_scores: Option<Vec<f32>>,
    /// Metadata of the files.
    marks: Vec<Mark>,
}

/// Collects faces of one size in contiguous memory.
#[derive(Default)]
pub(crate) struct FaceBuffer {
    pixels: Vec<u8>,
    latents: Vec<f32>,
    marks: Vec<Mark>,
    /// H, W.
    size: [usize; 2],
    /// L, D.
    latent_shape: [usize; 2],
}

/// Attributes of a face.
#[pyclass(frozen, get_all, module = "anyface")]
pub(crate) struct FaceDescription {
    /// The very likely attributes as one sentence.
    pub(crate) text: String,
    /// Probability of every attribute that the bundle's probe knows, 0 to 1.
    pub(crate) attributes: BTreeMap<&'static str, f32>,
    /// Number of faces found in the picture; 1 if no detector was used.
    pub(crate) faces: usize,
}

impl FaceBuffer {
    pub(crate) fn push(&mut self, picture: RgbImage, latent: &anyface::Latent, mark: Mark) {
        let [_, layers, width] = latent.w_plus.dims();
        self.latent_shape = [layers, width];
        self.size = [picture.height() as usize, picture.width() as usize];
        self.latents.extend(latent.values());
        self.marks.push(mark);
        match self.pixels.is_empty() {
            true => self.pixels = picture.into_raw(),
            false => self.pixels.extend_from_slice(&picture),
        }
    }
}

impl Faces {
    /// Moves the buffers into numpy arrays, without a copy.
    pub(crate) fn new(
        py: Python<'_>,
        faces: FaceBuffer,
        seeds: Option<Vec<u64>>,
        clip_scores: Option<Vec<f32>>,
    ) -> PyResult<Self> {
        let count = faces.marks.len();
        let ([height, width], [layers, features]) = (faces.size, faces.latent_shape);
        let pixels = PyArray1::from_vec(py, faces.pixels);
        let latents = PyArray1::from_vec(py, faces.latents);
        Ok(Self {
            pixels: pixels.reshape([count, height, width, 3])?.unbind(),
            latents: latents.reshape([count, layers, features])?.unbind(),
            seeds,
            clip_scores,
            marks: faces.marks,
        })
    }
}

#[pymethods]
impl Faces {
    /// Pictures, an array `[N, H, W, 3]` of uint8, without a copy. Changes to the array also change
    /// `images` and saved files.
    #[getter]
    fn pixels<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray4<u8>> {
        self.pixels.bind(py).clone()
    }

    /// Latents, an array `[N, L, D]` of float32.
    #[getter]
    pub(crate) fn latents<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray3<f32>> {
        self.latents.bind(py).clone()
    }

    /// Pictures as a list of `PIL.Image.Image`.
    #[getter]
    fn images<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let pillow = py.import("PIL.Image")?;
        let pixels = self.pixels.bind(py);
        (0..self.marks.len())
            .map(|face| pillow.call_method1("fromarray", (pixels.get_item(face)?,)))
            .collect()
    }

    /// Write the faces as PNG files `0000.png`, `0001.png` and so on to a folder, which is created
    /// if needed. Returns their paths.
    ///
    /// The files are signed. Their metadata says that they are AI-generated, by which model, and
    /// from which prompt and seed. Files written by Pillow have no metadata and no signature.
    ///
    /// Raises FileExistsError if one of the files exists; then no file is written.
    fn save(&self, py: Python<'_>, folder: PathBuf) -> PyResult<Vec<PathBuf>> {
        let numbers = 0..self.marks.len();
        let paths: Vec<_> = numbers
            .map(|i| folder.join(format!("{i:04}.png")))
            .collect();
        if let Some(path) = paths.iter().find(|path| path.exists()) {
            let line = format!("{} already exists", path.display());
            return Err(PyFileExistsError::new_err(line));
        }
        let pictures = self.pictures(py);
        py.detach(|| {
            let signer = signer()?;
            let seal = Seal {
                signer: &signer,
                parent: None,
            };
            let mut faces = pictures.iter().zip(&self.marks).zip(&paths);
            faces.try_for_each(|((picture, mark), path)| seal.save(picture, mark, path))
        })
        .map_err(exception)?;
        Ok(paths)
    }

    fn __len__(&self) -> usize {
        self.marks.len()
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("Faces({:?})", self.pixels.bind(py).shape())
    }
}

impl Faces {
    /// The current pictures of the array, which Python code may have changed.
    fn pictures(&self, py: Python<'_>) -> Vec<RgbImage> {
        let pixels = self.pixels.bind(py).readonly();
        let pictures = pixels.as_array();
        let pictures = pictures.outer_iter().map(|picture| {
            let (height, width, _) = picture.dim();
            let bytes = picture.iter().copied().collect();
            RgbImage::from_raw(width as u32, height as u32, bytes)
        });
        pictures
            .map(|picture| picture.expect("three channels"))
            .collect()
    }
}

#[pymethods]
impl FaceDescription {
    fn __str__(&self) -> &str {
        &self.text
    }

    fn __repr__(&self) -> String {
        format!("FaceDescription({:?})", self.text)
    }
}

/// The user's own key, or a temporary key if that cannot be stored.
fn signer() -> Result<Signer, Error> {
    match own_signer() {
        Err(Error::Signing(SigningError::Io { .. })) => Ok(Signer::self_made()?),
        signer => signer,
    }
}
