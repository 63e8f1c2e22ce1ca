//! `anyface man`: manual pages, generated from the help texts.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};

/// Print the manual page, or write a page for each command
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder for the pages of all commands, such as /usr/local/share/man/man1
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

impl Args {
    pub(crate) fn run(self, command: clap::Command) -> Result<()> {
        let Some(folder) = self.output else {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            return Ok(std::io::stdout().write_all(&page)?);
        };
        fs::create_dir_all(&folder)
            .and_then(|()| clap_mangen::generate_to(command, &folder))
            .with_context(|| folder.display().to_string())
    }
}
