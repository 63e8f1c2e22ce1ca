//! The networks of one bundle, ready to run.

use std::path::Path;
use std::sync::OnceLock;

use burn::tensor::Device;

use super::invert::PictureEncoder;
use super::mapper::{self, Mapper};
use super::optimize::LatentOptimizer;
use crate::Error;
use crate::bundle::{Bundle, BundleConfig};
use crate::clip::{ImageTower, Preprocess, TextTower, Tokenizer};
use crate::mapper::GlobalDirections;
use crate::recognizer::Recognizer;
use crate::segmentation::PersonMask;
use crate::stylegan2::{Generator, Precision, PreparedSynthesis, Unsupported};

/// The networks of one bundle on one device.
///
/// Same seed, same words, same bundle: the same bytes on every run of a machine, whatever the number
/// of faces or threads. Faces are therefore drawn one at a time: a batched matrix product may sum in
/// another order than a single one.
#[derive(Debug)]
pub struct Engine {
    pub(crate) config: BundleConfig,
    pub(crate) device: Device,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) text_tower: TextTower,
    pub(crate) image_tower: ImageTower,
    /// Of `image_tower`.
    pub(crate) preprocess: Preprocess,
    pub(crate) generator: Generator,
    /// Of `generator`, for drawing.
    pub(crate) synthesis: PreparedSynthesis,
    /// From words to latents of `generator`.
    pub(super) mapper: Box<dyn Mapper>,
    pub(super) encoder: Option<PictureEncoder>,
    /// For edits in the style space.
    pub(super) directions: Option<GlobalDirections>,
    /// For edits by optimisation.
    pub(super) optimizer: LatentOptimizer,
    /// Holds who somebody is in such edits.
    pub(super) recognizer: Option<Recognizer>,
    /// Made when it is first wanted.
    pub(super) person_mask: OnceLock<PersonMask>,
}

impl Engine {
    /// The engine of the bundle inside the library, on the CPU.
    ///
    /// ```
    /// let engine = anyface::Engine::builtin()?;
    /// assert_eq!(engine.resolution(), 128);
    /// # Ok::<(), anyface::Error>(())
    /// ```
    ///
    /// # Errors
    /// When this build carries no bundle.
    pub fn builtin() -> Result<Self, Error> {
        Self::load(&Bundle::builtin(), &Device::flex())
    }

    /// The engine of a bundle in a folder, on the CPU.
    ///
    /// # Errors
    /// Names the file or tensor that is missing, superfluous or of the wrong shape.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        Self::load(&Bundle::folder(folder), &Device::flex())
    }

    /// The engine of any bundle on any device.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn load(bundle: &Bundle, device: &Device) -> Result<Self, Error> {
        let config = bundle.config()?;
        let generator: Generator = bundle.network("generator", config.generator.init(device))?;
        let image_tower = bundle.network("image_tower", config.image_tower.init(device))?;
        let synthesis = generator.synthesis.clone().prepare(Precision::F32);
        let directions = config.directions.as_ref();
        let directions = directions.map(|sizes| bundle.network("directions", sizes.init(device)));
        Ok(Self {
            encoder: PictureEncoder::load(bundle, &config, device)?,
            mapper: mapper::load(bundle, &config, &generator, &image_tower, device)?,
            optimizer: LatentOptimizer::new(&config, &generator, &image_tower),
            recognizer: None,
            directions: directions.transpose()?,
            tokenizer: bundle.tokenizer()?,
            text_tower: bundle.network("text_tower", config.text_tower.init(device))?,
            image_tower,
            preprocess: config.clip.preprocess(config.image_tower.resolution()),
            generator,
            synthesis: synthesis.expect("f32 runs everywhere"),
            device: device.clone(),
            person_mask: OnceLock::new(),
            config,
        })
    }

    /// The same engine, with a recogniser to hold who somebody is in edits by optimisation: the one
    /// whose weights are at `path`, else as [`Recognizer::find`] finds it.
    ///
    /// # Errors
    /// As [`Recognizer::open`].
    pub fn with_recognizer(self, path: Option<&Path>) -> Result<Self, Error> {
        let recognizer = Recognizer::find(path, &self.device.clone().autodiff())?;
        Ok(Self { recognizer, ..self })
    }

    /// The same engine, that draws in this precision.
    ///
    /// # Errors
    /// [`Unsupported`] where the machine cannot.
    pub fn with_precision(self, precision: Precision) -> Result<Self, Unsupported> {
        let synthesis = self.generator.synthesis.clone().prepare(precision)?;
        Ok(Self { synthesis, ..self })
    }

    /// What the bundle says of itself.
    pub const fn config(&self) -> &BundleConfig {
        &self.config
    }

    /// Side of the pictures, R, in pixels.
    pub fn resolution(&self) -> u32 {
        self.config.generator.resolution() as u32
    }
}
