//! Makes an animation between two descriptions along a straight line between two latents.
//!
//! ```sh
//! cargo run --release -p anyface --example interpolate -- "a young queen" "a pirate" faces.gif
//! ```

#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::path::Path;

use anyface::image::{Mark, save_animation};
use anyface::{Engine, Error, Generate, Latent};

const FRAMES: u32 = 24;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to, output] = &arguments[..] else {
        println!("usage: interpolate <words> <words> <faces.gif>");
        return Ok(());
    };
    let engine = Engine::builtin()?;
    let [from, to] = [latent(&engine, from)?, latent(&engine, to)?];
    let frames: Vec<_> = (0..FRAMES)
        .map(|frame| f64::from(frame) / f64::from(FRAMES - 1))
        .map(|t| engine.draw(&from.towards(&to, t)))
        .collect();
    let mark = Mark::new(engine.config().domain.name());
    save_animation(&frames, &mark, Path::new(output))
}

/// The latent of the first face for a description.
fn latent(engine: &Engine, words: &str) -> Result<Latent, Error> {
    let faces = engine.generate(&[words], &Generate::default())?;
    Ok(faces[0].latent.clone())
}
