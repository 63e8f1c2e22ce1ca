//! `anyface pull`: public weights by name.

use std::io::{IsTerminal, Write};

use anyface::hub::{Hub, Model, Progress};
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

/// Fetch public weights
///
/// Files of Hugging Face go to its cache, others beside it: HF_HOME says where. A download that was broken off goes on where
/// it ended; what came is checked. HF_TOKEN opens files that are not for all, HF_HUB_OFFLINE=1 forbids the network.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Its name: see `anyface models list`
    name: String,
}

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        let model = Model::named(&self.name)?;
        let hub = Hub::from_env()?;
        if hub.cache.find(model).is_none() && !hub.offline {
            show_license(model);
        }
        let mut bars = Bars::default();
        let files = hub.pull(model, &mut |progress| bars.show(progress))?;
        let mut out = std::io::stdout().lock();
        for path in files {
            writeln!(out, "{}", path.display())?;
        }
        Ok(())
    }
}

/// Says on stderr under which terms the weights come.
fn show_license(model: &Model) {
    eprintln!("{}: {}", model.name, model.about);
    eprintln!("Licence: {}", model.license.name());
    if model.non_commercial {
        eprintln!("NOT FOR COMMERCIAL USE");
    }
    if !model.notice.is_empty() {
        eprintln!("{}", model.notice);
    }
    eprintln!("\n{}", model.license.text());
}

/// A bar a file on a terminal, a line a file elsewhere.
#[derive(Default)]
struct Bars {
    file: String,
    bar: Option<ProgressBar>,
}

impl Bars {
    fn show(&mut self, progress: Progress<'_>) {
        if self.file != progress.file {
            progress.file.clone_into(&mut self.file);
            self.start(progress);
        }
        if let Some(bar) = &self.bar {
            bar.set_position(progress.done);
            if progress.total == Some(progress.done) {
                bar.finish();
            }
        }
    }

    fn start(&mut self, progress: Progress<'_>) {
        if !std::io::stderr().is_terminal() {
            match progress.total {
                Some(total) => eprintln!("fetching {}, {total} bytes", progress.file),
                None => eprintln!("fetching {}", progress.file),
            }
            return;
        }
        let template = "{prefix} {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
        let style = ProgressStyle::with_template(template).expect("a valid template");
        let bar = match progress.total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::no_length(),
        };
        // What an earlier try fetched does not count for the speed.
        let bar = bar.with_style(style).with_position(progress.done);
        bar.reset_eta();
        self.bar = Some(bar.with_prefix(progress.file.to_owned()));
    }
}
