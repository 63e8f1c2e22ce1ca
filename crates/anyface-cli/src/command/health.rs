//! `anyface health`: whether a running server takes requests.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use ureq::Agent;

/// A server that is well answers at once.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Ask a running server whether it takes requests
///
/// The exit status tells it too, so that a container can check its own health.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the server is
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:8080")]
    server: String,
}

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        let url = format!("{}/ready", self.server.trim_end_matches('/'));
        // A proxy would ask for its own address.
        let config = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .proxy(None)
            .build();
        let answer = Agent::from(config).get(&url).call();
        answer.with_context(|| url.clone())?;
        writeln!(std::io::stdout(), "{url}: ready")?;
        Ok(())
    }
}
