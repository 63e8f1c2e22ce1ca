//! Text features by the text tower of a bundle.

use std::collections::HashMap;

use anyface::bundle::Bundle;
use anyface::clip::{TextTower, TextTowerConfig, Tokenizer};
use anyface::layers::l2_normalize;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use rayon::prelude::*;

use crate::error::Result;

/// Texts per forward pass, sorted by length.
const READ_BATCH: usize = 64;

/// A frozen text tower and its tokenizer.
pub(super) struct TextFeatures {
    tower: TextTower,
    tokenizer: Tokenizer,
    /// Maximum number of tokens per text.
    context: usize,
    /// Width of a feature, E.
    feature_dim: usize,
    device: Device,
}

impl TextFeatures {
    /// Loads the text tower of `bundle`.
    pub(super) fn load(bundle: &Bundle, device: &Device) -> Result<Self> {
        let config: TextTowerConfig = bundle.section("text_tower")?;
        let tower = bundle.network("text_tower", config.init(device))?;
        Ok(Self {
            tower: tower.no_grad(),
            tokenizer: bundle.tokenizer()?,
            context: config.context,
            feature_dim: config.embed_dim,
            device: device.clone(),
        })
    }

    /// Width of a feature, E.
    pub(super) const fn feature_dim(&self) -> usize {
        self.feature_dim
    }

    /// Unit features `[N, E]` of texts, in their order. Repeated texts are computed once.
    pub(super) fn read(&self, texts: &[&str]) -> Tensor<2> {
        let mut distinct: Vec<&str> = texts.to_vec();
        distinct.sort_unstable_by_key(|text| (text.len(), *text));
        distinct.dedup();
        let read = distinct.par_chunks(READ_BATCH).map(|batch| {
            let tokens = self.tokenizer.batch(batch, self.context, &self.device);
            l2_normalize(self.tower.forward(tokens))
        });
        let features = Tensor::cat(read.collect(), 0);
        let places: HashMap<&str, i64> = distinct.iter().copied().zip(0..).collect();
        let places: Vec<i64> = texts.iter().map(|text| places[text]).collect();
        features.select(
            0,
            Tensor::<1, Int>::from_data(places.as_slice(), &self.device),
        )
    }
}
