//! Photographs that the generator draws again, from latents that an encoder beside it finds: so it has a place for every face,
//! and does not draw one face for all latents (VAE/GAN, Larsen et al. 2016, arXiv 1512.09300).

use std::f32::consts::FRAC_PI_2;
use std::path::Path;

use anyface::identity::IrSeConfig;
use anyface::inversion::{Encoder, EncoderConfig, Method};
use anyface::stylegan2::GeneratorConfig;
use burn::tensor::{Device, Int, Tensor};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

use crate::error::Result;
use crate::loss::{clip_loss, feature_distance, l1, laplacian_pyramid_l1, latent_mse};
use crate::stage::attribute_loss::{AttributeLoss, AttributeLossConfig};
use anyface::recognizer::Recognizer;

/// The `[reconstruction]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReconstructionConfig {
    /// Channels of the four stages of the encoder's backbone.
    channels: [usize; 4],
    /// Residual units of each stage.
    units: [usize; 4],
    /// Channels of the convolutions that lead to a latent layer.
    style_width: usize,
    /// How many images of a batch are photographs drawn again; the others are new.
    pub(super) photographs: usize,
    /// Bands of the Laplacian pyramid in the loss of the picture.
    pyramid_levels: usize,
    /// Weight of the loss of the picture.
    picture_weight: f64,
    /// Weight of the distance of what the discriminator's layers see, where it has a say.
    feature_weight: f64,
    /// How many of the photographs the recogniser compares, which takes longer than all else.
    identities: usize,
    /// Weight of the cosine of what it sees.
    identity_weight: f64,
    /// Weight of the squared error of latents that are found for new images.
    latent_weight: f64,
}

impl ReconstructionConfig {
    /// The sizes of the encoder for a generator.
    pub(super) fn encoder(&self, generator: &GeneratorConfig) -> EncoderConfig {
        let backbone = IrSeConfig::new()
            .with_channels(self.channels)
            .with_units(self.units);
        EncoderConfig::new(Method::RestyleE4e, generator.num_ws(), backbone)
            .with_resolution(generator.resolution())
            .with_style_width(self.style_width)
            .with_w_dim(generator.w_dim)
    }
}

/// What the losses compare with: frozen, on the training device.
pub(super) struct Reconstruction {
    config: ReconstructionConfig,
    recognizer: Recognizer,
    attribute_loss: Option<AttributeLoss>,
}

/// One batch: the photographs, what was drawn and from which latents, and what the discriminator's layers saw.
pub(super) struct Drawn<'a> {
    pub(super) photographs: &'a Tensor<4>,
    /// Begins with the photographs, drawn again.
    pub(super) images: &'a Tensor<4>,
    /// `[N, L, D]`.
    pub(super) w_plus: &'a Tensor<3>,
    /// Of `images` and of `photographs`; none without a discriminator.
    pub(super) seen: Option<[Vec<Tensor<4>>; 2]>,
}

impl Reconstruction {
    /// Opens the recogniser and the attribute loss.
    pub(super) fn open(
        config: &ReconstructionConfig,
        recognizer: &Path,
        attribute_loss: Option<&AttributeLossConfig>,
        device: &Device,
    ) -> Result<Self> {
        let device = device.clone().autodiff();
        Ok(Self {
            config: config.clone(),
            recognizer: Recognizer::open(recognizer, &device)?,
            attribute_loss: attribute_loss
                .map(|attribute_loss| attribute_loss.load(&device))
                .transpose()?,
        })
    }

    /// Latents `[N, L, D]` of the first photographs of a batch.
    pub(super) fn found(&self, encoder: &Encoder, photographs: &Tensor<4>) -> Tensor<3> {
        found(
            encoder,
            photographs.clone().narrow(0, 0, self.config.photographs),
        )
    }

    /// The weighted sum of the losses, and each by name.
    pub(super) fn losses(
        &self,
        encoder: &Encoder,
        drawn: Drawn<'_>,
    ) -> (Tensor<1>, Vec<(&'static str, Tensor<1>)>) {
        let config = &self.config;
        let count = config.photographs;
        let [n, ..] = drawn.images.dims();
        let again = drawn.images.clone().narrow(0, 0, count);
        let truth = drawn.photographs.clone().narrow(0, 0, count);
        let picture = l1(again.clone(), truth.clone())
            + laplacian_pyramid_l1(again.clone(), truth.clone(), config.pyramid_levels);
        let mut total = picture.clone() * config.picture_weight;
        let mut parts = vec![("picture", picture)];
        if let Some(seen) = drawn.seen {
            let first = |layers: Vec<Tensor<4>>| -> Vec<_> {
                let layers = layers.into_iter();
                layers.map(|layer| layer.narrow(0, 0, count)).collect()
            };
            let [seen, truly_seen] = seen.map(first);
            let truly_seen = truly_seen.into_iter().map(Tensor::detach).collect();
            let features = feature_distance(seen, truly_seen);
            total = total + features.clone() * config.feature_weight;
            parts.push(("features", features));
        }
        if let Some(attribute_loss) = &self.attribute_loss {
            let (loss, seen) = attribute_loss.compare(again.clone(), truth.clone());
            total = total + loss;
            parts.extend(seen);
        }
        let new = drawn.images.clone().narrow(0, count, n - count).detach();
        let known = drawn.w_plus.clone().narrow(0, count, n - count).detach();
        let latent = latent_mse(known, encoder.forward(new));
        total = total + latent.clone() * config.latent_weight;
        parts.push(("latent", latent));
        if config.identities > 0 {
            let [same, person] = [again, truth].map(|faces| {
                let some = faces.narrow(0, 0, config.identities.min(count));
                self.recognizer.identities(some)
            });
            let identity = clip_loss(same, person.detach());
            total = total + identity.clone() * config.identity_weight;
            parts.push(("identity", identity));
        }
        (total, parts)
    }
}

/// Latents `[N, L, D]` of photographs `[N, 3, R, R]`, the same in every layer: what the encoder finds for the first. A generator that
/// is taught by more would not need its mapping network's latents.
pub(super) fn found(encoder: &Encoder, photographs: Tensor<4>) -> Tensor<3> {
    let found = encoder.forward(photographs);
    let [_, layers, _] = found.dims();
    found.narrow(1, 0, 1).repeat_dim(1, layers)
}

/// So many random latents `[N, L, D]` with the mean and the spread of `found` `[M, L, D]`: each on an arc about their mean from one
/// to another.
pub(super) fn between(found: Tensor<3>, count: usize, rng: &mut ChaCha8Rng) -> Tensor<3> {
    let [m, ..] = found.dims();
    let device = found.device();
    let mean = found.clone().mean_dim(0);
    let from_mean = found - mean.clone();
    let angles: Vec<f32> = (0..count)
        .map(|_| rng.random_range(0.0..FRAC_PI_2))
        .collect();
    let some = |part: fn(f32) -> f32, rng: &mut ChaCha8Rng| {
        let places: Vec<i64> = (0..count).map(|_| rng.random_range(0..m as i64)).collect();
        let places = Tensor::<1, Int>::from_data(places.as_slice(), &device);
        let parts: Vec<f32> = angles.iter().map(|&angle| part(angle)).collect();
        let parts = Tensor::<1>::from_data(parts.as_slice(), &device);
        from_mean.clone().select(0, places) * parts.reshape([count, 1, 1])
    };
    some(f32::cos, rng) + some(f32::sin, rng) + mean
}
