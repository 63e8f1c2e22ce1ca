//! Loss and evaluation of the prior.

use std::path::Path;

use anyface::bundle::Bundle;
use anyface::image::{contact_sheet, save_png};
use anyface::inversion::{ResidualEncoder, ResidualEncoderConfig};
use anyface::mapper::FlowPrior;
use anyface::probe::{Probe, ProbeConfig};
use anyface::stylegan2::{Generator, GeneratorConfig};
use anyface_portraits::Attribute;
use anyface_portraits::caption::Split;
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::facts::Facts;
use super::photographs::Photographs;
use super::points::Points;
use super::portraits::Portraits;
use super::samples::{Descriptions, Samples};
use super::sheet::{COLUMNS, Sheet};
use super::{LearningConfig, PortraitsConfig, PriorConfig};
use crate::data::faces::{FaceSplit, Faces};
use crate::data::photographs::PhotographsConfig;
use crate::error::{Result, TrainError};
use crate::eval::Accuracy;
use crate::loss::flow_matching;
use crate::run::{Evaluation, Stage, StepOutput};
use crate::stage::text_features::TextFeatures;

/// Number of faces for the held-out loss.
const EVALUATION_FACES: usize = 1024;
/// Number of faces generated at once for the probe.
const DRAWN_FACES: usize = 64;
/// Number of batches of generated faces.
const DRAWN_ROUNDS: usize = 4;

/// Trains a [`FlowPrior`].
pub(super) struct PriorStage {
    config: PriorConfig,
    training: Box<dyn Samples>,
    held_out: Box<dyn Samples>,
    generator: Generator,
    points: Points,
    probe: Option<Probe>,
    sheet: Sheet,
    device: Device,
}

impl PriorStage {
    /// Loads the frozen networks and computes the latents and text features of all faces.
    pub(super) fn new(file: &Path, config: PriorConfig, device: &Device) -> Result<Self> {
        let bundle = Bundle::folder(&config.bundle);
        let generator: GeneratorConfig = bundle.section("generator")?;
        let probe: Option<ProbeConfig> = bundle.section("probe")?;
        let probe = probe.map(|probe| bundle.network("probe", probe.init(device)));
        let text_features = TextFeatures::load(&bundle, device)?;
        let points = config.points(&bundle)?;
        let latent_dim = points.dim(generator.z_dim, generator.w_dim);
        check(&config, latent_dim, text_features.feature_dim())
            .map_err(|message| TrainError::config(file, message))?;
        let generator = bundle
            .network("generator", generator.init(device))?
            .no_grad();
        let readers = Readers {
            file,
            config: &config,
            bundle: &bundle,
            text_features: &text_features,
            device,
        };
        let [training, held_out] = match (&config.photographs, &config.portraits) {
            (Some(photographs), None) => readers.photographs(photographs)?,
            (None, Some(portraits)) => readers.portraits(portraits)?,
            _ => {
                let message = "needs exactly one of the tables [portraits] and [photographs]";
                return Err(TrainError::config(file, message));
            }
        };
        Ok(Self {
            training,
            held_out,
            generator,
            points,
            probe: probe.transpose()?,
            sheet: Sheet::read(&text_features),
            device: device.clone(),
            config,
        })
    }

    /// Loss on `count` random faces.
    fn loss(
        &self,
        prior: &FlowPrior,
        samples: &dyn Samples,
        count: usize,
        rng: &mut ChaCha8Rng,
    ) -> Tensor<1> {
        let (w, descriptions) = samples.batch(count, self.config.learning, rng);
        let device = prior.device();
        let (noise, t) = path(w.dims(), rng, &device);
        let [w, features] = [w.into_data(), descriptions.features.into_data()];
        let w = Tensor::<2>::from_data(w, &device);
        let features = Tensor::<3>::from_data(features, &device);
        let absent = Tensor::from_data(descriptions.absent.into_data(), &device);
        let condition = prior.condition(features, Some(absent));
        flow_matching(prior, prior.whiten(w), noise, t, condition)
    }

    /// Faithfulness to held-out descriptions: balanced accuracy of the probe on generated faces,
    /// mean over attributes, 0 to 1.
    fn faithfulness(&self, prior: &FlowPrior, probe: &Probe, rng: &mut ChaCha8Rng) -> f64 {
        let mut accuracy = Accuracy::default();
        for _ in 0..DRAWN_ROUNDS {
            let learning = LearningConfig {
                silent: 0.0,
                rare: 0.0,
                ..self.config.learning
            };
            let (w, descriptions) = self.held_out.batch(DRAWN_FACES, learning, rng);
            let Descriptions {
                features,
                absent,
                said,
            } = descriptions;
            let (noise, _) = path(w.dims(), rng, &self.device);
            let condition = prior.condition(features, Some(absent));
            let drawn = prior.latents(noise, condition, self.config.sampling);
            let drawn = self.points.draw(&self.generator, drawn).clamp(-1.0, 1.0);
            let logits: Vec<f32> = probe.forward(drawn).into_data().iter().collect();
            for (facts, logits) in said.iter().zip(logits.chunks(Attribute::COUNT)) {
                count(&mut accuracy, *facts, logits);
            }
        }
        accuracy.mean()
    }
}

/// Networks and settings that read faces and texts before training.
struct Readers<'a> {
    file: &'a Path,
    config: &'a PriorConfig,
    bundle: &'a Bundle,
    text_features: &'a TextFeatures,
    device: &'a Device,
}

impl Readers<'_> {
    /// Training and held-out photographs, with latents of the encoder.
    fn photographs(&self, photographs: &PhotographsConfig) -> Result<[Box<dyn Samples>; 2]> {
        let device = self.device;
        let encoder: ResidualEncoderConfig = self.bundle.section("residual_encoder")?;
        let encoder = encoder.init(device);
        let encoder: ResidualEncoder = self.bundle.network("residual_encoder", encoder)?;
        let encoder = encoder.no_grad();
        let held_out = self.config.data.held_out;
        let faces = FaceSplit::open(self.file, None, Some(photographs), held_out)?;
        let read = |faces: &dyn Faces, split| -> Result<Box<dyn Samples>> {
            Ok(Box::new(Photographs::read(
                self.file,
                self.config,
                faces,
                split,
                &encoder,
                self.text_features,
                device,
            )?))
        };
        Ok([
            read(&*faces.training, Split::Train)?,
            read(&*faces.held_out, Split::HeldOut)?,
        ])
    }

    /// Training and held-out portraits, with their true latents.
    fn portraits(&self, portraits: &PortraitsConfig) -> Result<[Box<dyn Samples>; 2]> {
        let read = Portraits::read(self.config, portraits, self.text_features, self.device)?;
        Ok(read.map(|portraits| -> Box<dyn Samples> { Box::new(portraits) }))
    }
}

/// Compares the statements of a description with the probe's logits.
fn count(accuracy: &mut Accuracy, said: Facts, logits: &[f32]) {
    for &attribute in Attribute::ALL {
        for state in [false, true] {
            if said.say((attribute, state)) {
                let is_seen = logits[attribute.index()] > 0.0;
                accuracy.add(attribute, state, is_seen == state);
            }
        }
    }
}

/// Noise `[N, D]` and stratified times `[N, 1]`: one in each of N equal intervals of [0, 1].
fn path([count, dim]: [usize; 2], rng: &mut ChaCha8Rng, device: &Device) -> (Tensor<2>, Tensor<2>) {
    let t: Vec<f32> = (0..count)
        .map(|i| (i as f32 + rng.random::<f32>()) / count as f32)
        .collect();
    let noise: Vec<f32> = StandardNormal.sample_iter(rng).take(count * dim).collect();
    (
        Tensor::from_data(TensorData::new(noise, [count, dim]), device),
        Tensor::from_data(TensorData::new(t, [count, 1]), device),
    )
}

/// Checks that the prior matches the networks of the bundle. The error names the field.
fn check(
    config: &PriorConfig,
    latent_dim: usize,
    feature_dim: usize,
) -> std::result::Result<(), String> {
    let model = &config.model;
    if model.latent_dim != latent_dim {
        return Err(format!(
            "[model] `latent_dim` is {}, the bundle needs {latent_dim}",
            model.latent_dim
        ));
    }
    match model.feature_dim == feature_dim {
        true => Ok(()),
        false => Err(format!(
            "[model] `feature_dim` is {}, but that of the text tower is {feature_dim}",
            model.feature_dim
        )),
    }
}

impl Stage for PriorStage {
    type Model = FlowPrior;

    fn init(&self, device: &Device) -> Result<FlowPrior> {
        let prior = self.config.model.init(device);
        Ok(prior.fitted(self.training.latents().clone()))
    }

    fn step(&mut self, prior: &FlowPrior, rng: &mut ChaCha8Rng) -> Result<StepOutput> {
        let batch = self.config.learning.batch;
        let loss = self.loss(prior, &*self.training, batch, rng);
        Ok(StepOutput::backward(prior, &loss, &[], batch))
    }

    fn evaluate(&mut self, ema: &FlowPrior) -> Result<Evaluation> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.run.seed);
        let loss = self.loss(ema, &*self.held_out, EVALUATION_FACES, &mut rng);
        let loss = loss.into_scalar::<f64>();
        let mut score = -loss;
        let mut metrics = vec![("loss".to_owned(), loss)];
        if let Some(probe) = &self.probe {
            let faithfulness = self.faithfulness(ema, probe, &mut rng);
            metrics.push(("faithfulness".to_owned(), faithfulness));
            score = faithfulness;
        }
        Ok(Evaluation { score, metrics })
    }

    /// A row per description, a column per seed.
    fn sample(&mut self, ema: &FlowPrior, path: &Path) -> Result<()> {
        let faces = self
            .sheet
            .draw(ema, &self.generator, self.points, self.config.sampling);
        Ok(save_png(&contact_sheet(&faces, COLUMNS), path)?)
    }
}
