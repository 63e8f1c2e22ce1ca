//! Which words of a description bear on the face.

use burn::tensor::Tensor;

use super::{Description, Engine};
use crate::Error;
use crate::bundle::Truncation;

/// Faces of so many seeds tell what a word changes.
const FACES: u64 = 3;
/// From this effect on a word bears on the face. Of the words below it in 150 sentences of caption
/// words, each with a planted thing or a word without a meaning, 0.72 were planted, and 0.77 of the
/// planted were below it: measured on the built-in bundle, on the sentences that it was chosen by.
const UNDERSTOOD: f32 = 0.016;
/// Words that ask for nothing.
const NEUTRAL: &str = "a face";

/// Words that say nothing of a face alone, in the languages of the built-in captions.
#[rustfmt::skip]
const FUNCTION_WORDS: &[&str] = &[
    // English.
    "a", "an", "the", "this", "that", "these", "those", "some", "any", "one", "of", "and", "or", "but", "nor", "with",
    "without", "in", "on", "at", "to", "by", "for", "from", "into", "than", "as", "like", "is", "are", "was", "be",
    "been", "has", "have", "had", "got", "does", "do", "did", "isn't", "doesn't", "don't", "hasn't", "not", "no",
    "never", "who", "whose", "which", "he", "she", "it", "they", "him", "her", "his", "their", "them", "my", "your",
    "i", "me", "you", "we", "there", "here", "please", "draw", "show", "make", "give", "create", "generate", "want",
    "would", "see", "wear", "wears", "wearing", "look", "looks", "looking", "very", "really", "quite", "rather", "face",
    "person", "somebody", "someone", "portrait", "photo", "photograph", "picture", "image", "people", "s", "t",
    // German.
    "ein", "eine", "einen", "einem", "einer", "der", "die", "das", "den", "dem", "und", "oder", "mit", "ohne", "ist",
    "trägt", "er", "sie", "es", "nicht", "kein", "keine", "keinen", "von", "im", "auf", "bitte", "zeichne",
    // French.
    "un", "une", "des", "le", "la", "les", "du", "de", "et", "ou", "avec", "sans", "est", "porte", "il", "elle", "au",
    "aux", "à", "ne", "pas", "n", "d", "l",
    // Spanish, Italian, Portuguese.
    "una", "unos", "el", "los", "las", "y", "o", "con", "sin", "es", "tiene", "lleva", "él", "ella", "uno", "il", "lo",
    "gli", "i", "e", "senza", "ha", "porta", "lui", "lei", "di", "dai", "dal", "dalla", "um", "uma", "os", "com",
    "sem", "é", "tem", "usa", "ele", "ela", "da", "do", "não", "non", "del",
];

/// Words that say something only of the word beside them.
#[rustfmt::skip]
const MODIFIERS: &[&str] = &[
    "big", "small", "full", "high", "low", "broad", "thick", "thin", "large", "little", "huge", "tiny", "long", "short",
    "bright", "light", "dark", "deep", "wide", "narrow", "open", "closed", "round", "square", "sharp", "pointed",
    "straight", "heavy", "soft", "strong", "fine", "flat", "slight", "slightly", "extremely", "gold", "golden", "silver",
    "pair", "bit", "lot", "lots", "kind", "feature", "features", "expression", "shape", "shaped", "head", "skin", "few",
    "many", "much", "more", "most", "less", "two", "three", "own", "out", "up", "down", "over", "under", "around",
    "between", "through", "covered", "clear", "natural",
    "nose", "eyes", "eye", "hair", "lips", "lip", "ears", "ear", "cheeks", "chin", "mouth", "jaw", "brow", "brows",
    "eyebrows", "forehead", "neck", "cheekbones", "complexion", "else", "anything", "nothing", "longer", "lacks", "lacking",
];

/// A word of a description, or a sign.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The word as it was written.
    pub text: String,
    /// Which of the captions it stands in, from 0.
    pub caption: usize,
    /// Where it starts in the caption, in bytes.
    pub start: usize,
    /// How far the word moves the latent of a face of which nothing else is said, as a part of the
    /// distance of two random faces. From 0.
    pub effect: f32,
    /// Whether the word bears on the face.
    pub is_understood: bool,
}

impl Engine {
    /// The words of a description that could say something of a face, with what each does to it; not
    /// words like "the", and none that, like "big", say something only of another word. Takes less
    /// than a face to draw.
    ///
    /// A word is read alone: left out of its sentence, it is often missed by nobody, since the others
    /// say the same ("a knitted cap").
    ///
    /// # Errors
    /// As [`Engine::describe`].
    pub fn spans<S: AsRef<str>>(&self, captions: &[S]) -> Result<Vec<Span>, Error> {
        Self::check(captions)?;
        let faces = SeedFaces::new(self);
        let neutral = faces.described(&self.describe(&[NEUTRAL])?);
        let mut spans = Vec::new();
        for (caption, text) in captions.iter().enumerate() {
            let text = text.as_ref();
            for word in words(text) {
                let alone = faces.described(&self.describe(&[word])?);
                let effect = faces.distance(&neutral, &alone);
                spans.push(Span {
                    text: word.to_owned(),
                    caption,
                    start: word.as_ptr() as usize - text.as_ptr() as usize,
                    effect,
                    is_understood: effect >= UNDERSTOOD && is_readable(word),
                });
            }
        }
        Ok(spans)
    }
}

/// Faces of a few seeds, as words change them.
struct SeedFaces<'e> {
    engine: &'e Engine,
    truncation: Truncation,
    /// Root mean square distance of two faces of which nothing is said.
    unit: f32,
}

impl<'e> SeedFaces<'e> {
    fn new(engine: &'e Engine) -> Self {
        let truncation = Truncation {
            psi: 1.0,
            ..engine.config.truncation
        };
        let mut faces = Self {
            engine,
            truncation,
            unit: 1.0,
        };
        let random = |seed| engine.mapper.random_face(seed, truncation);
        let some = Tensor::cat((0..FACES).map(random).collect(), 0);
        let others = Tensor::cat((FACES..2 * FACES).map(random).collect(), 0);
        faces.unit = faces.distance(&some, &others).max(1e-6);
        faces
    }

    /// The latents of the faces, `[N, L, D]`, as they are described.
    fn described(&self, description: &Description) -> Tensor<3> {
        let mapper = &self.engine.mapper;
        mapper.faces(description, 0..FACES, self.truncation)
    }

    /// Root mean square distance of faces that belong together, in the layers that words change.
    fn distance(&self, some: &Tensor<3>, others: &Tensor<3>) -> f32 {
        let layers = self.engine.described_layers();
        let change = (some.clone() - others.clone()).narrow(1, layers.start, layers.len());
        let squares = change.square().sum().into_scalar::<f32>();
        (squares / FACES as f32).sqrt() / self.unit
    }
}

/// The words of a text that could say something of a face, without the marks around them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_mark = |c: char| !c.is_alphanumeric() && !is_sign(c);
    let words = text.split_whitespace();
    let words = words.map(move |word| word.trim_matches(is_mark));
    words.filter(|word| {
        let says = word.chars().any(|c| c.is_alphabetic() || is_sign(c));
        let folded = word.to_lowercase().replace('’', "'");
        let folded = folded.trim_end_matches("'s");
        says && !FUNCTION_WORDS.contains(&folded) && !MODIFIERS.contains(&folded)
    })
}

/// Whether a letter is an emoji, by the blocks that hold most.
const fn is_sign(c: char) -> bool {
    matches!(c, '\u{2600}'..='\u{27bf}' | '\u{1f300}'..='\u{1faff}')
}

/// Whether the letters are of the Latin script, the only one that the built-in captions are written
/// in, or signs.
fn is_readable(word: &str) -> bool {
    let is_latin = |c: char| c <= '\u{24f}' || ('\u{1e00}'..='\u{1eff}').contains(&c);
    word.chars().filter(|c| c.is_alphabetic()).all(is_latin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_say_nothing_are_left_out() {
        let words = |text: &'static str| words(text).collect::<Vec<_>>();
        assert_eq!(words("A man with the hat, please!"), ["man", "hat"]);
        assert_eq!(words("eine Frau ohne Brille"), ["Frau", "Brille"]);
        assert_eq!(words("👩🏽‍🦰 isn’t 42"), ["👩🏽‍🦰"]);
        assert_eq!(words("(red-haired)"), ["red-haired"]);
    }

    #[test]
    fn other_scripts_cannot_be_read() {
        for word in ["sailor", "Großmutter", "mère", "👴"] {
            assert!(is_readable(word), "{word}");
        }
        for word in ["старый", "老人", "عجوز"] {
            assert!(!is_readable(word), "{word}");
        }
    }

    #[test]
    fn every_span_lies_where_it_says() {
        let engine = Engine::builtin().unwrap();
        let captions = ["An old man. He wears a hat.", "blorptang glasses"];
        let spans = engine.spans(&captions).unwrap();
        let texts: Vec<&str> = spans.iter().map(|span| span.text.as_str()).collect();
        assert_eq!(texts, ["old", "man", "hat", "blorptang", "glasses"]);
        for span in &spans {
            assert!(captions[span.caption][span.start..].starts_with(&span.text));
        }
        let effect = |text: &str| spans.iter().find(|span| span.text == text).unwrap().effect;
        for word in ["old", "hat", "glasses"] {
            assert!(effect(word) > 2.0 * effect("blorptang"), "{spans:?}");
        }
    }
}
