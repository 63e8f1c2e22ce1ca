//! Does the face have what the words say?

use anyface::probe::Probe;
use anyface::{Engine, Error};
use anyface_portraits::caption::{Caption, Grammar, Split};
use anyface_portraits::{Attribute, render};
use serde::Serialize;

use super::accuracy::Accuracy;
use super::prompts::described_face;
use super::reading::{Reading, read};

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

/// One line of the table.
#[derive(Debug, Clone, Serialize)]
pub struct AttributeRow {
    /// Column name of the attribute.
    pub attribute: &'static str,
    /// Captions that named it.
    pub named: u64,
    /// Captions that denied it.
    pub denied: u64,
    /// Balanced accuracy on generated faces.
    pub accuracy: f64,
    /// Balanced accuracy on renders of the faces that the captions were made from.
    pub ceiling: f64,
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
    let mut generated = Accuracy::default();
    let mut rendered = Accuracy::default();
    for i in 0..samples as u64 {
        let (face, caption) = described_face(&grammar, seed.wrapping_add(i));
        let description = engine.describe(&[&caption.text])?;
        let image = engine
            .face(&description, seed.wrapping_add(i), truncation)
            .image;
        count(&mut generated, &caption, &read(probe, &image));
        let truth = render(&face, image.width());
        count(&mut rendered, &caption, &read(probe, &truth));
    }
    Ok(report(samples, &generated, &rendered))
}

/// Counts what a caption says against what the probe sees.
fn count(accuracy: &mut Accuracy, caption: &Caption, seen: &Reading) {
    for &(attribute, said) in &caption.said {
        accuracy.add(attribute, said, seen.has(attribute) == said);
    }
}

/// Both measures as one table. An attribute is in it when captions both named and denied it.
fn report(samples: usize, generated: &Accuracy, rendered: &Accuracy) -> Faithfulness {
    let mut table: Vec<AttributeRow> = Attribute::ALL
        .iter()
        .filter_map(|&attribute| {
            let [denied, named] = generated.counts(attribute);
            let row = AttributeRow {
                attribute: attribute.name(),
                named,
                denied,
                accuracy: generated.of(attribute)?,
                ceiling: rendered.of(attribute)?,
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
