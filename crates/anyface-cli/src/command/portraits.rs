//! `anyface portraits`: rendered faces with their attributes and captions.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyface::image::save_png;
use anyface::weights::write_atomically;
use anyface_portraits::caption::{Grammar, Split};
use anyface_portraits::{Attribute, Attributes, Face, latent, render};
use anyhow::{Context, Result};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::output::ForceArgs;

/// Captions per face, as in Multi-Modal CelebA-HQ.
const CAPTIONS: usize = 10;

/// Render portraits with their attributes and captions
///
/// Writes DIR/images/00000.png, DIR/captions/00000.txt with ten captions, and so on for each
/// portrait, and DIR/attributes.csv with 1, 0, or an empty field for attributes that the picture
/// does not show.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Number of portraits
    #[arg(
        short = 'n',
        long = "number",
        default_value_t = 16,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    number: u32,
    /// Portrait i uses seed S + i
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Side of the pictures in pixels
    #[arg(
        long,
        value_name = "R",
        default_value_t = 128,
        value_parser = clap::value_parser!(u32).range(32..=1024)
    )]
    resolution: u32,
    /// Folder to write
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    force: ForceArgs,
}

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        self.force.check(&self.output.join("attributes.csv"))?;
        for folder in ["images", "captions"] {
            let path = self.output.join(folder);
            fs::create_dir_all(&path).with_context(|| format!("{}", path.display()))?;
        }
        let grammar = Grammar::new(Split::Train);
        let rows = (0..self.number)
            .into_par_iter()
            .map(|i| self.portrait(i, &grammar))
            .collect::<Result<Vec<_>>>()?;

        let mut table = String::from("file");
        for attribute in Attribute::ALL {
            write!(table, ",{}", attribute.name())?;
        }
        table.push('\n');
        for (i, attributes) in rows.iter().enumerate() {
            write!(table, "{i:05}.png")?;
            for (_, state) in attributes.iter() {
                table.push_str(match state {
                    Some(true) => ",1",
                    Some(false) => ",0",
                    None => ",",
                });
            }
            table.push('\n');
        }
        write_file(&self.output.join("attributes.csv"), &table)
    }

    /// Writes one portrait and its captions; returns its attributes.
    fn portrait(&self, i: u32, grammar: &Grammar) -> Result<Attributes> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed.wrapping_add(i.into()));
        let face = Face::from_latent(&latent::sample(&mut rng));
        let attributes = face.attributes();
        let image = render(&face, self.resolution);
        save_png(&image, &self.output.join(format!("images/{i:05}.png")))?;
        let captions: String = (0..CAPTIONS)
            .map(|_| grammar.caption(&attributes, &mut rng).text + "\n")
            .collect();
        write_file(&self.output.join(format!("captions/{i:05}.txt")), &captions)?;
        Ok(attributes)
    }
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    write_atomically(path, text.as_bytes()).with_context(|| format!("{}", path.display()))
}
