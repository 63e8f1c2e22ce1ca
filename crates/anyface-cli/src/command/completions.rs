//! `anyface completions`: completion scripts for shells.

use std::io::Write;

use anyhow::Result;
use clap_complete::Shell;

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

impl Args {
    pub(crate) fn run(self, mut command: clap::Command) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "anyface", &mut script);
        Ok(std::io::stdout().write_all(&script)?)
    }
}
