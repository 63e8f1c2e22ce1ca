//! Faithfulness: does the face have the attributes of its description?

use anyface::probe::Probe;
use anyface::{Engine, Error};
use anyface_portraits::Attribute;
use serde::Serialize;

use super::accuracy::Accuracy;
use super::prompts::Prompt;
use super::reading::{Reading, read};

/// Result of `eval faithfulness`.
#[derive(Debug, Clone, Serialize)]
pub struct Faithfulness {
    /// "faithfulness".
    pub suite: &'static str,
    /// Number of captions.
    pub samples: usize,
    /// Balanced accuracy on generated faces, mean over attributes.
    pub accuracy: f64,
    /// The same for the probe on pictures of the described faces.
    pub ceiling: f64,
    /// Number of attributes in the means.
    pub attributes: usize,
    /// Number of CelebA attributes among them.
    pub celeba_attributes: usize,
    /// Rows of the attributes, lowest accuracy first.
    pub table: Vec<AttributeRow>,
}

/// A row of the table.
#[derive(Debug, Clone, Serialize)]
pub struct AttributeRow {
    /// Column name of the attribute.
    pub attribute: &'static str,
    /// Captions that state the attribute.
    pub named: u64,
    /// Captions that deny the attribute.
    pub denied: u64,
    /// Balanced accuracy on generated faces.
    pub accuracy: f64,
    /// Balanced accuracy on pictures of the described faces.
    pub ceiling: f64,
}

/// Draws a face for each prompt, with seeds from `seed` on, and reads the attributes that the
/// prompt states or denies with the probe.
///
/// # Errors
/// As [`Engine::describe`].
pub fn faithfulness(
    engine: &Engine,
    probe: &Probe,
    prompts: &[Prompt],
    seed: u64,
) -> Result<Faithfulness, Error> {
    let [generated, real] = measure(engine, probe, prompts, seed)?;
    Ok(report(prompts.len(), &generated, &real))
}

/// Probe readings of the attributes in the prompts: of a generated face per prompt, and of the
/// picture of the described face.
pub(super) fn measure(
    engine: &Engine,
    probe: &Probe,
    prompts: &[Prompt],
    seed: u64,
) -> Result<[Accuracy; 2], Error> {
    let truncation = engine.config().truncation;
    let mut generated = Accuracy::default();
    let mut real = Accuracy::default();
    for (i, prompt) in prompts.iter().enumerate() {
        let description = engine.describe(&[&prompt.text])?;
        let face = engine.face(&description, seed.wrapping_add(i as u64), truncation);
        count(&mut generated, prompt, &read(probe, &face.image));
        if let Some(picture) = prompt.truth.picture(face.image.width()) {
            count(&mut real, prompt, &read(probe, &picture));
        }
    }
    Ok([generated, real])
}

/// Compares the statements of a prompt with the probe's reading.
fn count(accuracy: &mut Accuracy, prompt: &Prompt, seen: &Reading) {
    for &(attribute, said) in &prompt.said {
        accuracy.add(attribute, said, seen.has(attribute) == said);
    }
}

/// Both accuracies as one table. An attribute is included if captions both state and deny it.
fn report(samples: usize, generated: &Accuracy, real: &Accuracy) -> Faithfulness {
    let mut table: Vec<AttributeRow> = Attribute::ALL
        .iter()
        .filter_map(|&attribute| {
            let [denied, named] = generated.counts(attribute);
            let row = AttributeRow {
                attribute: attribute.name(),
                named,
                denied,
                accuracy: generated.of(attribute)?,
                ceiling: real.of(attribute)?,
            };
            (named > 0 && denied > 0).then_some(row)
        })
        .collect();
    table.sort_by(|a, b| a.accuracy.total_cmp(&b.accuracy));
    let celeba = &Attribute::ALL[..Attribute::CELEBA_COUNT];
    let is_celeba = |row: &&AttributeRow| celeba.iter().any(|a| a.name() == row.attribute);
    let mean = |value: fn(&AttributeRow) -> f64| {
        table.iter().map(value).sum::<f64>() / table.len().max(1) as f64
    };
    Faithfulness {
        suite: "faithfulness",
        samples,
        accuracy: mean(|row| row.accuracy),
        ceiling: mean(|row| row.ceiling),
        attributes: table.len(),
        celeba_attributes: table.iter().filter(is_celeba).count(),
        table,
    }
}
