//! Edits the largest face in a photograph by a description and pastes it back.
//!
//! ```sh
//! cargo run --release -p anyface --example edit_photo -- photo.jpg "with a beard" edited.png
//! ```
//!
//! The built-in bundle draws illustrated portraits. With `ANYFACE_BUNDLE=models/photographs` the
//! face stays a photograph.

#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::path::Path;

use anyface::image::{Mark, save_marked};
use anyface::photograph::{Detector, Photograph};
use anyface::{Edit, Engine, Error, REFINEMENT_STEPS};

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, words, output] = &arguments[..] else {
        println!("usage: edit_photo <photo> <words> <edited.png>");
        return Ok(());
    };
    let engine = match std::env::var_os("ANYFACE_BUNDLE") {
        Some(folder) => Engine::open(folder.as_ref())?,
        None => Engine::builtin()?,
    };

    // Find the face and align it like the generator's training faces.
    let detector = Detector::builtin();
    let photograph = Photograph::open(input.as_ref(), Some(&detector), 0, engine.resolution())?;

    // Invert the face to a latent and edit the latent.
    let latent = engine.invert(&photograph.face, REFINEMENT_STEPS);
    let edited = engine.edit(&latent, words, &Edit::default())?;

    // Apply only the change to the face at its original size.
    let face = engine.edit_photo(&photograph, &latent, &edited, None);

    let mark = Mark {
        prompt: Some(words.clone()),
        ..Mark::new(engine.config().domain.name())
    };
    save_marked(
        &photograph.paste_back(&face, None).into_rgb8(),
        &mark,
        Path::new(output),
    )
}
