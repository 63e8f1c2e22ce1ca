//! Text-to-face synthesis and manipulation: AnyFace (CVPR 2022) with all of its networks.
//!
//! The library contains a bundle of networks, so this runs without downloads:
//!
//! ```
//! use anyface::{Edit, Engine, Generate};
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let file = |name| folder.path().join(name);
//! let engine = Engine::builtin()?;
//! let options = Generate { count: 2, seed: 7, ..Generate::default() };
//! let faces = engine.generate(&["an old sailor with a white beard"], &options)?;
//! anyface::image::save_png(&faces[0].image, &file("sailor.png"))?;
//!
//! let edited = engine.edit(&faces[0].latent, "wearing sunglasses", &Edit::default())?;
//! anyface::image::save_png(&engine.draw(&edited), &file("cool.png"))?;
//! # Ok::<(), anyface::Error>(())
//! ```
//!
//! | to | start at |
//! |---|---|
//! | generate, edit and interpolate faces | [`Engine`] |
//! | sign pictures, and check whether one is AI-generated | [`provenance`] |
//! | find faces in photographs and paste them back | [`photograph::Photograph`] |
//! | run your own networks | [`Bundle`], [`convert`](mod@convert) |
//! | use a single network | [`stylegan2`], [`clip`], [`mapper`], [`inversion`] |
//! | compare faces or pictures | [`identity`], [`lpips`] |
//! | see how sizes fit together | [`BundleConfig`] |
//!
//! The folder `examples/` has a program for each task. Networks are [burn](https://burn.dev)
//! modules. Shapes are written as `[N, L, D]`: batch size N, L latent layers, latent width D.

pub mod attributes;
pub mod bundle;
pub mod clip;
pub mod convert;
mod data_folder;
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
pub mod provenance;
pub mod recipe;
pub mod recognizer;
pub mod segmentation;
pub mod stylegan2;
pub mod weights;
pub mod yunet;

pub use anyface_checkpoint as checkpoint;
pub use bundle::{Bundle, BundleConfig, Truncation};
pub use burn::tensor::Device;
pub use data_folder::data_folder;
pub use error::Error;
pub use pipeline::{
    Edit, EditMethod, Engine, Generate, GeneratedFace, Latent, REFINEMENT_STEPS,
    RELEVANCE_THRESHOLD, Span,
};

/// Compiles the README examples as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
