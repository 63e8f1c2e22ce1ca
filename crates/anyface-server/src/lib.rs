//! The HTTP service of anyface: OpenAI's image API, faces as latents, and a web page.
//!
//! A handler checks its request and turns it into [`studio::Task`]s. The `queue` accepts all tasks
//! of a request or none. A thread makes the faces one at a time, and the handler sends each face
//! when it is finished. `error` maps every error to its HTTP status.

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

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
