//! Training faces of the mapper: with a picture and its latent, or with text only.

use std::path::Path;

use anyface::bundle::Bundle;
use anyface::inversion::{Encoder, EncoderConfig};
use anyface::layers::l2_normalize;
use anyface::probe::{Probe, ProbeConfig};
use anyface::stylegan2::{Generator, Noise, broadcast};
use anyface_portraits::Attribute;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use rayon::prelude::*;

use super::MapperConfig;
use super::directions::Directions;
use super::latents::{Latents, rows};
use super::stage::Frozen;
use crate::data::faces::{FaceSplit, Faces};
use crate::data::portraits::codes;
use crate::data::wordnet::WordNet;
use crate::error::{Result, TrainError};
use crate::stage::described::{DescribedFace, DescribedFaces, neutral, of_roles};
use crate::stage::text_features::TextFeatures;

/// Pictures per forward pass before training.
const READ_BATCH: usize = 64;
/// Maximum number of photographs for the fit of attribute directions.
const FITTED: usize = 8192;

/// Faces with a picture.
pub(super) struct Pictured {
    pub(super) faces: Box<dyn Faces>,
    /// Their texts, in the same order.
    pub(super) texts: DescribedFaces,
    /// Unit image features, `[P, E]`.
    features: Tensor<2>,
    /// Latents of the pictures, `[P, L, D]`, or `[P, 1, D]` if all layers share one.
    latents: Tensor<3>,
}

impl Pictured {
    /// Unit image features `[N, 1, E]` of the given faces.
    pub(super) fn features(&self, faces: &[usize]) -> Tensor<3> {
        let places = places(faces, &self.features.device());
        self.features.clone().select(0, places).unsqueeze_dim(1)
    }

    /// Latents `[N, L, D]` of the pictures of the given faces.
    pub(super) fn latents(&self, faces: &[usize], num_ws: usize) -> Tensor<3> {
        let places = places(faces, &self.latents.device());
        let latents = self.latents.clone().select(0, places);
        let [n, _, dim] = latents.dims();
        latents.expand([n, num_ws, dim])
    }
}

fn places(faces: &[usize], device: &Device) -> Tensor<1, Int> {
    let places: Vec<i64> = faces.iter().map(|&face| face as i64).collect();
    Tensor::from_data(places.as_slice(), device)
}

/// All faces, and how texts change their latents.
pub(super) struct Samples {
    pub(super) training: Pictured,
    pub(super) held_out: Pictured,
    /// Faces of roles and faces with neutral texts.
    pub(super) others: DescribedFaces,
    pub(super) latents: Latents,
}

/// Networks and settings that read faces before training.
struct Readers<'a> {
    config: &'a MapperConfig,
    frozen: &'a Frozen,
    text: TextFeatures,
    /// Encoder for pictures without a known latent.
    encoder: Option<Encoder>,
    device: &'a Device,
}

impl Samples {
    /// Opens the faces of a configuration file and computes all their features.
    pub(super) fn open(
        file: &Path,
        config: &MapperConfig,
        frozen: &Frozen,
        device: &Device,
    ) -> Result<Self> {
        let (portraits, photographs) = (config.portraits.as_ref(), config.photographs.as_ref());
        let faces = FaceSplit::open(file, portraits, photographs, config.data.held_out)?;
        let is_mute = |faces: &dyn Faces| (0..faces.len()).any(|face| faces.captions(face) == 0);
        if is_mute(&*faces.training) || is_mute(&*faces.held_out) {
            let message = "some faces have neither captions nor attributes";
            return Err(TrainError::config(file, message));
        }
        let bundle = Bundle::folder(&config.bundle);
        let is_rendered = faces.training.latent(0).is_some();
        let encoder = match is_rendered {
            true => None,
            false => {
                let sizes: EncoderConfig = bundle.section("inversion")?;
                Some(bundle.network("inversion", sizes.init(device))?.no_grad())
            }
        };
        let readers = Readers {
            config,
            frozen,
            text: TextFeatures::load(&bundle, device)?,
            encoder,
            device,
        };
        let wordnet = WordNet::open(&config.data.wordnet)?;
        let training = readers.read(faces.training);
        let latents = match is_rendered {
            true => Latents::Rendered,
            false => Latents::Seen(Box::new(directions(
                file, config, &training, frozen, device,
            )?)),
        };
        Ok(Self {
            others: readers.describe(others(config, &wordnet)),
            training,
            held_out: readers.read(faces.held_out),
            latents,
        })
    }
}

impl Readers<'_> {
    fn read(&self, faces: Box<dyn Faces>) -> Pictured {
        let described = (0..faces.len()).into_par_iter().map(|face| {
            let count = faces.captions(face).min(self.config.data.captions);
            DescribedFace {
                z: faces.latent(face).copied(),
                captions: (0..count)
                    .map(|number| faces.caption(face, number))
                    .collect(),
            }
        });
        let texts = self.describe(described.collect());
        let indices: Vec<usize> = (0..faces.len()).collect();
        let features = indices.par_chunks(READ_BATCH).map(|batch| {
            let images = faces.images(batch, self.device);
            l2_normalize(self.frozen.image_features(images))
        });
        let latents = indices
            .par_chunks(READ_BATCH)
            .map(|batch| self.find(&*faces, batch));
        Pictured {
            features: Tensor::cat(features.collect(), 0),
            latents: Tensor::cat(latents.collect(), 0),
            texts,
            faces,
        }
    }

    fn describe(&self, faces: Vec<DescribedFace>) -> DescribedFaces {
        DescribedFaces::read(faces, &self.text)
    }

    /// Latents of faces: the true ones of renders, or those of the encoder.
    fn find(&self, faces: &dyn Faces, batch: &[usize]) -> Tensor<3> {
        let mapping = &self.frozen.generator.mapping;
        match &self.encoder {
            Some(encoder) => {
                let found = encoder.forward(faces.images(batch, self.device));
                found + mapping.w_avg.val().unsqueeze::<3>()
            }
            None => {
                let latents = batch.iter().filter_map(|&face| faces.latent(face).copied());
                let latents: Vec<_> = latents.collect();
                mapping
                    .forward(codes(&latents, self.device))
                    .unsqueeze_dim(1)
            }
        }
    }
}

/// Faces of roles, and faces with neutral texts.
fn others(config: &MapperConfig, wordnet: &WordNet) -> Vec<DescribedFace> {
    let (seed, data) = (config.run.seed, &config.data);
    let mut others = of_roles(data.faces_per_role, data.captions, seed);
    others.extend(neutral(data.neutral_texts, wordnet, seed));
    others
}

/// Fits directions of the labelled attributes. A probe reads the generator's pictures of the
/// photographs' latents.
fn directions(
    file: &Path,
    config: &MapperConfig,
    training: &Pictured,
    frozen: &Frozen,
    device: &Device,
) -> Result<Directions> {
    let probe_bundle = config.data.probe_bundle.as_ref().ok_or_else(|| {
        TrainError::config(
            file,
            "[data] `probe_bundle` is missing: photographs need a probe",
        )
    })?;
    let probe_bundle = Bundle::folder(probe_bundle);
    let sizes: ProbeConfig = probe_bundle.section("probe")?;
    let probe: Probe = probe_bundle.network("probe", sizes.init(device))?.no_grad();
    let faces = &training.faces;
    let is_known = |attribute: &&Attribute| {
        let mut faces = (0..faces.len()).map(|face| faces.attributes(face));
        faces.any(|attributes| attributes.get(**attribute).is_some())
    };
    let known: Vec<Attribute> = Attribute::ALL.iter().filter(is_known).copied().collect();

    let generator: &Generator = &frozen.generator;
    let count = faces.len().min(FITTED);
    let w: Tensor<2> = training
        .latents
        .clone()
        .narrow(0, 0, count)
        .mean_dim(1)
        .squeeze_dim(1);
    let logits: Vec<Vec<f32>> = w
        .clone()
        .split(READ_BATCH, 0)
        .into_par_iter()
        .flat_map(|w| {
            let num_ws = generator.synthesis.num_ws();
            let w_plus = broadcast(w, num_ws);
            let drawn = generator.synthesis.forward(w_plus, Noise::None);
            rows(&probe.forward(drawn.clamp(-1.0, 1.0)))
        })
        .map(|logits| {
            known
                .iter()
                .map(|attribute| logits[attribute.index()])
                .collect()
        })
        .collect();
    Ok(Directions::fit(known, &rows(&w), &logits))
}
