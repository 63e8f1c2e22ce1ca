//! The HTTP service of anyface: OpenAI's image API, faces as latents, and a page for people.
//!
//! A request goes one way: its handler checks it and makes [`studio::Task`]s of it, the `queue` takes all of them or
//! none, a thread makes the faces one at a time, and the handler sends them as they come. `error` has the one table
//! from what can go wrong to HTTP.

mod access;
mod api;
mod app;
mod config;
mod connections;
mod engine;
mod error;
mod kept;
mod log;
mod metrics;
mod model;
mod page;
mod photo;
mod queue;
mod server;
pub mod studio;

pub use api::openapi;
pub use config::Config;
pub use engine::EngineStudio;
pub use server::Server;

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
