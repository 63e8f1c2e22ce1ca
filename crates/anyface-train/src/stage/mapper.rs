//! The mapper: both streams at once, on captions of rendered portraits and the latents of a trained generator.

use std::path::{Path, PathBuf};

use anyface::clip::{ImageTower, TextTower, Tokenizer, unit};
use anyface::image::{contact_sheet, save_png, to_rgb};
use anyface::mapper::{Mapped, Stream, StreamConfig, inject};
use anyface::stylegan2::Generator;
use anyface::weights::Bundle;
use anyface_portraits::caption::{Grammar, Split};
use anyface_portraits::latent::{LATENT_DIM, latent_dims};
use anyface_portraits::{Attribute, Face};
use burn::module::Module;
use burn::tensor::{Bool, Device, Tensor, TensorData};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::Deserialize;

use crate::data::portraits::PortraitCache;
use crate::error::Result;
use crate::loss;
use crate::run::{Evaluation, RunConfig, Stage, StepOutput, load_config, train};

/// `configs/*/mapper.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapperConfig {
    /// The loop.
    pub run: RunConfig,
    /// Bundle that holds the towers and the generator, and is given the two streams.
    pub bundle: PathBuf,
    /// Cache of rendered portraits.
    pub cache: PathBuf,
    /// Portraits at the end of the cache that are kept for evaluation.
    pub held_out: usize,
    /// Faces a step.
    pub batch: usize,
    /// The most captions of one face.
    pub captions: usize,
    /// Part of the batch whose captions say nothing of a face, so that such words change nothing.
    pub idle_text: f64,
    /// File with one text a line that says nothing of a face.
    pub idle_lines: PathBuf,
    /// How often a dim that a said attribute depends on, but is not its own, is drawn anew in the
    /// latent that the text stream reads.
    pub redraw_parents: f64,
    /// Steps between two that draw pictures, for the losses on them.
    pub image_every: u64,
    /// Faces drawn in such a step, each by both streams.
    pub image_batch: usize,
    /// Unmatched captions a face for the diverse triplet loss.
    pub negatives: usize,
    /// Margin m of the diverse triplet loss.
    pub margin: f64,
    /// Noise injection replaces the latent layers below this one.
    pub injection_layer: usize,
    /// Weights of the losses.
    pub weight: Weights,
    /// Text stream.
    pub text_stream: StreamConfig,
    /// Reconstruction stream.
    pub image_stream: StreamConfig,
}

/// Weight of each loss (METHOD: the paper's, section 3.3).
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// Cross modal distillation, both ways.
    pub cmd: f64,
    /// Diverse triplet.
    pub triplet: f64,
    /// 1 − cosine of picture and words.
    pub clip: f64,
    /// Latent of the reconstruction stream.
    pub latent: f64,
    /// Latent of the text stream (AnyFace++'s cycle loss).
    pub cycle: f64,
    /// Pictures of both streams.
    pub reconstruction: f64,
}

/// Both streams, trained together.
#[derive(Module, Debug)]
pub struct Streams {
    /// Text to face.
    pub text: Stream,
    /// Reconstruction.
    pub image: Stream,
}

/// The frozen networks, on one device.
struct Frozen {
    image_tower: ImageTower,
    generator: Generator,
}

impl Frozen {
    fn load(bundle: &Bundle, device: &Device) -> Result<Self> {
        Ok(Self {
            image_tower: bundle.part::<_, ImageTower>("image_tower", device)?.no_grad(),
            generator: bundle.part::<_, Generator>("generator", device)?.no_grad(),
        })
    }
}

/// What one step learns from: N faces with up to C captions each.
struct Batch {
    /// Places in the cache.
    faces: Vec<usize>,
    /// Unit text features `[N, C, E]`, zero where absent.
    text: Tensor<3>,
    /// Where a face has fewer than C captions, `[N, C]`.
    absent: Tensor<2, Bool>,
    /// Mean unit text feature `[N, E]`.
    text_mean: Tensor<2>,
    /// Unit image feature `[N, 1, E]`.
    image: Tensor<3>,
    /// Latent of the face but for what its captions say, `[N, D]`.
    w_c: Tensor<2>,
    /// Latent of the face `[N, L, D]`.
    w: Tensor<3>,
    /// Faces from the first whose captions speak of them; those of the rest say nothing.
    described: usize,
}

/// Trains [`Streams`].
struct MapperStage {
    config: MapperConfig,
    cache: PortraitCache,
    grammar: Grammar,
    idle_lines: Vec<String>,
    tokenizer: Tokenizer,
    text_tower: TextTower,
    /// Without gradients, for features and evaluation.
    frozen: Frozen,
    /// On the training device, for gradients through the picture.
    differentiable: Frozen,
    device: Device,
    step: u64,
}
