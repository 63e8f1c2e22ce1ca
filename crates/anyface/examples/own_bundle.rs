//! Puts your own networks into a bundle and runs it.
//!
//! ```sh
//! cargo run --release -p anyface --example own_bundle -- my-bundle
//! cargo run --release -p anyface --example own_bundle -- my-bundle ffhq.pkl ViT-B-32.pt
//! ```
//!
//! A bundle is a folder: `config.json` gives the sizes of every network, `NAME.safetensors` its
//! weights. Networks come from public checkpoints (docs/CHECKPOINTS.md). The others are small
//! networks with random weights here, so the output is noise.

#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::path::Path;

use anyface::bundle::{Bundle, Domain, Truncation, ZDistribution};
use anyface::checkpoint::Checkpoint;
use anyface::clip::transformer::TransformerConfig;
use anyface::clip::{Family, SimpleTokenizer, TextTowerConfig, VisionTransformerConfig};
use anyface::convert::convert;
use anyface::image::save_png;
use anyface::mapper::StreamConfig;
use anyface::stylegan2::GeneratorConfig;
use anyface::{Device, Engine, Error, Generate};

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments.next().unwrap_or("my-bundle".into());
    let folder = Path::new(&folder);
    put_random_networks(folder)?;

    // A converted network replaces the random one, and its sizes replace the random one's sizes.
    for file in arguments {
        convert(&Checkpoint::open(file.as_ref())?)?.put(folder)?;
    }

    // The mapper connects the text tower and the generator, so its sizes follow theirs.
    let bundle = Bundle::folder(folder);
    let text: TextTowerConfig = bundle.section("text_tower")?;
    let generator: GeneratorConfig = bundle.section("generator")?;
    let stream = StreamConfig {
        feature_dim: text.embed_dim,
        num_ws: generator.num_ws(),
        w_dim: generator.w_dim,
        transformer: TransformerConfig::new(64, 2, 2),
        hidden: vec![64],
        lr_multiplier: 1.0,
        reads_latent: true,
        memory: Vec::new(),
    };
    let network = stream.init(&Device::flex());
    Bundle::put(folder, "text_stream", &stream, &network)?;
    let truncation = Truncation {
        psi: 0.7,
        cutoff: generator.num_ws(),
    };
    Bundle::put_section(folder, "truncation", &truncation)?;

    let engine = Engine::open(folder)?;
    let faces = engine.generate(&["a doctor"], &Generate::default())?;
    let picture = folder.join("face.png");
    save_png(&faces[0].image, &picture)?;
    println!("{}", picture.display());
    Ok(())
}

/// CLIP towers and a generator of 64², too small for real use.
fn put_random_networks(folder: &Path) -> Result<(), Error> {
    let device = Device::flex();
    let text = TextTowerConfig::new(SimpleTokenizer::VOCAB_SIZE, 77, 32, 1, 2, 16);
    Bundle::put(folder, "text_tower", &text, &text.init(&device))?;
    let image = VisionTransformerConfig::new(32, 8, 32, 1, 2, 16);
    Bundle::put(folder, "image_tower", &image, &image.init(&device))?;
    let generator = GeneratorConfig::new(64, 64, vec![32, 32, 16, 16, 8]);
    Bundle::put(folder, "generator", &generator, &generator.init(&device))?;
    Bundle::put_section(folder, "clip", &Family::Openai)?;
    Bundle::put_section(folder, "domain", &Domain::Photographs)?;
    Bundle::put_section(folder, "z_distribution", &ZDistribution::Normal)
}
