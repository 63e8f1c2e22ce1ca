//! `anyface health`: asks a running server whether it accepts requests.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use ureq::Agent;

/// Timeout of the request. A healthy server answers at once.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Ask a running server whether it accepts requests
///
/// The exit code is 0 if it does, so a container can use this as its health check.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// URL of the server
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:8080")]
    server: String,
}

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        let url = format!("{}/ready", self.server.trim_end_matches('/'));
        // A proxy would resolve 127.0.0.1 to its own machine.
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
