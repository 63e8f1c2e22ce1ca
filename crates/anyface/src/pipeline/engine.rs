//! [`Engine`]: the networks of one bundle, ready to run.

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
/// The same seed, text and bundle give the same bytes in every run on one machine, for any number
/// of faces or threads. So faces are generated one at a time: a batched matrix product may sum in
/// another order than a single one.
#[derive(Debug)]
pub struct Engine {
    pub(crate) config: BundleConfig,
    pub(crate) device: Device,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) text_tower: TextTower,
    pub(crate) image_tower: ImageTower,
    /// Preprocessing of `image_tower`.
    pub(crate) preprocess: Preprocess,
    pub(crate) generator: Generator,
    /// `generator` prepared for inference.
    pub(crate) synthesis: PreparedSynthesis,
    /// Text to latents of `generator`.
    pub(super) mapper: Box<dyn Mapper>,
    pub(super) encoder: Option<PictureEncoder>,
    /// For edits in style space.
    pub(super) directions: Option<GlobalDirections>,
    /// For edits by optimisation.
    pub(super) optimizer: LatentOptimizer,
    /// Preserves the identity in edits by optimisation.
    pub(super) recognizer: Option<Recognizer>,
    /// Created on first use.
    pub(super) person_mask: OnceLock<PersonMask>,
}

impl Engine {
    /// Loads the built-in bundle on the CPU.
    ///
    /// ```
    /// let engine = anyface::Engine::builtin()?;
    /// assert_eq!(engine.resolution(), 128);
    /// # Ok::<(), anyface::Error>(())
    /// ```
    ///
    /// # Errors
    /// If this build has no built-in bundle.
    pub fn builtin() -> Result<Self, Error> {
        Self::load(&Bundle::builtin(), &Device::flex())
    }

    /// Loads the bundle in a folder on the CPU.
    ///
    /// # Errors
    /// Names the file or tensor that is missing, superfluous or misshapen.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        Self::load(&Bundle::folder(folder), &Device::flex())
    }

    /// Loads any bundle on any device.
    ///
    /// # Errors
    /// See [`Engine::open`].
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
            synthesis: synthesis.expect("every device supports f32"),
            device: device.clone(),
            person_mask: OnceLock::new(),
            config,
        })
    }

    /// Adds a recogniser, which preserves the identity in edits by optimisation. Its weights are at
    /// `path`, or where [`Recognizer::find`] finds them.
    ///
    /// # Errors
    /// See [`Recognizer::open`].
    pub fn with_recognizer(self, path: Option<&Path>) -> Result<Self, Error> {
        let recognizer = Recognizer::find(path, &self.device.clone().autodiff())?;
        Ok(Self { recognizer, ..self })
    }

    /// Sets the precision of image generation.
    ///
    /// # Errors
    /// [`Unsupported`] if the machine does not support it.
    pub fn with_precision(self, precision: Precision) -> Result<Self, Unsupported> {
        let synthesis = self.generator.synthesis.clone().prepare(precision)?;
        Ok(Self { synthesis, ..self })
    }

    /// The config of the bundle.
    pub const fn config(&self) -> &BundleConfig {
        &self.config
    }

    /// R, the side of generated images in pixels.
    pub fn resolution(&self) -> u32 {
        self.config.generator.resolution() as u32
    }
}
