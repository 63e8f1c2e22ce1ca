//! The training loop shared by all stages.
//!
//! A stage implements [`Stage`]: initial weights, gradients of a batch, held-out metrics and sample
//! pictures. [`train`] does the rest: optimiser, learning rate schedule, EMA of the weights,
//! checkpoints, exact resume, logs and progress. It stops if a loss is not finite.
//!
//! ```
//! use anyface::Device;
//! use anyface_train::Result;
//! use anyface_train::run::{Evaluation, RunConfig, Stage, StepOutput, train};
//! use burn::nn::{Linear, LinearConfig};
//! use burn::tensor::{Distribution, Tensor};
//! use rand_chacha::ChaCha8Rng;
//!
//! /// Learns to double a number.
//! struct Double;
//!
//! impl Double {
//!     fn loss(&self, model: &Linear, batch: usize) -> Tensor<1> {
//!         let x = Tensor::<2>::random(
//!             [batch, 1],
//!             Distribution::Uniform(-1.0, 1.0),
//!             &model.weight.device(),
//!         );
//!         (model.forward(x.clone()) - x * 2.0).square().mean()
//!     }
//! }
//!
//! impl Stage for Double {
//!     type Model = Linear;
//!
//!     fn init(&self, device: &Device) -> Result<Linear> {
//!         Ok(LinearConfig::new(1, 1).init(device))
//!     }
//!
//!     fn step(&mut self, model: &Linear, _rng: &mut ChaCha8Rng) -> Result<StepOutput> {
//!         let loss = self.loss(model, 16);
//!         Ok(StepOutput::backward(model, &loss, &[("square", &loss)], 16))
//!     }
//!
//!     fn evaluate(&mut self, ema: &Linear) -> Result<Evaluation> {
//!         let loss = self.loss(ema, 64).into_scalar::<f64>();
//!         Ok(Evaluation {
//!             score: -loss,
//!             metrics: vec![("square".to_owned(), loss)],
//!         })
//!     }
//! }
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let out = folder.path().join("run");
//! let config: RunConfig = toml::from_str(&format!(
//!     "out = {out:?}\nseed = 1\nsteps = 200\nlearning_rate = 0.05\nema_decay = 0.9\n\
//!      checkpoint_every = 200\nsample_every = 200"
//! ))
//! .unwrap();
//! let doubled = train(&mut Double, &config, &Device::flex(), false)?;
//! let weight = doubled.weight.val().into_scalar::<f32>();
//! assert!((weight - 2.0).abs() < 0.1, "{weight}");
//! # Ok::<(), anyface_train::TrainError>(())
//! ```
//!
//! All randomness of a step comes from the random generator that the loop passes in. Its seed
//! depends only on the seed of the run and the step. A resumed run therefore ends with exactly the
//! same weights as an uninterrupted run.

mod checkpoint;
mod config;
mod elementwise;
mod ema;
mod events;
mod log;
mod muon;
mod optimizer;
mod train;

pub use checkpoint::{images_seen, load_ema, load_fitting, take_over};
pub use config::{GroupConfig, RunConfig, has_table, load_config};
pub use train::{Evaluation, Stage, StepOutput, train};
