//! Faces from words, and other faces from those: AnyFace (CVPR 2022) with all of its networks.
//!
//! A bundle of networks is inside the library, so this runs as it stands:
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
//! | draw, change and mix faces | [`Engine`] |
//! | sign pictures, and tell whether one is AI-generated | [`provenance`] |
//! | find faces in photographs and put them back | [`photograph::Photograph`] |
//! | run networks of your own | [`Bundle`], [`convert`](mod@convert) |
//! | use one network alone | [`stylegan2`], [`clip`], [`mapper`], [`inversion`], [`identity`], [`lpips`] |
//! | know how sizes fit together | [`BundleConfig`] |
//!
//! The folder `examples/` has a program for each of these. Networks are [burn](https://burn.dev) modules;
//! shapes are written `[N, L, D]`: N in a batch, L latent layers, D the width of a latent.

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

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
