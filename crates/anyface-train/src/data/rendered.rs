//! Rendered portraits as labelled faces.

use std::ops::Range;
use std::sync::Arc;

use anyface_portraits::caption::{Caption, Grammar, Split};
use anyface_portraits::latent::LATENT_DIM;
use anyface_portraits::{Attributes, Face};
use burn::tensor::{Device, Tensor};
use rayon::prelude::*;

use super::captions::write_caption;
use super::faces::{CAPTIONS, FaceSplit, Faces};
use super::portraits::{PortraitCache, PortraitsConfig, build_cache};
use crate::error::Result;

/// A range of portraits in a cache.
pub(super) struct RenderedFaces {
    cache: Arc<PortraitCache>,
    /// Index of the first portrait in the cache.
    start: usize,
    attributes: Vec<Attributes>,
    grammar: Grammar,
    /// Seed of the captions.
    seed: u64,
}

impl RenderedFaces {
    /// Opens the portraits and renders missing ones. The last `held_out` are for evaluation.
    pub(super) fn open(config: &PortraitsConfig, held_out: usize) -> Result<FaceSplit> {
        build_cache(config)?;
        let cache = Arc::new(PortraitCache::open(&config.cache)?);
        let training = cache.len().saturating_sub(held_out);
        let part = |range: Range<usize>, split| {
            let attributes = |index| Face::from_latent(cache.latent(index)).attributes();
            Box::new(Self {
                cache: cache.clone(),
                start: range.start,
                attributes: range.into_par_iter().map(attributes).collect(),
                grammar: Grammar::new(split),
                seed: config.seed,
            })
        };
        Ok(FaceSplit {
            training: part(0..training, Split::Train),
            held_out: part(training..cache.len(), Split::HeldOut),
        })
    }
}

impl Faces for RenderedFaces {
    fn len(&self) -> usize {
        self.attributes.len()
    }

    fn size(&self) -> usize {
        self.cache.size()
    }

    fn images(&self, indices: &[usize], device: &Device) -> Tensor<4> {
        let places: Vec<usize> = indices.iter().map(|index| self.start + index).collect();
        self.cache.images(&places, device)
    }

    fn attributes(&self, index: usize) -> Attributes {
        self.attributes[index]
    }

    fn captions(&self, _: usize) -> usize {
        CAPTIONS
    }

    fn caption(&self, index: usize, number: usize) -> Caption {
        let face = &self.attributes[index];
        let number = (index * CAPTIONS + number) as u64;
        write_caption(&self.grammar, face, self.seed, number)
    }

    fn latent(&self, index: usize) -> Option<&[f32; LATENT_DIM]> {
        Some(self.cache.latent(self.start + index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_out_portraits_are_the_last_of_the_cache() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = PortraitsConfig {
            cache: folder.path().join("cache"),
            count: 6,
            size: 16,
            seed: 3,
        };
        let split = RenderedFaces::open(&config, 2).expect("portraits");
        assert_eq!((split.training.len(), split.held_out.len()), (4, 2));
        let cache = PortraitCache::open(&config.cache).expect("a cache");
        let device = Device::flex();
        split
            .held_out
            .images(&[1], &device)
            .into_data()
            .assert_eq(&cache.images(&[5], &device).into_data(), true);
        assert_eq!(
            split.held_out.attributes(0),
            Face::from_latent(cache.latent(4)).attributes()
        );
        let caption = split.held_out.caption(0, 0);
        assert_eq!(caption, split.held_out.caption(0, 0));
        assert!(caption.sentences.iter().any(|sentence| sentence.held_out));
    }
}
