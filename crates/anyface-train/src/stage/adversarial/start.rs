//! The networks that a run starts from: fresh ones, those of another run, or those of a bundle.

use std::path::Path;

use anyface::bundle::Bundle;
use anyface::inversion::EncoderConfig;
use anyface::stylegan2::GeneratorConfig;
use burn::tensor::Device;

use super::Gan;
use super::config::AdversarialConfig;
use super::discriminator::DiscriminatorConfig;
use crate::error::Result;
use crate::run::{load_fitting, take_over};

/// The bundle in a folder, if it is none of a run.
pub(super) fn bundle(folder: &Path) -> Option<Bundle> {
    let is_bundle = folder.join("config.json").is_file();
    is_bundle.then(|| Bundle::folder(folder))
}

/// The networks to start from, the generator of these `sizes`. A block that smaller networks have not adds nothing at first.
///
/// # Errors
/// The run or the bundle to start from cannot be read.
pub(super) fn start(
    config: &AdversarialConfig,
    sizes: &GeneratorConfig,
    device: &Device,
) -> Result<Gan> {
    let encoder = config.reconstruction.as_ref();
    let fresh = Gan {
        generator: sizes.init(device),
        discriminator: DiscriminatorConfig::new(sizes.channels.clone()).init(device),
        encoder: encoder.map(|encoder| encoder.encoder(sizes).init(device)),
    };
    let Some(folder) = &config.model.start else {
        return Ok(fresh);
    };
    let fresh = fresh.with_silent_last_block();
    match bundle(folder) {
        Some(bundle) => from_bundle(&bundle, fresh, device),
        None => load_fitting(folder, fresh),
    }
}

/// What fits of a bundle's generator and encoder; it has no discriminator.
fn from_bundle(bundle: &Bundle, fresh: Gan, device: &Device) -> Result<Gan> {
    let sizes: GeneratorConfig = bundle.section("generator")?;
    let generator = bundle.network("generator", sizes.init(device))?;
    let w_avg = generator.mapping.w_avg.val();
    let found: Option<EncoderConfig> = bundle.section("inversion")?;
    let encoder = match (fresh.encoder, found) {
        (Some(encoder), Some(sizes)) if sizes.method.has_offsets() => {
            // An encoder of a bundle finds differences from the mean.
            let found = bundle.network("inversion", sizes.init(device))?;
            Some(take_over(encoder, found.uniform(w_avg)))
        }
        (encoder, _) => encoder,
    };
    Ok(Gan {
        generator: take_over(fresh.generator, generator),
        encoder,
        ..fresh
    })
}
