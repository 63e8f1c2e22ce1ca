//! Mappers from text to latents, as used by [`Engine`](super::Engine).

mod anyface_plus;
mod clip2latent;
mod flow;
mod flow_z;
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
use self::flow_z::FlowZ;
use self::optimization::Optimization;
pub(super) use self::streams::Streams;
use super::Description;
use crate::Error;
use crate::bundle::{Bundle, BundleConfig, MapperKind, Truncation};
use crate::clip::ImageTower;
use crate::recognizer::Recognizer;
use crate::stylegan2::Generator;

/// Generates latents from text, and computes the change that a text makes in latents.
///
/// The latents of a seed have the same bits in every run on one machine.
pub(super) trait Mapper: Debug + Send + Sync {
    /// The latent for a description and seed, `[1, L, D]`. Truncation applies to the seed's part,
    /// not to the text, unless the mapper's reference does otherwise.
    fn face(&self, description: &Description, seed: u64, truncation: Truncation) -> Tensor<3>;

    /// The latents of N seeds, `[N, L, D]`. Their last bits may differ from those of
    /// [`Mapper::face`], since a mapper may compute all of them at once.
    fn faces(
        &self,
        description: &Description,
        seeds: Range<u64>,
        truncation: Truncation,
    ) -> Tensor<3> {
        let faces = seeds.map(|seed| self.face(description, seed, truncation));
        Tensor::cat(faces.collect(), 0)
    }

    /// The latent of a random face, without text, `[1, L, D]`.
    fn random_face(&self, seed: u64, truncation: Truncation) -> Tensor<3>;

    /// The change that `text` makes in faces `[N, L, D]`, for all layers, `[N, L, D]`. The change
    /// that `neutral`, a text without any request, makes is subtracted. A mapper that optimises
    /// keeps the identity of the faces by the recogniser.
    fn change(
        &self,
        text: &Description,
        neutral: &Description,
        faces: Tensor<3>,
        recognizer: Option<&Recognizer>,
    ) -> Tensor<3>;

    /// The latent layers that text controls.
    fn layers(&self) -> Range<usize>;
}

/// Loads the mapper of a bundle, given its generator and image tower.
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
        MapperKind::FlowPriorZ => Box::new(FlowZ::load(bundle, config, generator, device)?),
        MapperKind::Clip2latent => Box::new(Clip2latent::load(bundle, config, generator, device)?),
        MapperKind::AnyfacePlus => Box::new(AnyfacePlus::load(bundle, config, generator, device)?),
        MapperKind::Optimization => Box::new(Optimization::new(config, generator, image_tower)),
    })
}
