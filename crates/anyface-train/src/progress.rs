//! Progress output on the terminal.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

/// Time between two lines when stderr is not a terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Progress on stderr: a bar on a terminal, otherwise a line every ten seconds.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    whole: u64,
    first: u64,
    started: Instant,
    last_line: Option<Instant>,
}

impl Progress {
    /// Starts at `first` of `whole` units of work.
    pub(crate) fn new(first: u64, whole: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {msg}, {eta} left")
                .expect("the template is well formed");
            ProgressBar::new(whole)
                .with_position(first)
                .with_style(style)
        });
        if let Some(bar) = &bar {
            bar.reset_eta();
        }
        Self {
            bar,
            whole,
            first,
            started: Instant::now(),
            last_line: None,
        }
    }

    /// Shows that `done` of `whole` units are finished, with a message.
    pub(crate) fn show(&mut self, done: u64, message: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(message.to_owned());
            bar.set_position(done);
        } else if self.last_line.is_none_or(|at| at.elapsed() >= LINE_EVERY) {
            self.last_line = Some(Instant::now());
            let pace = self.started.elapsed().as_secs_f64() / (done - self.first).max(1) as f64;
            let left = Duration::from_secs_f64(pace * (self.whole - done) as f64);
            eprintln!(
                "{done}/{}, {message}, {} left",
                self.whole,
                HumanDuration(left)
            );
        }
    }

    /// Prints a line of its own, above the bar if there is one.
    pub(crate) fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }
}
