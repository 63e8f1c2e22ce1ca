//! Captions of faces, with what they say.

use anyface_portraits::Attributes;
use anyface_portraits::caption::{Caption, Grammar, Split};
use anyface_portraits::latent::{LATENT_DIM, sample, steer};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// A caption, and what is known of its face.
#[derive(Debug, Clone)]
pub struct CaptionedFace {
    /// The words and what they say.
    pub caption: Caption,
    /// All that can be seen of the face.
    pub attributes: Attributes,
}

/// One caption of each face. Caption `i` depends on the face, `seed` and `i` alone.
pub fn captions(split: Split, faces: Vec<Attributes>, seed: u64) -> Vec<CaptionedFace> {
    let grammar = Grammar::new(split);
    faces
        .into_par_iter()
        .enumerate()
        .map(|(i, attributes)| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(i as u64);
            CaptionedFace {
                caption: grammar.caption(&attributes, &mut rng),
                attributes,
            }
        })
        .collect()
}

/// Latents of `count` faces for each role of the split, of which the role is true: random faces hardly
/// ever look like a wizard.
pub fn latents_of_roles(split: Split, count: usize, seed: u64) -> Vec<[f32; LATENT_DIM]> {
    let roles = Grammar::new(split).roles();
    (0..roles.len() * count)
        .into_par_iter()
        .filter_map(|i| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(i as u64);
            let z = sample(&mut rng);
            steer(&z, &roles[i % roles.len()].says, &mut rng)
        })
        .collect()
}
