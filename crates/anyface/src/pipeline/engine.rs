//! The networks of one bundle, ready to run.

use std::path::Path;

use burn::tensor::{Device, Tensor};

use super::wiener::wiener_filter;
use crate::Error;
use crate::bundle::{Bundle, BundleConfig};
use crate::clip::{ImageTower, Preprocess, TextTower, Tokenizer};
use crate::inversion::Encoder;
use crate::mapper::Stream;
use crate::stylegan2::{Generator, Precision, PreparedSynthesis};

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
    pub(crate) text_stream: Stream,
    pub(crate) generator: Generator,
    /// Of `generator`, for drawing.
    pub(crate) synthesis: PreparedSynthesis,
    pub(crate) encoder: Option<Encoder>,
    /// What keeps changes of `w` to what faces vary in, `[D, D]`; none where that is not known.
    pub(crate) wiener_filter: Option<Tensor<2>>,
}

impl Engine {
    /// The engine of the bundle inside the library, on the CPU.
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
        let encoder = config.inversion.as_ref();
        let encoder = encoder.map(|encoder| bundle.network("inversion", encoder.init(device)));
        let generator: Generator = bundle.network("generator", config.generator.init(device))?;
        let synthesis = generator.synthesis.clone().prepare(Precision::F32);
        Ok(Self {
            encoder: encoder.transpose()?,
            tokenizer: bundle.tokenizer()?,
            text_tower: bundle.network("text_tower", config.text_tower.init(device))?,
            image_tower: bundle.network("image_tower", config.image_tower.init(device))?,
            preprocess: config.clip.preprocess(config.image_tower.resolution()),
            text_stream: bundle.network("text_stream", config.text_stream.init(device))?,
            wiener_filter: generator.mapping.covariance().as_ref().map(wiener_filter),
            generator,
            synthesis: synthesis.expect("f32 runs everywhere"),
            device: device.clone(),
            config,
        })
    }

    /// What the bundle says of itself.
    pub const fn config(&self) -> &BundleConfig {
        &self.config
    }
}
