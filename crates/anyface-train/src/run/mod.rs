//! The training loop that every stage shares.
//!
//! A stage says what is learned: it implements [`Stage`] (fresh weights, the gradients of one
//! batch, held-out metrics, a picture of the progress). [`train`] does the rest: optimiser and
//! learning-rate schedule, moving average of the weights, checkpoints and exact resume, logs,
//! progress, the stop on a loss that is not finite.
//!
//! ```ignore
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct ProbeConfig { run: RunConfig, batch: usize }
//!
//! struct ProbeStage { config: ProbeConfig, data: PortraitCache }
//!
//! impl Stage for ProbeStage {
//!     type Model = Probe;
//!     fn init(&self, device: &Device) -> Probe { ProbeConfig::new().init(device) }
//!     fn step(&mut self, probe: &Probe, rng: &mut ChaCha8Rng) -> Result<StepOutput> {
//!         let batch = self.data.sample(self.config.batch, rng);          // random draws from `rng` only
//!         let loss = bce(probe.forward(batch.images), batch.labels, batch.known);
//!         Ok(StepOutput::backward(probe, &loss, &[("bce", &loss)], self.config.batch))
//!     }
//!     fn evaluate(&mut self, probe: &Probe) -> Result<Evaluation> { /* held-out accuracy */ }
//! }
//!
//! let config: ProbeConfig = load_config(path)?;
//! let run = config.run.clone();
//! let probe = train(&mut ProbeStage::new(config)?, &run, &Device::flex(), resume)?;   // averaged weights
//! ```
//!
//! Everything random in a step comes from the generator that the loop hands in, which is made from
//! the seed and the number of the step alone. So a run that was killed and resumed draws what a run
//! never stopped draws, and ends with the same weights, bit for bit.

mod checkpoint;
mod config;
mod elementwise;
mod ema;
mod log;
mod muon;
mod optimizer;
mod train;

pub use checkpoint::{images_seen, load_ema, load_fitting, take_over};
pub use config::{GroupConfig, RunConfig, has_table, load_config};
pub use train::{Evaluation, Stage, StepOutput, train};
