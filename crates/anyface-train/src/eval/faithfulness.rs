//! Does the face have what the words say?

use anyface::probe::Probe;
use anyface::{Engine, Error};
use anyface_portraits::caption::{Caption, Grammar, Split};
use anyface_portraits::{Attribute, Face, latent, render};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::reading::{Reading, read};
use super::tally::{AttributeRow, Tallies};

/// Result of `eval faithfulness`.
#[derive(Debug, Clone, Serialize)]
pub struct Faithfulness {
    /// "faithfulness".
    pub suite: &'static str,
    /// Captions read.
    pub samples: usize,
    /// Mean over attributes of balanced accuracy on generated faces.
    pub accuracy: f64,
    /// The same of the probe on renders of the faces that the captions were made from.
    pub ceiling: f64,
    /// Attributes in the means.
    pub attributes: usize,
    /// How many of them are CelebA's.
    pub celeba_attributes: usize,
    /// The table, worst first.
    pub table: Vec<AttributeRow>,
}

/// Reads with the probe, from a face generated for each of `samples` held-out captions, the attributes that the
/// caption names or denies. Templates, synonyms and roles are those that training never used.
///
/// # Errors
/// As [`Engine::describe`].
pub fn faithfulness(
    engine: &Engine,
    probe: &Probe,
    samples: usize,
    seed: u64,
) -> Result<Faithfulness, Error> {
    let grammar = Grammar::new(Split::HeldOut);
    let truncation = engine.truncation(None)?;
    let mut generated = Tallies::default();
    let mut rendered = Tallies::default();
    for i in 0..samples as u64 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_add(i));
        let face = Face::from_latent(&latent::sample(&mut rng));
        let caption = grammar.caption(&face.attributes(), &mut rng);
        let description = engine.describe(&[&caption.text])?;
        let image = engine.face(&description, seed.wrapping_add(i), truncation).image;
        count(&mut generated, &caption, &read(probe, &image));
        let truth = render(&face, image.width());
        count(&mut rendered, &caption, &read(probe, &truth));
    }
    Ok(report(samples, &generated, &rendered))
}

/// Counts what a caption says against what the probe sees.
fn count(tallies: &mut Tallies, caption: &Caption, seen: &Reading) {
    for &(attribute, said) in &caption.said {
        tallies.add(attribute, said, seen.has(attribute));
    }
}

/// Both tallies as one table. An attribute counts when captions both named and denied it.
fn report(samples: usize, generated: &Tallies, rendered: &Tallies) -> Faithfulness {
    let mut table: Vec<AttributeRow> = Attribute::ALL
        .iter()
        .filter_map(|&attribute| {
            let tally = generated.get(attribute);
            Some(AttributeRow {
                attribute: attribute.name(),
                named: tally.named,
                denied: tally.denied,
                accuracy: tally.balanced_accuracy()?,
                ceiling: rendered.get(attribute).balanced_accuracy()?,
            })
        })
        .collect();
    table.sort_by(|a, b| a.accuracy.total_cmp(&b.accuracy));
    let celeba = &Attribute::ALL[..Attribute::CELEBA_COUNT];
    let is_celeba = |row: &&AttributeRow| celeba.iter().any(|a| a.name() == row.attribute);
    Faithfulness {
        suite: "faithfulness",
        samples,
        accuracy: generated.mean().0,
        ceiling: rendered.mean().0,
        attributes: table.len(),
        celeba_attributes: table.iter().filter(is_celeba).count(),
        table,
    }
}
