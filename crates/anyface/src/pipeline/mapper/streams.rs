//! Text to latents with the text stream.
//!
//! The text stream reads a latent and a text. It outputs the latent of a face that matches the text
//! and is otherwise the same. The difference is a direction specific to the face and continuous in
//! its strength.

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

/// The text stream and the networks it works with.
#[derive(Debug)]
pub(in crate::pipeline) struct Streams {
    text: Stream,
    random: RandomLatents,
    num_ws: usize,
    injection_layer: usize,
    edit_passes: usize,
    pub(in crate::pipeline) naturalness: f64,
    /// Wiener filter on changes of `w`, `[D, D]`; `None` if the covariance of `w` is unknown.
    pub(in crate::pipeline) wiener_filter: Option<Tensor<2>>,
}

impl Streams {
    /// Loads the text stream of a bundle, with the mapping network of its generator.
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

    /// The text stream's output `[N, L, D]` for one description and latents `[N, D]`.
    fn output(&self, description: &Description, w: Tensor<2>) -> Tensor<3> {
        let features = description.features.clone().unsqueeze::<3>();
        let features = features.repeat_dim(0, w.dims()[0]);
        self.text.forward(features, None, Some(w)).w_plus
    }

    /// Filters the change from a face `w_c` to the stream's `output`, `[1, L, D]` each, with the
    /// bundle's `naturalness`.
    fn natural(&self, w_c: Tensor<3>, output: Tensor<3>) -> Tensor<3> {
        let naturalness = self.naturalness;
        if naturalness == 0.0 {
            return output;
        }
        let filtered = self.wiener_filtered(output.clone() - w_c.clone()) + w_c;
        output.clone() + (filtered - output) * naturalness
    }

    /// Applies the Wiener filter, if there is one, to changes `[N, L, D]`.
    pub(in crate::pipeline) fn wiener_filtered(&self, change: Tensor<3>) -> Tensor<3> {
        match &self.wiener_filter {
            Some(filter) => change.matmul(filter.clone().unsqueeze()),
            None => change,
        }
    }

    /// One latent `[N, D]` per face `[N, L, D]`: the mean of the layers that text controls.
    fn summary(&self, w_plus: &Tensor<3>) -> Tensor<2> {
        let first = self.injection_layer;
        let controlled = w_plus.clone().narrow(1, first, self.num_ws - first);
        controlled.mean_dim(1).squeeze_dim(1)
    }
}

impl Mapper for Streams {
    fn face(&self, description: &Description, seed: u64, truncation: Truncation) -> Tensor<3> {
        let w_c = self.random_face(seed, truncation);
        // The text stream reads the latent of the layers that it writes.
        let first = self.injection_layer;
        let w = w_c.clone().narrow(1, first.min(self.num_ws - 1), 1);
        let output = self.output(description, w.squeeze_dim(1));
        mix(w_c.clone(), self.natural(w_c, output), first)
    }

    fn random_face(&self, seed: u64, truncation: Truncation) -> Tensor<3> {
        self.random.w_plus(seed, truncation)
    }

    /// Applies the stream several times to its own output, so that small changes add up; changes
    /// already made are left alone. The result is Wiener-filtered if the covariance of `w` is
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
            faces + self.output(text, w.clone()) - self.output(neutral, w)
        });
        self.wiener_filtered(changed - faces)
    }

    fn layers(&self) -> Range<usize> {
        self.injection_layer..self.num_ws
    }
}
