//! Generates faces for one description and saves each with metadata that says how it was made.
//!
//! ```sh
//! cargo run --release -p anyface --example generate -- "an old sailor with a white beard" faces
//! ```

#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::path::{Path, PathBuf};

use anyface::image::{Mark, contact_sheet, save_marked};
use anyface::{Engine, Generate};

const FACES: usize = 4;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let words = arguments.next().unwrap_or("a cheerful old sailor".into());
    let folder = PathBuf::from(arguments.next().unwrap_or("faces".into()));
    std::fs::create_dir_all(&folder)?;

    let engine = Engine::builtin()?;
    let options = Generate {
        count: FACES,
        seed: 7,
        ..Generate::default()
    };
    let faces = engine.generate(&[&words], &options)?;
    for face in &faces {
        let mark = Mark {
            prompt: Some(words.clone()),
            seed: Some(face.seed),
            ..Mark::new(engine.config().domain.name())
        };
        let path = folder.join(format!("{}.png", face.seed));
        save_marked(&face.image, &mark, &path)?;
        println!("{}  clip score {:.3}", path.display(), face.clip_score);
    }

    let pictures: Vec<_> = faces.into_iter().map(|face| face.image).collect();
    let mark = Mark::new(engine.config().domain.name());
    let sheet: &Path = &folder.join("sheet.png");
    save_marked(&contact_sheet(&pictures, FACES), &mark, sheet)?;
    Ok(())
}
