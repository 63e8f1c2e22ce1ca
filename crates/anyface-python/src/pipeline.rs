//! The networks of one bundle.

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

/// The networks of one bundle: from words to faces, and from faces to others.
///
/// Same seed, same words, same bundle: the same bytes on every run of a machine. All methods release
/// the GIL while they compute. Ctrl-C stops them between two faces.
#[pyclass(frozen, module = "anyface")]
pub(crate) struct Pipeline {
    engine: Engine,
    /// None where the bundle has no probe.
    attributes: Option<AttributeReader>,
    /// None where the environment asks for none.
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

    /// What the files of a face say of its making.
    fn mark(&self, prompt: Option<&str>, seed: Option<u64>) -> Mark {
        Mark {
            prompt: prompt.map(str::to_owned),
            seed,
            ..Mark::new(self.engine.config().domain.name())
        }
    }

    /// Faces that are made one after another, each without the GIL.
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
    /// The bundle inside the package: characters of 128 pixels, in the manner of an animated film.
    #[staticmethod]
    fn builtin(py: Python<'_>) -> PyResult<Self> {
        py.detach(|| Self::load(&Bundle::builtin()))
            .map_err(exception)
    }

    /// The bundle in a folder, or of a name that `anyface models list` shows.
    ///
    /// Raises AnyfaceError when there is none or a network does not fit, FileNotFoundError when one of
    /// its files is missing.
    #[staticmethod]
    fn from_pretrained(py: Python<'_>, name_or_folder: PathBuf) -> PyResult<Self> {
        py.detach(|| Self::load(&find_bundle(&name_or_folder)?))
            .map_err(exception)
    }

    /// Side of the pictures in pixels.
    #[getter]
    fn resolution(&self) -> u32 {
        self.engine.resolution()
    }

    /// L and D: the latent layers, and the width of a latent.
    #[getter]
    fn latent_shape(&self) -> (usize, usize) {
        let generator = &self.engine.config().generator;
        (generator.num_ws(), generator.w_dim)
    }

    /// Draw faces that fit a description, or `num_images_per_prompt` for each of several.
    ///
    /// Each sentence of a description is read alone, so a long one says more than a short one. Face i
    /// of a description uses the seed `seed + i` and is the same whatever the number of faces.
    /// `truncation`, 0 (the mean) to 1, says how typical faces are in what the words leave open; the
    /// bundle's own when None.
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
                "there must be one prompt at least, and one image per prompt",
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

    /// Change faces in words.
    ///
    /// `face` is what `__call__`, `edit` or `invert` returned, latents `[N, L, D]`, or a picture: a
    /// path, a picture of Pillow, or an array `[H, W, 3]` of uint8. Of a picture only what the words
    /// change is drawn anew, and put back into the whole picture; its face number `face_index` is
    /// changed, 0 is the largest. A square array or picture of Pillow of `resolution` pixels counts
    /// as an aligned face. `refine` is as in `invert`.
    ///
    /// `strength` is -1 to 1: 0 changes nothing, 1 as much as the words say, -1 the opposite. `keep`
    /// has words for what must not change.
    ///
    /// Raises ValueError for arguments outside their range, AnyfaceError for a picture without a face,
    /// OSError for a file that cannot be read.
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

    /// Find the latent of a face of a picture, `[1, L, D]` of float32.
    ///
    /// The bundle's encoder finds it, then `refine` steps go down the slope of the picture's error.
    /// Pictures, faces and errors are as in `edit`.
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

    /// Draw faces from latents `[N, L, D]` or `[L, D]`.
    ///
    /// Raises ValueError when they have another shape or are not finite.
    fn draw(&self, py: Python<'_>, latents: Latents) -> PyResult<Faces> {
        Self::collect(py, &latents.into_faces(&self.engine)?, |latent| {
            Ok((
                self.engine.draw(latent),
                latent.clone(),
                self.mark(None, None),
            ))
        })
    }

    /// Say in words what is seen in a face of a picture.
    ///
    /// Pictures, faces and errors are as in `edit`; raises AnyfaceError too where the bundle has no
    /// attribute probe.
    #[pyo3(signature = (image, *, face_index=0))]
    fn describe(
        &self,
        py: Python<'_>,
        image: Picture,
        face_index: usize,
    ) -> PyResult<FaceDescription> {
        let reader = self.attributes.as_ref().ok_or_else(|| {
            AnyfaceError::new_err(
                "this bundle has no probe, so nothing reads attributes from faces",
            )
        })?;
        py.detach(|| {
            let photograph = image.open(&self.engine, self.detector.as_ref(), face_index)?;
            let seen = reader.read(&photograph.face);
            Ok(FaceDescription {
                text: seen.in_words(),
                attributes: seen.iter().map(|(a, sure)| (a.name(), sure)).collect(),
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
