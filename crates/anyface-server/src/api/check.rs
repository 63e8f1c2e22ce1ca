//! Checks of single fields, for all endpoints.

use std::hash::{BuildHasher, Hasher, RandomState};

use anyface::pipeline::MAX_WORDS;

use super::ignored::Ignored;
use crate::error::ApiError;
use crate::studio::About;

/// Longest text in characters, as in OpenAI's API.
const MAX_TEXT: usize = 32_000;
/// Longest user identifier in characters.
const MAX_USER: usize = 256;
/// Largest number of `keep` texts.
const MAX_KEEP: usize = 16;
/// Largest number of partial images per image, as in OpenAI's API.
const MAX_SKETCHES: usize = 3;
/// Bits of random seeds. They fit into a JavaScript number.
const SEED_BITS: u32 = 32;

/// Checks the user identifier and logs it.
pub(super) fn user(user: Option<&str>) -> Result<(), ApiError> {
    let Some(user) = user else {
        return Ok(());
    };
    if user.chars().count() > MAX_USER {
        let message = format!("user must have at most {MAX_USER} characters");
        return Err(ApiError::invalid("user", message));
    }
    tracing::info!(user, "asked by");
    Ok(())
}

/// Checks that a text is neither empty nor too long.
pub(super) fn text(param: &str, text: &str) -> Result<(), ApiError> {
    if text.trim().is_empty() {
        return Err(ApiError::invalid(param, format!("{param} is empty")));
    }
    if text.chars().count() > MAX_TEXT {
        let message = format!("{param} must have at most {MAX_TEXT} characters");
        return Err(ApiError::invalid(param, message));
    }
    Ok(())
}

/// The first [`MAX_WORDS`] words of a text. Encoding takes time per word and blocks other requests.
pub(super) fn read_part(text: String, ignored: &mut Ignored) -> String {
    let words = text.split_whitespace();
    match words.clone().nth(MAX_WORDS).is_some() {
        false => text,
        true => {
            ignored.note("prompt after 1000 words", true);
            words.take(MAX_WORDS).collect::<Vec<_>>().join(" ")
        }
    }
}

/// Checks the `keep` texts.
pub(super) fn keep(texts: &[String]) -> Result<(), ApiError> {
    if texts.len() > MAX_KEEP {
        let message = format!("keep must have at most {MAX_KEEP} texts");
        return Err(ApiError::invalid("keep", message));
    }
    texts.iter().try_for_each(|keep| text("keep", keep))
}

/// Checks the number of images.
pub(super) fn count(n: Option<usize>, most: usize) -> Result<usize, ApiError> {
    match n {
        None => Ok(1),
        Some(n) if (1..=most).contains(&n) => Ok(n),
        Some(n) => Err(ApiError::invalid(
            "n",
            format!("n must be between 1 and {most}, not {n}"),
        )),
    }
}

/// Checks that the model has an encoder. Inversion by optimisation would block other requests.
pub(super) const fn photos(model: &About) -> Result<(), ApiError> {
    match model.inverts {
        true => Ok(()),
        false => Err(ApiError::NotImplemented(
            "this model cannot read photos, because its bundle has no encoder",
        )),
    }
}

/// Checks the number of partial images.
pub(super) fn sketches(partial_images: Option<usize>, stream: bool) -> Result<usize, ApiError> {
    match partial_images {
        None | Some(0) => Ok(0),
        Some(_) if !stream => Err(ApiError::invalid(
            "partial_images",
            "partial_images needs stream",
        )),
        Some(n) if n <= MAX_SKETCHES => Ok(n),
        Some(_) => Err(ApiError::invalid(
            "partial_images",
            format!("partial_images must be between 0 and {MAX_SKETCHES}"),
        )),
    }
}

/// Checks `output_compression`, in percent.
pub(super) fn compression(percent: Option<u8>) -> Result<Option<u8>, ApiError> {
    match percent {
        Some(101..) => {
            let message = "output_compression must be between 0 and 100";
            Err(ApiError::invalid("output_compression", message))
        }
        percent => Ok(percent),
    }
}

/// Checks a truncation ψ.
pub(super) fn truncation(param: &str, psi: Option<f64>) -> Result<Option<f64>, ApiError> {
    within(param, psi, 0.0, 1.0)
}

/// Checks the strength of an edit. Default 1.
pub(super) fn strength(param: &str, strength: Option<f64>) -> Result<f64, ApiError> {
    Ok(within(param, strength, -1.0, 1.0)?.unwrap_or(1.0))
}

/// Checks that a number is in its range.
pub(super) fn within(
    param: &str,
    value: Option<f64>,
    low: f64,
    high: f64,
) -> Result<Option<f64>, ApiError> {
    match value {
        Some(value) if !(low..=high).contains(&value) => {
            let message = format!("{param} must be between {low} and {high}, not {value}");
            Err(ApiError::invalid(param, message))
        }
        value => Ok(value),
    }
}

/// A random seed of [`SEED_BITS`] bits.
pub(super) fn random_seed() -> u64 {
    // The random keys of the standard library's hash maps are random enough for seeds.
    RandomState::new().build_hasher().finish() >> (u64::BITS - SEED_BITS)
}
