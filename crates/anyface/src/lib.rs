//! Free-style text-to-face synthesis and manipulation.
//!
//! ```no_run
//! use anyface::{Engine, Generate};
//!
//! let engine = Engine::builtin()?;
//! let faces = engine.generate(&["an old sailor with a white beard"], &Generate { count: 4, ..Generate::default() })?;
//! anyface::image::save_png(&faces[0].image, "sailor.png".as_ref())?;
//! # Ok::<(), anyface::Error>(())
//! ```

pub mod bundle;
pub mod clip;
pub mod convert;
pub mod efficientnet;
mod error;
pub mod hub;
pub mod identity;
pub mod image;
pub mod inception;
pub mod inversion;
pub mod layers;
pub mod lpips;
pub mod mapper;
#[cfg(test)]
mod parity;
pub mod photograph;
pub mod pipeline;
pub mod prior;
pub mod probe;
pub mod segmentation;
pub mod stylegan2;
pub mod weights;
pub mod yunet;

pub use anyface_checkpoint as checkpoint;
pub use bundle::{Bundle, BundleConfig, Truncation};
pub use error::Error;
pub use pipeline::{Edit, Engine, Generate, GeneratedFace, Latent, REFINEMENT_STEPS, Span};
