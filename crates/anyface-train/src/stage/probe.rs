//! Training of the probe, an attribute classifier, on rendered portraits or photographs. It never
//! sees generated faces.

use std::path::{Path, PathBuf};

use anyface::bundle::Bundle;
use anyface::probe::{Probe, ProbeConfig};
use anyface::weights::write_atomically;
use anyface_portraits::{Attribute, Attributes};
use burn::module::Module;
use burn::tensor::module::avg_pool2d;
use burn::tensor::ops::AvgPoolOptions;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::Deserialize;

use crate::bounds;
use crate::data::faces::FaceSplit;
use crate::data::images::flip;
use crate::data::photographs::PhotographsConfig;
use crate::data::portraits::PortraitsConfig;
use crate::error::{Result, TrainError};
use crate::eval::Accuracy;
use crate::loss::masked_bce;
use crate::run::{Evaluation, RunConfig, Stage, StepOutput, load_config, train};

/// A configuration file of this stage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeStageConfig {
    /// Bundle folder that receives the probe.
    pub bundle: PathBuf,
    /// The run.
    pub run: RunConfig,
    /// Training portraits.
    pub portraits: Option<PortraitsConfig>,
    /// Training photographs, instead of portraits.
    pub photographs: Option<PhotographsConfig>,
    /// The network.
    pub model: ModelConfig,
    /// Batch size and weights.
    pub learning: LearningConfig,
    /// Augmentation of the pictures.
    pub augmentation: AugmentationConfig,
}

impl ProbeStageConfig {
    /// Configuration of the network for pictures of side `size`.
    fn probe(&self, size: usize) -> ProbeConfig {
        ProbeConfig::new(Attribute::COUNT)
            .with_resolution(size)
            .with_channels(self.model.channels.clone())
    }
}

/// The `[model]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Channels after each downsampling by 2.
    #[serde(deserialize_with = "bounds::channels")]
    pub channels: Vec<usize>,
}

/// The `[learning]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningConfig {
    /// Faces per step.
    #[serde(deserialize_with = "bounds::batch")]
    pub batch: usize,
    /// Number of held-out faces: the last portraits of the cache, or at most this many held-out
    /// photographs.
    pub held_out: usize,
    /// Maximum loss weight of a rare state of an attribute. The mean weight is 1.
    pub max_weight: f32,
}

/// The `[augmentation]` table. Generated faces differ slightly in sharpness, noise and brightness.
/// Each value is a maximum. The amounts are drawn uniformly.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AugmentationConfig {
    /// Interpolation of each pixel to the mean of its 3×3 neighbourhood, 0 to 1.
    pub blur: f32,
    /// Standard deviation of the noise, for pictures in [−1, 1].
    pub noise: f32,
    /// Offset of the brightness in both directions, for pictures in [−1, 1].
    pub brightness: f32,
    /// Relative change of the contrast.
    pub contrast: f32,
    /// Whether faces are flipped horizontally at random.
    #[serde(default)]
    pub flips: bool,
}

impl AugmentationConfig {
    /// Augments each of `images [N, 3, R, R]` independently.
    fn apply(&self, images: Tensor<4>, rng: &mut ChaCha8Rng) -> Tensor<4> {
        let device = images.device();
        let [n, channels, height, width] = images.dims();
        let mut each = |low: f32, high: f32| {
            let values: Vec<f32> = (0..n)
                .map(|_| low + (high - low) * rng.random::<f32>())
                .collect();
            Tensor::<4>::from_data(TensorData::new(values, [n, 1, 1, 1]), &device)
        };
        let blur = each(0.0, self.blur);
        let deviation = each(0.0, self.noise);
        let brightness = each(-self.brightness, self.brightness);
        let contrast = each(1.0 - self.contrast, 1.0 + self.contrast);
        let noise = Tensor::from_data(
            TensorData::new(normals(n * channels * height * width, rng), images.dims()),
            &device,
        );

        let neighbours = AvgPoolOptions::new([3, 3])
            .with_stride([1, 1])
            .with_padding([1, 1])
            .with_count_include_pad(false);
        let soft = avg_pool2d(images.clone(), neighbours);
        let images = images.clone() + (soft - images) * blur;
        let images = images * contrast + brightness + noise * deviation;
        match self.flips {
            true => flip(images, rng),
            false => images,
        }
    }
}

fn normals(count: usize, rng: &mut impl Rng) -> Vec<f32> {
    StandardNormal.sample_iter(rng).take(count).collect()
}

/// Trains a [`Probe`].
struct ProbeStage {
    config: ProbeStageConfig,
    faces: FaceSplit,
    /// Loss weights of the states no and yes of each attribute.
    weights: Vec<[f32; 2]>,
}

impl ProbeStage {
    /// Opens the faces of the configuration at `path`.
    fn new(config: ProbeStageConfig, path: &Path) -> Result<Self> {
        let faces = FaceSplit::open(
            path,
            config.portraits.as_ref(),
            config.photographs.as_ref(),
            config.learning.held_out,
        )?;
        let (halvings, size) = (config.model.channels.len(), faces.size());
        if halvings > size.trailing_zeros() as usize {
            return Err(TrainError::config(
                path,
                format!(
                    "[model] `channels` has {halvings} entries: {size} pixels cannot be halved that often"
                ),
            ));
        }
        let training = &faces.training;
        let attributes: Vec<_> = (0..training.len())
            .map(|index| training.attributes(index))
            .collect();
        if attributes.iter().all(|face| *face == Attributes::UNKNOWN) {
            return Err(TrainError::config(
                path,
                "the faces have no known attributes",
            ));
        }
        let weights = balance(&attributes, config.learning.max_weight);
        Ok(Self {
            config,
            faces,
            weights,
        })
    }

    /// Labels and weights `[N, A]` of the training faces `batch`. Unknown attributes have weight 0.
    fn labels(&self, batch: &[usize], device: &Device) -> (Tensor<2>, Tensor<2>) {
        let faces: Vec<Attributes> = batch
            .iter()
            .map(|&index| self.faces.training.attributes(index))
            .collect();
        let states = || faces.iter().flat_map(|face| face.iter().map(|(_, s)| s));
        let labels: Vec<f32> = states()
            .map(|state| f32::from(state == Some(true)))
            .collect();
        let weights: Vec<f32> = states()
            .zip(self.weights.iter().cycle())
            .map(|(state, weights)| state.map_or(0.0, |yes| weights[usize::from(yes)]))
            .collect();
        let tensor = |values| {
            Tensor::from_data(
                TensorData::new(values, [batch.len(), Attribute::COUNT]),
                device,
            )
        };
        (tensor(labels), tensor(weights))
    }

    /// Accuracy of the probe on the held-out faces.
    fn accuracy(&self, probe: &Probe) -> Accuracy {
        let device = probe.devices().remove(0);
        let mut accuracy = Accuracy::default();
        let faces = &self.faces.held_out;
        let held_out: Vec<usize> = (0..faces.len()).collect();
        for batch in held_out.chunks(self.config.learning.batch) {
            let logits = probe.forward(faces.images(batch, &device));
            let logits: Vec<f32> = logits.into_data().iter().collect();
            for (&index, logits) in batch.iter().zip(logits.chunks_exact(Attribute::COUNT)) {
                for ((attribute, state), &logit) in faces.attributes(index).iter().zip(logits) {
                    if let Some(truth) = state {
                        accuracy.add(attribute, truth, (logit > 0.0) == truth);
                    }
                }
            }
        }
        accuracy
    }
}

/// Loss weights that balance no and yes of each attribute: 0.5 divided by the frequency of the
/// state among known states, at most `max`.
fn balance(attributes: &[Attributes], max: f32) -> Vec<[f32; 2]> {
    let weight = |&attribute: &Attribute| {
        let count = |state| {
            attributes
                .iter()
                .filter(|face| face.get(attribute) == Some(state))
                .count() as f32
        };
        let counts = [count(false), count(true)];
        counts.map(|one| (0.5 * (counts[0] + counts[1]) / one.max(1.0)).min(max))
    };
    Attribute::ALL.iter().map(weight).collect()
}

impl Stage for ProbeStage {
    type Model = Probe;

    fn init(&self, device: &Device) -> Result<Probe> {
        Ok(self.config.probe(self.faces.size()).init(device))
    }

    fn step(&mut self, probe: &Probe, rng: &mut ChaCha8Rng) -> Result<StepOutput> {
        let device = probe.devices().remove(0);
        let faces = &self.faces.training;
        let batch: Vec<usize> = (0..self.config.learning.batch)
            .map(|_| rng.random_range(0..faces.len()))
            .collect();
        let images = faces.images(&batch, &device.clone().inner());
        let images = Tensor::from_inner(self.config.augmentation.apply(images, rng));
        let (labels, weights) = self.labels(&batch, &device);
        let loss = masked_bce(probe.forward(images), labels, weights);
        Ok(StepOutput::backward(probe, &loss, &[], batch.len()))
    }

    fn evaluate(&mut self, ema: &Probe) -> Result<Evaluation> {
        let accuracy = self.accuracy(ema);
        let worst = accuracy.worst().map_or(0.0, |(_, accuracy)| accuracy);
        let metrics = vec![
            ("accuracy".to_owned(), accuracy.mean()),
            ("accuracy_worst".to_owned(), worst),
        ];
        Ok(Evaluation {
            score: accuracy.mean(),
            metrics,
        })
    }
}

/// `anyface train probe`: trains the probe and puts it into the bundle. Also writes `held_out.csv`,
/// the accuracy per attribute, to the run folder.
///
/// # Errors
/// As [`load_config`] and [`train`], or the faces cannot be rendered or read.
pub fn run(config: &Path, device: &Device, resume: bool) -> Result<()> {
    let path = config;
    let config: ProbeStageConfig = load_config(path)?;
    let run = config.run.clone();
    let mut stage = ProbeStage::new(config.clone(), path)?;
    let probe = train(&mut stage, &run, device, resume)?;
    let table = run.out.join("held_out.csv");
    write_atomically(&table, stage.accuracy(&probe).to_csv().as_bytes())
        .map_err(TrainError::io(&table))?;
    Ok(Bundle::put(
        &config.bundle,
        "probe",
        &config.probe(stage.faces.size()),
        &probe,
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_rare_state_weighs_more_up_to_the_limit() {
        let mut faces = vec![Attributes::UNKNOWN; 12];
        for (i, face) in faces.iter_mut().enumerate().take(10) {
            face.set(Attribute::Bald, Some(i == 0));
            face.set(Attribute::Male, Some(i < 5));
        }
        let weights = balance(&faces, 4.0);
        assert_eq!(weights[Attribute::Male.index()], [1.0, 1.0]);
        let [no, yes] = weights[Attribute::Bald.index()];
        assert!((no - 5.0 / 9.0).abs() < 1e-6);
        assert_eq!(yes, 4.0);
    }

    #[test]
    fn augmentation_applies_only_the_configured_changes() {
        let device = Device::flex();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let none = AugmentationConfig {
            blur: 0.0,
            noise: 0.0,
            brightness: 0.0,
            contrast: 0.0,
            flips: false,
        };
        let images = Tensor::<4>::from_data(
            TensorData::new(normals(96, &mut rng), [2, 3, 4, 4]),
            &device,
        );
        none.apply(images.clone(), &mut rng)
            .into_data()
            .assert_eq(&images.to_data(), false);

        let flat = Tensor::<4>::ones([2, 3, 4, 4], &device) * 0.5;
        let blurred = AugmentationConfig { blur: 1.0, ..none }.apply(flat.clone(), &mut rng);
        blurred
            .into_data()
            .assert_approx_eq::<f32>(&flat.to_data(), burn::tensor::Tolerance::default());

        let noisy = AugmentationConfig { noise: 0.1, ..none }.apply(flat, &mut rng);
        assert!(noisy.sub_scalar(0.5).abs().max().into_scalar::<f32>() > 0.0);
    }
}
