//! Shows training pictures: writes the first 24 pictures of the table `[images]` of a
//! configuration, cropped and with their background, to a contact sheet. Fills the `cache` of the
//! table, if there is one.
//!
//! ```text
//! cargo run --release -p anyface-train --example pictures -- CONFIG.toml SHEET.png
//! ```

#![allow(clippy::print_stdout, reason = "a command line tool")]

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use anyface::image::{contact_sheet, save_png, to_rgb};
use anyface_train::data::images::{ImageSet, ImagesConfig};
use burn::tensor::Device;
use serde::Deserialize;

const SHOWN: usize = 24;
const COLUMNS: usize = 12;

/// The part of a configuration that is read here.
#[derive(Deserialize)]
struct Config {
    images: ImagesConfig,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(config), Some(sheet)) = (arguments.next(), arguments.next()) else {
        return Err("usage: pictures CONFIG.toml SHEET.png".into());
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
