//! The pipeline: the networks of one bundle.

use std::path::PathBuf;

use anyface::attributes::AttributeReader;
use anyface::image::Mark;
use anyface::photograph::Detector;
use anyface::recipe::find_bundle;
use anyface::{Bundle, Device, Edit, Engine, Error, Latent, REFINEMENT_STEPS};
use numpy::{PyArray3, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::error::{AnyfaceError, exception};
use crate::faces::{FaceBuffer, FaceDescription, Faces};
use crate::input::{Face, Latents, Picture, Prompts};

/// The networks of one bundle: generation, edits, inversion and description of faces.
///
/// The same seed, text and bundle give the same bytes in every run on one machine. All methods
/// release the GIL while they compute. Ctrl-C stops them between two faces.
#[pyclass(frozen, module = "anyface")]
pub(crate) struct Pipeline {
    engine: Engine,
    /// `None` if the bundle has no probe.
    attributes: Option<AttributeReader>,
    /// `None` if the environment variable of the detector is empty.
    detector: Option<Detector>,
}

impl Pipeline {
    fn load(bundle: &Bundle) -> Result<Self, Error> {
        let device = Device::flex();
        Ok(Self {
            engine: Engine::load(bundle, &device)?,
            attributes: AttributeReader::load(bundle, &device)?,
            detector: Detector::find(None)?,
        })
    }

    /// The metadata of a face's file.
    fn mark(&self, prompt: Option<&str>, seed: Option<u64>) -> Mark {
        Mark {
            prompt: prompt.map(str::to_owned),
            seed,
            ..Mark::new(self.engine.config().domain.name())
        }
    }

    /// Makes one face from each element of `from`, without the GIL.
    fn collect<T: Sync>(
        py: Python<'_>,
        from: &[T],
        make: impl Fn(&T) -> Result<(image::RgbImage, Latent, Mark), Error> + Sync,
    ) -> PyResult<Faces> {
        let mut faces = FaceBuffer::default();
        for from in from {
            let (picture, latent, mark) = py.detach(|| make(from)).map_err(exception)?;
            faces.push(picture, &latent, mark);
            py.check_signals()?;
        }
        Faces::new(py, faces, None, None)
    }
}

#[pymethods]
impl Pipeline {
    /// The built-in bundle: portraits of 128 pixels in the style of an animated film.
    #[staticmethod]
    fn builtin(py: Python<'_>) -> PyResult<Self> {
        py.detach(|| Self::load(&Bundle::builtin()))
            .map_err(exception)
    }

    /// The bundle in a folder, or with a name from `anyface models list`.
    ///
    /// Raises AnyfaceError if there is no such bundle or its networks do not fit each other,
    /// FileNotFoundError if one of its files is missing.
    #[staticmethod]
    fn from_pretrained(py: Python<'_>, name_or_folder: PathBuf) -> PyResult<Self> {
        py.detach(|| Self::load(&find_bundle(&name_or_folder)?))
            .map_err(exception)
    }

    /// Side of generated pictures in pixels.
    #[getter]
    fn resolution(&self) -> u32 {
        self.engine.resolution()
    }

    /// L and D: number of latent layers, and width of a latent.
    #[getter]
    fn latent_shape(&self) -> (usize, usize) {
        let generator = &self.engine.config().generator;
        (generator.num_ws(), generator.w_dim)
    }

    /// Generate `num_images_per_prompt` faces for each description.
    ///
    /// Each sentence of a description is encoded separately, so long descriptions are not
    /// truncated. Face i of a description uses the seed `seed + i` and does not depend on the
    /// number of faces. `truncation`, from 0 (the mean face) to 1 (the full variety), applies to
    /// what the description does not determine; None selects the bundle's default.
    ///
    /// Raises ValueError for an empty description, no faces, or a truncation outside its range.
    #[pyo3(signature = (prompt, *, num_images_per_prompt=1, seed=0, truncation=None))]
    fn __call__(
        &self,
        py: Python<'_>,
        prompt: Prompts,
        num_images_per_prompt: u32,
        seed: u64,
        truncation: Option<f64>,
    ) -> PyResult<Faces> {
        let prompts = prompt.into_vec();
        if num_images_per_prompt == 0 || prompts.is_empty() {
            return Err(PyValueError::new_err(
                "at least one prompt and one image per prompt are required",
            ));
        }
        let truncation = self.engine.truncation(truncation).map_err(exception)?;
        let descriptions = py.detach(|| {
            let prompts = prompts.iter();
            let read = prompts.map(|prompt| Ok((prompt, self.engine.describe(&[prompt])?)));
            read.collect::<Result<Vec<_>, Error>>()
        });
        let (mut faces, mut seeds, mut scores) = (FaceBuffer::default(), Vec::new(), Vec::new());
        for (prompt, description) in descriptions.map_err(exception)? {
            for i in 0..u64::from(num_images_per_prompt) {
                let seed = seed.wrapping_add(i);
                let face = py.detach(|| self.engine.face(&description, seed, truncation));
                faces.push(
                    face.image,
                    &face.latent,
                    self.mark(Some(prompt), Some(seed)),
                );
                seeds.push(seed);
                scores.push(face.clip_score);
                py.check_signals()?;
            }
        }
        Faces::new(py, faces, Some(seeds), Some(scores))
    }

    /// Edit faces by text.
    ///
    /// `face` is the result of `__call__`, `edit` or `invert`, latents `[N, L, D]`, or a picture: a
    /// path, a Pillow image, or an array `[H, W, 3]` of uint8. In a picture, face `face_index` is
    /// edited (0 is the largest), and only the change is pasted back into the whole picture. A
    /// square array or Pillow image of `resolution` pixels is taken as an aligned face. `refine` is
    /// the number of refinement steps of the inversion, see `invert`.
    ///
    /// `strength` is from -1 to 1: 0 changes nothing, 1 applies the text fully, -1 applies the
    /// opposite. `keep` has descriptions of what must not change.
    ///
    /// Raises ValueError for arguments outside their range, AnyfaceError for a picture without a
    /// face, OSError for a file that cannot be read.
    #[pyo3(signature = (
        face, prompt, *, strength=1.0, keep=Vec::new(), face_index=0, refine=REFINEMENT_STEPS
    ))]
    #[pyo3(
        text_signature = "($self, face, prompt, *, strength=1.0, keep=(), face_index=0, refine=20)"
    )]
    fn edit(
        &self,
        py: Python<'_>,
        face: Face,
        prompt: &str,
        strength: f64,
        keep: Vec<String>,
        face_index: usize,
        refine: u32,
    ) -> PyResult<Faces> {
        let engine = &self.engine;
        let edit = Edit {
            strength,
            keep,
            ..Edit::default()
        };
        let mark = || self.mark(Some(prompt), None);
        match face {
            Face::Latents(latents) => Self::collect(py, &latents.into_faces(engine)?, |face| {
                let edited = engine.edit(face, prompt, &edit)?;
                Ok((engine.draw(&edited), edited, mark()))
            }),
            Face::Picture(picture) => {
                let opened = py.detach(|| picture.open(engine, self.detector.as_ref(), face_index));
                Self::collect(py, &[opened.map_err(exception)?], |photograph| {
                    let face = engine.invert(&photograph.face, refine);
                    let edited = engine.edit(&face, prompt, &edit)?;
                    let changed = engine.edit_photo(photograph, &face, &edited, None);
                    let picture = photograph.paste_back(&changed, None).into_rgb8();
                    Ok((picture, edited, mark()))
                })
            }
        }
    }

    /// Invert a face in a picture to its latent, `[1, L, D]` of float32.
    ///
    /// The bundle's encoder finds the latent, then `refine` steps of gradient descent reduce the
    /// image error. See `edit` for pictures, `face_index` and errors.
    #[pyo3(signature = (image, *, face_index=0, refine=REFINEMENT_STEPS))]
    #[pyo3(text_signature = "($self, image, *, face_index=0, refine=20)")]
    fn invert<'py>(
        &self,
        py: Python<'py>,
        image: Picture,
        face_index: usize,
        refine: u32,
    ) -> PyResult<Bound<'py, PyArray3<f32>>> {
        let latent = py.detach(|| {
            let photograph = image.open(&self.engine, self.detector.as_ref(), face_index)?;
            Ok(self.engine.invert(&photograph.face, refine))
        });
        let latent: Latent = latent.map_err(exception)?;
        numpy::PyArray1::from_vec(py, latent.values()).reshape(latent.w_plus.dims())
    }

    /// Generate the pictures of latents `[N, L, D]` or `[L, D]`.
    ///
    /// Raises ValueError if the latents have another shape or are not finite.
    fn draw(&self, py: Python<'_>, latents: Latents) -> PyResult<Faces> {
        Self::collect(py, &latents.into_faces(&self.engine)?, |latent| {
            Ok((
                self.engine.draw(latent),
                latent.clone(),
                self.mark(None, None),
            ))
        })
    }

    /// Describe a face in a picture by its attributes.
    ///
    /// See `edit` for pictures, `face_index` and errors. Also raises AnyfaceError if the bundle has
    /// no attribute probe.
    #[pyo3(signature = (image, *, face_index=0))]
    fn describe(
        &self,
        py: Python<'_>,
        image: Picture,
        face_index: usize,
    ) -> PyResult<FaceDescription> {
        let reader = self.attributes.as_ref().ok_or_else(|| {
            AnyfaceError::new_err("the bundle has no attribute probe, so it cannot describe faces")
        })?;
        py.detach(|| {
            let photograph = image.open(&self.engine, self.detector.as_ref(), face_index)?;
            let seen = reader.read(&photograph.face);
            Ok(FaceDescription {
                text: seen.in_words(),
                attributes: seen
                    .iter()
                    .map(|(attribute, probability)| (attribute.name(), probability))
                    .collect(),
                faces: photograph.found.map_or(1, |faces| faces.len()),
            })
        })
        .map_err(exception)
    }

    fn __repr__(&self) -> String {
        let (name, side) = (self.engine.config().domain.name(), self.resolution());
        format!("Pipeline({name:?}, {side} × {side} pixels)")
    }
}
