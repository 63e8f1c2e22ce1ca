//! Words to latents by the text stream.
//!
//! The text stream reads a latent beside the words and answers with the latent of a face that fits
//! them and is the same otherwise. What it changes is a direction: continuous in its strength, and
//! about this face.

use std::ops::Range;

use burn::tensor::{Device, Tensor};

use super::Mapper;
use super::random::RandomLatents;
use super::wiener::wiener_filter;
use crate::Error;
use crate::bundle::{Bundle, BundleConfig, Truncation};
use crate::mapper::Stream;
use crate::pipeline::Description;
use crate::recognizer::Recognizer;
use crate::stylegan2::{Generator, mix};

/// The text stream and what it works beside.
#[derive(Debug)]
pub(in crate::pipeline) struct Streams {
    text: Stream,
    random: RandomLatents,
    num_ws: usize,
    injection_layer: usize,
    edit_passes: usize,
    pub(in crate::pipeline) naturalness: f64,
    /// What keeps changes of `w` to what faces vary in, `[D, D]`; none where that is not known.
    pub(in crate::pipeline) wiener_filter: Option<Tensor<2>>,
}

impl Streams {
    /// The text stream of a bundle, beside the mapping network of its generator.
    pub(in crate::pipeline) fn load(
        bundle: &Bundle,
        config: &BundleConfig,
        generator: &Generator,
        device: &Device,
    ) -> Result<Self, Error> {
        let text = config.text_stream.as_ref();
        let text = text.expect("the config of a bundle was checked");
        Ok(Self {
            text: bundle.network("text_stream", text.init(device))?,
            random: RandomLatents::new(config, generator),
            num_ws: config.generator.num_ws(),
            injection_layer: config.injection_layer,
            edit_passes: config.edit_passes.get(),
            naturalness: config.naturalness,
            wiener_filter: generator.mapping.covariance().as_ref().map(wiener_filter),
        })
    }

    /// The text stream's answer `[N, L, D]` to one description and latents `[N, D]`.
    fn answer(&self, description: &Description, w: Tensor<2>) -> Tensor<3> {
        let features = description.features.clone().unsqueeze::<3>();
        let features = features.repeat_dim(0, w.dims()[0]);
        self.text.forward(features, None, Some(w)).w_plus
    }

    /// What the words say of a face `w_c`, `[1, L, D]` each, with the bundle's part of what faces
    /// do not vary in taken back.
    fn natural(&self, w_c: Tensor<3>, said: Tensor<3>) -> Tensor<3> {
        let naturalness = self.naturalness;
        if naturalness == 0.0 {
            return said;
        }
        let filtered = self.wiener_filtered(said.clone() - w_c.clone()) + w_c;
        said.clone() + (filtered - said) * naturalness
    }

    /// Changes `[N, L, D]` kept to what faces vary in, where that is known.
    pub(in crate::pipeline) fn wiener_filtered(&self, change: Tensor<3>) -> Tensor<3> {
        match &self.wiener_filter {
            Some(filter) => change.matmul(filter.clone().unsqueeze()),
            None => change,
        }
    }

    /// One latent of each face `[N, L, D]`, `[N, D]`: the mean of the layers that carry what words
    /// say.
    fn summary(&self, w_plus: &Tensor<3>) -> Tensor<2> {
        let first = self.injection_layer;
        let said = w_plus.clone().narrow(1, first, self.num_ws - first);
        said.mean_dim(1).squeeze_dim(1)
    }
}

impl Mapper for Streams {
    fn face(&self, description: &Description, seed: u64, truncation: Truncation) -> Tensor<3> {
        let w_c = self.random_face(seed, truncation);
        // The text stream reads the noise as it is in the layers that it writes.
        let first = self.injection_layer;
        let w = w_c.clone().narrow(1, first.min(self.num_ws - 1), 1);
        let said = self.answer(description, w.squeeze_dim(1));
        mix(w_c.clone(), self.natural(w_c, said), first)
    }

    fn random_face(&self, seed: u64, truncation: Truncation) -> Tensor<3> {
        self.random.w_plus(seed, truncation)
    }

    /// In the bundle's passes over the stream's own answer: what a word changes little at once adds
    /// up, and what it has changed it leaves alone. Kept to what faces vary in, where that is
    /// known.
    fn change(
        &self,
        text: &Description,
        neutral: &Description,
        faces: Tensor<3>,
        _recognizer: Option<&Recognizer>,
    ) -> Tensor<3> {
        let changed = (0..self.edit_passes).fold(faces.clone(), |faces, _| {
            let w = self.summary(&faces);
            faces + self.answer(text, w.clone()) - self.answer(neutral, w)
        });
        self.wiener_filtered(changed - faces)
    }

    fn layers(&self) -> Range<usize> {
        self.injection_layer..self.num_ws
    }
}
