//! What the text tower of a bundle reads in sentences.

use std::collections::HashMap;

use anyface::bundle::Bundle;
use anyface::clip::{TextTower, TextTowerConfig, Tokenizer};
use anyface::layers::l2_normalize;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use rayon::prelude::*;

use crate::error::Result;

/// Texts read at once, each with its neighbours in length.
const READ_BATCH: usize = 64;

/// A frozen text tower with its tokenizer.
pub(super) struct TextFeatures {
    tower: TextTower,
    tokenizer: Tokenizer,
    /// Tokens that the tower reads at most.
    context: usize,
    /// E, the width of a feature.
    feature_dim: usize,
    device: Device,
}

impl TextFeatures {
    /// The text tower of `bundle`.
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

    /// E, the width of a feature.
    pub(super) const fn feature_dim(&self) -> usize {
        self.feature_dim
    }

    /// Unit features of texts in their order, `[N, E]`. A text that comes again is read once.
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
