//! Training pictures of the encoder.

use std::ops::Range;

use anyface::bundle::ZDistribution;
use anyface::stylegan2::{Generator, Noise, broadcast};
use burn::tensor::Tensor;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::data::faces::{FaceSplit, Faces};
use crate::data::images::flip;
use crate::data::portraits::codes;
use crate::stage::random_w::random_w;

/// Pictures `[N, 3, R, R]`, and latents `[M, L, D]` of the first M of them.
pub(super) struct Batch {
    pub(super) images: Tensor<4>,
    pub(super) latents: Option<Tensor<3>>,
}

/// A random training batch. Portraits have latents. Photographs have none, so half of the batch is
/// random faces of the generator with their latents.
pub(super) fn draw(
    faces: &FaceSplit,
    count: usize,
    generator: &Generator,
    rng: &mut ChaCha8Rng,
) -> Batch {
    let training = &*faces.training;
    let random = |count: usize, rng: &mut ChaCha8Rng| -> Vec<usize> {
        let place = |_| rng.random_range(0..training.len());
        (0..count).map(place).collect()
    };
    if training.latent(0).is_some() {
        return known(training, &random(count, rng), generator);
    }
    let drawn = count / 2;
    let photographs = known(training, &random(count - drawn, rng), generator).images;
    let photographs = flip(photographs, rng);
    let w = random_w(drawn, &generator.mapping, ZDistribution::Normal, rng);
    let latents = broadcast(w, generator.synthesis.num_ws());
    let drawn = generator.synthesis.forward(latents.clone(), Noise::None);
    Batch {
        images: Tensor::cat(vec![drawn, photographs], 0),
        latents: Some(latents),
    }
}

/// A range of held-out pictures.
pub(super) fn held_out(faces: &FaceSplit, places: Range<usize>, generator: &Generator) -> Batch {
    known(&*faces.held_out, &places.collect::<Vec<_>>(), generator)
}

/// Pictures of faces, with latents if the faces are rendered.
fn known(faces: &dyn Faces, places: &[usize], generator: &Generator) -> Batch {
    let device = generator.synthesis.input.device();
    let z: Option<Vec<_>> = places
        .iter()
        .map(|&place| faces.latent(place).copied())
        .collect();
    let latents = z.map(|z| {
        let w = generator.mapping.forward(codes(&z, &device));
        broadcast(w, generator.synthesis.num_ws())
    });
    Batch {
        images: faces.images(places, &device),
        latents,
    }
}
