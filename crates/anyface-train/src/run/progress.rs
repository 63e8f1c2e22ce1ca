//! Progress on the terminal.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

/// Time between two plain lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// A bar on a terminal, a line every ten seconds elsewhere; both on stderr.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    steps: u64,
    first: u64,
    started: Instant,
    last_line: Option<Instant>,
}

impl Progress {
    /// For steps `first` to `steps`.
    pub(super) fn new(first: u64, steps: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {msg}, {eta} left")
                .expect("the template is well formed");
            ProgressBar::new(steps)
                .with_position(first)
                .with_style(style)
        });
        if let Some(bar) = &bar {
            bar.reset_eta();
        }
        Self {
            bar,
            steps,
            first,
            started: Instant::now(),
            last_line: None,
        }
    }

    /// After `step` steps: `loss 0.1234, 35.0 images/s`.
    pub(super) fn show(&mut self, step: u64, loss: f64, images_per_second: f64) {
        let message = format!("loss {loss:.4}, {images_per_second:.1} images/s");
        if let Some(bar) = &self.bar {
            bar.set_message(message);
            bar.set_position(step);
        } else if self.last_line.is_none_or(|at| at.elapsed() >= LINE_EVERY) {
            self.last_line = Some(Instant::now());
            let pace = self.started.elapsed().as_secs_f64() / (step - self.first).max(1) as f64;
            let left = Duration::from_secs_f64(pace * (self.steps - step) as f64);
            eprintln!(
                "step {step}/{}, {message}, {} left",
                self.steps,
                HumanDuration(left)
            );
        }
    }

    /// A line of its own, above the bar where there is one.
    pub(super) fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }
}
