//! Checks of single fields, the same at every address.

use std::hash::{BuildHasher, Hasher, RandomState};

use anyface::pipeline::MAX_WORDS;

use super::ignored::Ignored;
use crate::error::ApiError;
use crate::studio::About;

/// Longest text, in characters, as in OpenAI's API.
const MAX_TEXT: usize = 32_000;
const MAX_USER: usize = 256;
const MAX_KEEP: usize = 16;
const MAX_SKETCHES: usize = 3;
/// Seeds that are picked at random fit a JavaScript number.
const SEED_BITS: u32 = 32;

/// The user goes to the log.
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

/// A text must say something, and be no book.
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

/// As much of a text as is read: reading takes time by the word, and nobody else is served meanwhile.
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

/// Texts of what must stay.
pub(super) fn keep(texts: &[String]) -> Result<(), ApiError> {
    if texts.len() > MAX_KEEP {
        let message = format!("keep must have at most {MAX_KEEP} texts");
        return Err(ApiError::invalid("keep", message));
    }
    texts.iter().try_for_each(|keep| text("keep", keep))
}

/// The number of images.
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

/// A model must have an encoder to read photos: without one, a photo would keep everybody waiting.
pub(super) const fn photos(model: &About) -> Result<(), ApiError> {
    match model.inverts {
        true => Ok(()),
        false => Err(ApiError::NotImplemented(
            "this model cannot read photos, since its bundle has no encoder",
        )),
    }
}

/// The number of unfinished pictures.
pub(super) fn sketches(partial_images: Option<usize>, stream: bool) -> Result<usize, ApiError> {
    match partial_images {
        None | Some(0) => Ok(0),
        Some(_) if !stream => Err(ApiError::invalid(
            "partial_images",
            "partial_images goes with stream only",
        )),
        Some(n) if n <= MAX_SKETCHES => Ok(n),
        Some(_) => Err(ApiError::invalid(
            "partial_images",
            format!("partial_images must be between 0 and {MAX_SKETCHES}"),
        )),
    }
}

/// How far a file is compressed, in percent.
pub(super) fn compression(percent: Option<u8>) -> Result<Option<u8>, ApiError> {
    match percent {
        Some(101..) => {
            let message = "output_compression must be between 0 and 100";
            Err(ApiError::invalid("output_compression", message))
        }
        percent => Ok(percent),
    }
}

/// ψ.
pub(super) fn truncation(param: &str, psi: Option<f64>) -> Result<Option<f64>, ApiError> {
    within(param, psi, 0.0, 1.0)
}

/// The strength of an edit: all of it when left out.
pub(super) fn strength(param: &str, strength: Option<f64>) -> Result<f64, ApiError> {
    Ok(within(param, strength, -1.0, 1.0)?.unwrap_or(1.0))
}

/// A number in its range.
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

/// A seed for those who name none.
pub(super) fn random_seed() -> u64 {
    // The standard library's own randomness, that of its hash maps, is random enough for this.
    RandomState::new().build_hasher().finish() >> (u64::BITS - SEED_BITS)
}
