//! The pictures that the encoder learns from.

use std::ops::Range;
use std::path::Path;

use anyface::stylegan2::{Generator, Noise, broadcast};
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::InversionConfig;
use crate::data::faces::FaceSplit;
use crate::data::portraits::{PortraitCache, build_cache, codes};
use crate::error::{Result, TrainError};
use crate::stage::adversarial::flip;

/// Pictures, and what is known of their latents.
pub(super) enum Sitters {
    /// Each has the latent that it was rendered from. So many, the last, are for evaluation only.
    Portraits(PortraitCache, usize),
    /// None has a latent; half of a batch is what the generator draws, which has.
    Photographs(FaceSplit),
}

/// Pictures `[N, 3, R, R]` and the latents `[M, L, D]` of the first M of them.
pub(super) struct Batch {
    pub(super) images: Tensor<4>,
    pub(super) latents: Option<Tensor<3>>,
}

impl Sitters {
    /// Opens the pictures of a configuration file, rendering portraits first where the cache is not complete.
    pub(super) fn open(file: &Path, config: &InversionConfig) -> Result<Self> {
        let held_out = config.learning.held_out;
        match (&config.portraits, &config.photographs) {
            (Some(portraits), None) => {
                build_cache(portraits)?;
                let cache = PortraitCache::open(&portraits.cache)?;
                match cache.len() > held_out {
                    true => Ok(Self::Portraits(cache, held_out)),
                    false => Err(TrainError::Config {
                        path: file.to_owned(),
                        message: "[learning] `held_out` leaves no portrait to learn from"
                            .to_owned(),
                    }),
                }
            }
            (portraits, photographs) => {
                let (portraits, photographs) = (portraits.as_ref(), photographs.as_ref());
                let faces = FaceSplit::open(file, portraits, photographs, held_out)?;
                Ok(Self::Photographs(faces))
            }
        }
    }

    /// Side of the pictures in pixels, R.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Portraits(cache, _) => cache.size(),
            Self::Photographs(faces) => faces.size(),
        }
    }

    /// Pictures for evaluation.
    pub(super) fn held_out(&self) -> usize {
        match self {
            Self::Portraits(_, held_out) => *held_out,
            Self::Photographs(faces) => faces.held_out.len(),
        }
    }

    /// Random pictures to learn from.
    pub(super) fn draw(&self, count: usize, generator: &Generator, rng: &mut ChaCha8Rng) -> Batch {
        match self {
            Self::Portraits(cache, held_out) => {
                let places = random(count, cache.len() - held_out, rng);
                of_portraits(cache, &places, generator)
            }
            Self::Photographs(faces) => {
                let drawn = count / 2;
                let places = random(count - drawn, faces.training.len(), rng);
                let device = generator.synthesis.input.device();
                let photographs = flip(faces.training.images(&places, &device), rng);
                let latents = random_latents(drawn, generator, rng);
                let drawn = generator.synthesis.forward(latents.clone(), Noise::None);
                Batch {
                    images: Tensor::cat(vec![drawn, photographs], 0),
                    latents: Some(latents),
                }
            }
        }
    }

    /// Some of the pictures for evaluation.
    pub(super) fn for_evaluation(&self, places: Range<usize>, generator: &Generator) -> Batch {
        match self {
            Self::Portraits(cache, held_out) => {
                let first = cache.len() - held_out;
                let places: Vec<usize> = places.map(|place| first + place).collect();
                of_portraits(cache, &places, generator)
            }
            Self::Photographs(faces) => {
                let device = generator.synthesis.input.device();
                let places: Vec<usize> = places.collect();
                Batch {
                    images: faces.held_out.images(&places, &device),
                    latents: None,
                }
            }
        }
    }
}

fn random(count: usize, below: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    (0..count).map(|_| rng.random_range(0..below)).collect()
}

/// Portraits with the latents that they were rendered from.
fn of_portraits(cache: &PortraitCache, places: &[usize], generator: &Generator) -> Batch {
    let device = generator.synthesis.input.device();
    let z: Vec<_> = places.iter().map(|&place| *cache.latent(place)).collect();
    let w = generator.mapping.forward(codes(&z, &device));
    Batch {
        images: cache.images(places, &device),
        latents: Some(broadcast(w, generator.synthesis.num_ws())),
    }
}

/// Latents `[N, L, D]` of normal `z`.
fn random_latents(count: usize, generator: &Generator, rng: &mut ChaCha8Rng) -> Tensor<3> {
    let device: Device = generator.synthesis.input.device();
    let z_dim = generator.mapping.z_dim();
    let z: Vec<f32> = StandardNormal
        .sample_iter(rng)
        .take(count * z_dim)
        .collect();
    let z = Tensor::from_data(TensorData::new(z, [count, z_dim]), &device);
    broadcast(generator.mapping.forward(z), generator.synthesis.num_ws())
}
