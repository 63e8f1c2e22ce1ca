//! What training sees of the pictures of a config: the first 24 that its table `[images]` names, cut
//! out and on their background, on one sheet. Where the table has a `cache`, it is filled.
//!
//! ```text
//! cargo run --release -p anyface-train --example pictures -- CONFIG.toml SHEET.png
//! ```

#![allow(clippy::print_stdout, reason = "this is what it is for")]

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use anyface::image::{contact_sheet, save_png, to_rgb};
use anyface_train::data::images::{ImageSet, ImagesConfig};
use burn::tensor::Device;
use serde::Deserialize;

const SHOWN: usize = 24;
const COLUMNS: usize = 12;

/// The table of a config that is read; others are left alone.
#[derive(Deserialize)]
struct Config {
    images: ImagesConfig,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(config), Some(sheet)) = (arguments.next(), arguments.next()) else {
        return Err("give a config and a sheet to write".into());
    };
    let config: Config = toml::from_str(&std::fs::read_to_string(config)?)?;
    let start = Instant::now();
    let (pictures, held_out) = ImageSet::open(&config.images)?;
    let (count, seconds) = (
        pictures.len() + held_out.len(),
        start.elapsed().as_secs_f64(),
    );
    println!("{count} pictures in {seconds:.1} s");
    let shown: Vec<usize> = (0..SHOWN.min(pictures.len())).collect();
    let shown = to_rgb(pictures.images(&shown, &Device::flex()));
    save_png(&contact_sheet(&shown, COLUMNS), Path::new(&sheet))?;
    Ok(())
}
