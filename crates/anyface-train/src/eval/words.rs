//! Responses to denials, languages and degrees.

use anyface::probe::Probe;
use anyface::{Engine, Error};
use anyface_portraits::Attribute;
use anyface_portraits::caption::Language;
use serde::Serialize;

use super::faithfulness::measure;
use super::manipulation::rank_correlation;
use super::mean;
use super::prompts::Prompt;
use super::reading::read;

/// Result of `eval denials` and `eval languages`.
#[derive(Debug, Clone, Serialize)]
pub struct Words {
    /// "denials" or "languages".
    pub suite: &'static str,
    /// Captions per kind.
    pub samples: usize,
    /// Mean accuracy of the rows.
    pub accuracy: f64,
    /// A row per kind.
    pub table: Vec<WordsRow>,
}

/// Accuracy for one kind of text.
#[derive(Debug, Clone, Serialize)]
pub struct WordsRow {
    /// The language, or the denied attribute.
    pub words: &'static str,
    /// Number of statements.
    pub facts: u64,
    /// Balanced accuracy on generated faces, mean over attributes.
    pub accuracy: f64,
    /// The same for pictures of the described faces.
    pub ceiling: f64,
}

/// Result of `eval intensity`.
#[derive(Debug, Clone, Serialize)]
pub struct Intensity {
    /// "intensity".
    pub suite: &'static str,
    /// Seeds per row.
    pub samples: usize,
    /// Spearman correlation of the degree and the probe's logit, mean over rows.
    pub value: f64,
    /// A row per scale.
    pub table: Vec<IntensityRow>,
}

/// Correlation for one scale.
#[derive(Debug, Clone, Serialize)]
pub struct IntensityRow {
    /// Name of the attribute.
    pub attribute: &'static str,
    /// Spearman correlation, mean over seeds.
    pub value: f64,
}

/// Draws faces for denials. The accuracy of an attribute is the fraction of its denials for which
/// the probe does not see it.
///
/// # Errors
/// As [`Engine::describe`].
pub fn denials(engine: &Engine, probe: &Probe, samples: usize, seed: u64) -> Result<Words, Error> {
    let prompts: Vec<Prompt> = Prompt::denying(seed).take(samples).collect();
    let [generated, real] = measure(engine, probe, &prompts, seed)?;
    let row = |&attribute: &Attribute| {
        Some(WordsRow {
            words: attribute.name(),
            facts: generated.counts(attribute).iter().sum(),
            accuracy: generated.of(attribute)?,
            ceiling: real.of(attribute)?,
        })
    };
    let table = Attribute::ALL.iter().filter_map(row).collect();
    Ok(report("denials", samples, table))
}

/// Faithfulness to captions of each single language.
///
/// # Errors
/// As [`Engine::describe`].
pub fn languages(
    engine: &Engine,
    probe: &Probe,
    samples: usize,
    seed: u64,
) -> Result<Words, Error> {
    let row = |language: Language| {
        let prompts: Vec<Prompt> = Prompt::rendered_in(language, seed).take(samples).collect();
        let facts = prompts.iter().map(|prompt| prompt.said.len() as u64).sum();
        let [generated, real] = measure(engine, probe, &prompts, seed)?;
        Ok(WordsRow {
            words: language.name(),
            facts,
            accuracy: generated.mean(),
            ceiling: real.mean(),
        })
    };
    let table = Language::ALL.into_iter().map(row);
    let table = table.collect::<Result<_, Error>>()?;
    Ok(report("languages", samples, table))
}

fn report(suite: &'static str, samples: usize, mut table: Vec<WordsRow>) -> Words {
    table.sort_by(|a, b| a.accuracy.total_cmp(&b.accuracy));
    Words {
        suite,
        samples,
        accuracy: mean(table.iter().map(|row| row.accuracy)).unwrap_or(0.0),
        table,
    }
}

/// Scales: the attribute, a text for its absence, and a text with `{}` for the degree.
const SCALES: [(Attribute, &str, &str); 10] = [
    (
        Attribute::Smiling,
        "a person who is not happy",
        "a {} happy person",
    ),
    (
        Attribute::Frowning,
        "a person who is not angry",
        "a {} angry person",
    ),
    (
        Attribute::Elderly,
        "a person who is not old",
        "a {} old person",
    ),
    (
        Attribute::Chubby,
        "a person who is not chubby",
        "a {} chubby person",
    ),
    (
        Attribute::Freckles,
        "a person without freckles",
        "a {} freckled person",
    ),
    (
        Attribute::Wrinkles,
        "a person without wrinkles",
        "a {} wrinkled person",
    ),
    (
        Attribute::BigNose,
        "a person with a small nose",
        "a person with a {} big nose",
    ),
    (
        Attribute::BigLips,
        "a person with thin lips",
        "a person with {} full lips",
    ),
    (
        Attribute::BigEars,
        "a person with small ears",
        "a person with {} big ears",
    ),
    (
        Attribute::BushyEyebrows,
        "a person with thin eyebrows",
        "a person with {} bushy eyebrows",
    ),
];

/// Degrees in ascending order.
const DEGREES: [&str; 4] = ["slightly", "", "very", "extremely"];

/// Draws faces of each degree with the same `samples` seeds and correlates the degree with the
/// probe's logit.
///
/// # Errors
/// As [`Engine::describe`].
pub fn intensity(
    engine: &Engine,
    probe: &Probe,
    samples: usize,
    seed: u64,
) -> Result<Intensity, Error> {
    let truncation = engine.config().truncation;
    let row = |(attribute, absent, scale): (Attribute, &str, &str)| {
        let descriptions = ladder(absent, scale)
            .iter()
            .map(|text| engine.describe(&[text]))
            .collect::<Result<Vec<_>, _>>()?;
        let of_seed = |i: usize| {
            let seed = seed.wrapping_add(i as u64);
            let logits = descriptions.iter().map(|description| {
                let face = engine.face(description, seed, truncation);
                read(probe, &face.image).logit(attribute)
            });
            rank_correlation(&logits.collect::<Vec<_>>())
        };
        Ok(IntensityRow {
            attribute: attribute.name(),
            value: mean((0..samples).map(of_seed)).unwrap_or(0.0),
        })
    };
    let rows = SCALES.into_iter().map(row);
    let mut table = rows.collect::<Result<Vec<IntensityRow>, Error>>()?;
    table.sort_by(|a, b| a.value.total_cmp(&b.value));
    Ok(Intensity {
        suite: "intensity",
        samples,
        value: mean(table.iter().map(|row| row.value)).unwrap_or(0.0),
        table,
    })
}

/// Texts of a scale in ascending order, starting with absence.
fn ladder(absent: &str, scale: &str) -> Vec<String> {
    let graded = DEGREES.iter().map(|degree| {
        let words = scale.replace("{}", degree);
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    std::iter::once(absent.to_owned()).chain(graded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ladder_starts_at_absence_and_ascends() {
        assert_eq!(
            ladder("a person with thin lips", "a person with {} full lips"),
            [
                "a person with thin lips",
                "a person with slightly full lips",
                "a person with full lips",
                "a person with very full lips",
                "a person with extremely full lips",
            ]
        );
    }

    #[test]
    fn denials_have_only_denied_attributes() {
        for prompt in Prompt::denying(3).take(200) {
            assert!(!prompt.said.is_empty());
            for (attribute, state) in prompt.said {
                assert!(!state || attribute == Attribute::NoBeard, "{}", prompt.text);
            }
        }
    }
}
