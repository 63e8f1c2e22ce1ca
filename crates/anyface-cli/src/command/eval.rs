//! `anyface eval`: measures of a bundle.

use std::io::Write;

use anyface_train::eval::{Faithfulness, Manipulation, diversity, faithfulness, manipulation};
use anyhow::Result;
use serde::Serialize;

use super::network::NetworkArgs;

/// Measure a bundle
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to measure
    suite: Suite,
    /// Captions or faces to use: 2000 for faithfulness, 50 for diversity, 200 for manipulation when left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    samples: Option<u32>,
    /// First seed
    #[arg(long, value_name = "S", default_value_t = 1 << 40)]
    seed: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    network: NetworkArgs,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Suite {
    /// Does the face have what the words say?
    Faithfulness,
    /// Do different seeds give different faces of one description?
    Diversity,
    /// Do edits change what they name, and nothing else?
    Manipulation,
}

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        let engine = self.network.engine()?;
        let probe = self.network.probe()?;
        let samples = |default: u32| self.samples.unwrap_or(default) as usize;
        match self.suite {
            Suite::Faithfulness => {
                let report = faithfulness(&engine, &probe, samples(2000), self.seed)?;
                self.print(&report, &faithfulness_text(&report))
            }
            Suite::Diversity => {
                let report = diversity(&engine, &probe, samples(50), self.seed)?;
                let text = format!(
                    "distance {:.3}, renders {:.3}\nentropy {:.3} bits, renders {:.3}\n",
                    report.distance,
                    report.reference_distance,
                    report.entropy,
                    report.reference_entropy
                );
                self.print(&report, &text)
            }
            Suite::Manipulation => {
                let report = manipulation(&engine, &probe, samples(200), self.seed)?;
                self.print(&report, &manipulation_text(&report))
            }
        }
    }

    fn print(&self, report: &impl Serialize, text: &str) -> Result<()> {
        let mut out = std::io::stdout().lock();
        match self.json {
            true => writeln!(out, "{}", serde_json::to_string(report)?)?,
            false => write!(out, "{text}")?,
        }
        Ok(())
    }
}

fn faithfulness_text(report: &Faithfulness) -> String {
    let mut text = format!(
        "accuracy {:.4}, ceiling {:.4}, over {} attributes ({} of CelebA's), {} captions\n\n\
         {:<22}{:>7}{:>8}{:>10}{:>9}\n",
        report.accuracy,
        report.ceiling,
        report.attributes,
        report.celeba_attributes,
        report.samples,
        "attribute",
        "named",
        "denied",
        "accuracy",
        "ceiling"
    );
    for row in &report.table {
        text += &format!(
            "{:<22}{:>7}{:>8}{:>10.3}{:>9.3}\n",
            row.attribute, row.named, row.denied, row.accuracy, row.ceiling
        );
    }
    text
}

fn manipulation_text(report: &Manipulation) -> String {
    let mut text = format!(
        "{} faces; inversion: kept {:.4}, PSNR {:.2} dB, distance {:.3}; one edit {:.0} ms\n\n\
         {:<24}{:>6}{:>9}{:>7}{:>10}{:>10}  {:>10}{:>7}{:>10}\n",
        report.samples,
        report.inversion_kept,
        report.inversion_psnr,
        report.inversion_distance,
        report.milliseconds,
        "edit",
        "faces",
        "changed",
        "kept",
        "identity",
        "monotone",
        "crossover:",
        "kept",
        "identity"
    );
    for row in &report.table {
        let monotone = row.monotone.map_or_else(String::new, |m| format!("{m:.3}"));
        text += &format!(
            "{:<24}{:>6}{:>9.3}{:>7.3}{:>10.3}{:>10}  {:>10.3}{:>7.3}{:>10.3}\n",
            row.edit,
            row.faces,
            row.changed,
            row.kept,
            row.identity,
            monotone,
            row.crossover_changed,
            row.crossover_kept,
            row.crossover_identity
        );
    }
    text += &format!(
        "{:<24}{:>6}{:>9.3}{:>7.3}{:>10.3}{:>10.3}  {:>10.3}{:>7.3}{:>10.3}\n",
        "mean",
        "",
        report.changed,
        report.kept,
        report.identity,
        report.monotone,
        report.crossover_changed,
        report.crossover_kept,
        report.crossover_identity
    );
    text
}
