//! Tests of the server in its own process, in one binary: each binary takes half a minute to build.

mod api;
#[path = "support/client.rs"]
mod client;
mod credentials;
mod life;
mod mcp;
mod openai;
mod support;
