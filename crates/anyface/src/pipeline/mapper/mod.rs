//! How the words of a bundle become latents.

mod anyface_plus;
mod clip2latent;
mod flow;
mod optimization;
mod random;
mod streams;
mod wiener;

use std::fmt::Debug;
use std::ops::Range;

use burn::tensor::{Device, Tensor};

use self::anyface_plus::AnyfacePlus;
use self::clip2latent::Clip2latent;
use self::flow::Flow;
use self::optimization::Optimization;
pub(super) use self::streams::Streams;
use super::Description;
use crate::Error;
use crate::bundle::{Bundle, BundleConfig, MapperKind, Truncation};
use crate::clip::ImageTower;
use crate::recognizer::Recognizer;
use crate::stylegan2::Generator;

/// A way from what is said to latents, and to what it changes in latents.
///
/// What is drawn of a seed has the same bits on every run of a machine.
pub(super) trait Mapper: Debug + Send + Sync {
    /// The latent of a face as it is described, `[1, L, D]`. Truncation acts on what comes of the
    /// seed, never on the words, unless the way's reference has it otherwise.
    fn face(&self, description: &Description, seed: u64, truncation: Truncation) -> Tensor<3>;

    /// The latent of a face of which nothing is said, `[1, L, D]`.
    fn random_face(&self, seed: u64, truncation: Truncation) -> Tensor<3>;

    /// What `text` changes of faces `[N, L, D]`, in all layers, `[N, L, D]`. What `neutral`
    /// changes, which asks for nothing, is no one's wish, and is subtracted. A way that optimises
    /// the faces has the recogniser hold who they are.
    fn change(
        &self,
        text: &Description,
        neutral: &Description,
        faces: Tensor<3>,
        recognizer: Option<&Recognizer>,
    ) -> Tensor<3>;

    /// The latent layers that carry what words say.
    fn layers(&self) -> Range<usize>;
}

/// The mapper of a bundle, beside its generator and its image tower.
pub(super) fn load(
    bundle: &Bundle,
    config: &BundleConfig,
    generator: &Generator,
    image_tower: &ImageTower,
    device: &Device,
) -> Result<Box<dyn Mapper>, Error> {
    Ok(match config.mapper {
        MapperKind::Streams => Box::new(Streams::load(bundle, config, generator, device)?),
        MapperKind::FlowPrior => Box::new(Flow::load(bundle, config, device)?),
        MapperKind::Clip2latent => Box::new(Clip2latent::load(bundle, config, generator, device)?),
        MapperKind::AnyfacePlus => Box::new(AnyfacePlus::load(bundle, config, generator, device)?),
        MapperKind::Optimization => Box::new(Optimization::new(config, generator, image_tower)),
    })
}
