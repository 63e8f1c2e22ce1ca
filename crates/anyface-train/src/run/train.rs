//! The training loop.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::checkpoint::{Checkpoints, Position, RunState};
use super::config::RunConfig;
use super::ema;
use super::log::Log;
use super::optimizer::{RunOptimizer, schedule};
use crate::error::{Result, TrainError};
use crate::progress::Progress;

/// A training task: a model, its loss and its evaluation.
pub trait Stage {
    /// The trained weights. Frozen networks belong to the stage.
    type Model: Module;

    /// Initial weights on `device`, which the loop has seeded.
    ///
    /// # Errors
    /// Weights of an earlier run or a bundle cannot be read.
    fn init(&self, device: &Device) -> Result<Self::Model>;

    /// Called before every step with the number of images seen so far, for losses that start later.
    fn begin_step(&mut self, images_seen: u64) {
        let _ = images_seen;
    }

    /// Gradients of one batch. All randomness comes from `rng`.
    ///
    /// # Errors
    /// The data cannot be read.
    fn step(&mut self, model: &Self::Model, rng: &mut ChaCha8Rng) -> Result<StepOutput>;

    /// Updates values without gradients, for example running statistics. Called after the
    /// optimiser.
    fn update_buffers(&mut self, model: Self::Model) -> Self::Model {
        model
    }

    /// Updates values of the EMA weights that are not trained, for example a mean latent. Called
    /// before sampling, evaluation and saving.
    fn refresh(&self, ema: Self::Model) -> Self::Model {
        ema
    }

    /// Metrics of the EMA weights on held-out data. Called before every checkpoint.
    ///
    /// # Errors
    /// The data cannot be read.
    fn evaluate(&mut self, ema: &Self::Model) -> Result<Evaluation>;

    /// Writes a sample picture of the EMA weights to `path` (PNG).
    ///
    /// # Errors
    /// The picture cannot be written.
    fn sample(&mut self, ema: &Self::Model, path: &Path) -> Result<()> {
        let _ = (ema, path);
        Ok(())
    }
}

/// Result of one batch.
pub struct StepOutput {
    /// Gradients of the parameters.
    pub gradients: GradientsParams,
    /// Named losses for the log, the total first.
    pub losses: Vec<(&'static str, f64)>,
    /// Number of samples in the batch.
    pub images: usize,
}

impl StepOutput {
    /// Gradients of `total` (`[1]`) for the parameters of `model`. The losses in `parts` are also
    /// logged.
    pub fn backward<M: Module>(
        model: &M,
        total: &Tensor<1>,
        parts: &[(&'static str, &Tensor<1>)],
        images: usize,
    ) -> Self {
        let losses = [("total", total)]
            .iter()
            .chain(parts)
            .map(|(name, loss)| (*name, (*loss).clone().into_scalar::<f64>()))
            .collect();
        Self {
            gradients: GradientsParams::from_grads(total.backward(), model),
            losses,
            images,
        }
    }
}

/// Metrics on held-out data.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Score that selects the best checkpoint. Higher is better.
    pub score: f64,
    /// Named metrics for the log.
    pub metrics: Vec<(String, f64)>,
}

/// Trains a stage to the last step of `config` or for `max_minutes` and returns the EMA weights.
/// With `resume`, continues from the newest checkpoint, if there is one.
///
/// # Errors
/// The output directory has another run or cannot be written, a checkpoint is damaged, the stage
/// fails, or a loss or gradient is not finite. In the last case the last checkpoint remains valid.
pub fn train<S: Stage>(
    stage: &mut S,
    config: &RunConfig,
    device: &Device,
    resume: bool,
) -> Result<S::Model> {
    let checkpoints = Checkpoints::open(&config.out, resume)?;
    let mut state = start(stage, config, device, &checkpoints)?;
    let mut log = Log::open(&config.out, state.position.step)?;
    let mut progress = Progress::new(state.position.step, config.steps);
    let started = Instant::now();
    let mut means = Means::new();

    while state.position.step < config.steps {
        let step = state.position.step;
        let mut rng = step_rng(config.seed, step);
        stage.begin_step(state.position.images);
        let output = stage.step(&state.model, &mut rng)?;
        for (name, loss) in &output.losses {
            check_finite(step, &format!("loss `{name}`"), *loss)?;
        }
        let (model, norm) = state.optimizer.step(state.model, output.gradients, step);
        check_finite(step, "the gradient", norm)?;
        let model = stage.update_buffers(model);
        let decay = ema::decay(config, step, state.position.images, output.images);
        state.ema = ema::update(state.ema, &model, decay);
        state.model = model;
        state.position.step += 1;
        state.position.images += output.images as u64;
        means.add(&output.losses, norm, output.images);

        let step = state.position.step;
        let is_over = config
            .max_minutes
            .is_some_and(|limit| started.elapsed().as_secs_f64() > limit * 60.0);
        let is_last = step == config.steps || is_over;
        if step.is_multiple_of(config.log_every) || is_last {
            let (total, images_per_second) = (means.total(), means.images_per_second());
            let mut values = means.take();
            values.push(("run/images".to_owned(), state.position.images as f64));
            let rate = config.learning_rate * schedule(config, step - 1);
            values.push(("run/learning_rate".to_owned(), rate));
            log.write(step, &values)?;
            let message = format!("loss {total:.4}, {images_per_second:.1} images/s");
            progress.show(step, &message);
        }
        let [samples, saves] = [config.sample_every, config.checkpoint_every]
            .map(|every| step.is_multiple_of(every) || is_last);
        if samples || saves {
            state.ema = stage.refresh(state.ema);
        }
        if samples {
            write_sample(stage, &state.ema, config, step)?;
        }
        if saves {
            let evaluation = stage.evaluate(&state.ema)?;
            record(&evaluation, &mut state.position, &mut log, &progress)?;
            checkpoints.save(&state)?;
        }
        if is_over {
            break;
        }
    }
    Ok(state.ema)
}

/// Held while a run draws its initial weights, because all runs of a process share the device's
/// random generator.
static INITIAL_WEIGHTS: Mutex<()> = Mutex::new(());

/// The newest checkpoint, or initial weights.
fn start<S: Stage>(
    stage: &S,
    config: &RunConfig,
    device: &Device,
    checkpoints: &Checkpoints,
) -> Result<RunState<S::Model>> {
    let device = device.clone().autodiff();
    let model = {
        let _drawing = INITIAL_WEIGHTS
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        device.seed(config.seed);
        let model = stage.init(&device)?;
        // Parameters are initialised when first read. Read all of them now in module order, so that
        // clones share them and the seed determines them.
        drop(model.clone().into_record());
        model
    };
    Ok(match checkpoints.load_latest(&model, config)? {
        Some(state) => state,
        None => RunState {
            ema: model.valid(),
            model,
            optimizer: RunOptimizer::new(config),
            position: Position::default(),
        },
    })
}

/// Random generator of one step. Depends only on the seed and the step.
fn step_rng(seed: u64, step: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(step);
    rng
}

fn check_finite(step: u64, what: &str, value: f64) -> Result<()> {
    if value.is_finite() {
        return Ok(());
    }
    Err(TrainError::NotFinite {
        step,
        what: what.to_owned(),
    })
}

fn write_sample<S: Stage>(
    stage: &mut S,
    ema: &S::Model,
    config: &RunConfig,
    step: u64,
) -> Result<()> {
    let directory = config.out.join("samples");
    std::fs::create_dir_all(&directory).map_err(TrainError::io(&directory))?;
    stage.sample(ema, &directory.join(format!("{step:08}.png")))
}

/// Logs an evaluation and updates the best checkpoint.
fn record(
    evaluation: &Evaluation,
    position: &mut Position,
    log: &mut Log,
    progress: &Progress,
) -> Result<()> {
    if position
        .best
        .is_none_or(|(_, best)| evaluation.score >= best)
    {
        position.best = Some((position.step, evaluation.score));
    }
    let values: Vec<(String, f64)> = evaluation
        .metrics
        .iter()
        .map(|(name, value)| (format!("held_out/{name}"), *value))
        .collect();
    log.write(position.step, &values)?;
    let metrics: Vec<String> = evaluation
        .metrics
        .iter()
        .map(|(name, value)| format!("{name} {value:.4}"))
        .collect();
    progress.note(&format!("step {}: {}", position.step, metrics.join(", ")));
    Ok(())
}

/// Means since the last log line.
struct Means {
    since: Instant,
    sums: Vec<(&'static str, f64)>,
    norm: f64,
    steps: usize,
    images: usize,
}

impl Means {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            sums: Vec::new(),
            norm: 0.0,
            steps: 0,
            images: 0,
        }
    }

    fn add(&mut self, losses: &[(&'static str, f64)], norm: f64, images: usize) {
        for &(name, loss) in losses {
            match self.sums.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += loss,
                None => self.sums.push((name, loss)),
            }
        }
        self.norm += norm;
        self.steps += 1;
        self.images += images;
    }

    fn total(&self) -> f64 {
        self.sums
            .first()
            .map_or(0.0, |(_, sum)| sum / self.steps as f64)
    }

    fn images_per_second(&self) -> f64 {
        self.images as f64 / self.since.elapsed().as_secs_f64().max(1e-9)
    }

    /// Returns the means with their log names and resets them.
    fn take(&mut self) -> Vec<(String, f64)> {
        let steps = self.steps as f64;
        let mut values: Vec<(String, f64)> = self
            .sums
            .iter()
            .map(|(name, sum)| (format!("loss/{name}"), sum / steps))
            .collect();
        values.push(("run/gradient_norm".to_owned(), self.norm / steps));
        values.push(("run/images_per_second".to_owned(), self.images_per_second()));
        *self = Self::new();
        values
    }
}
