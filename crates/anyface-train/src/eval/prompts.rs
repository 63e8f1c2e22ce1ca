//! What faces are asked for.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyface_portraits::caption::{Caption, Grammar, Split};
use anyface_portraits::{Face, latent};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::error::{Result, TrainError};

/// A description, and the face of the built-in domain that it was made from.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// The words.
    pub text: String,
    /// The face, where it is known.
    pub face: Option<Face>,
}

/// The random face of a seed, and a caption of it in templates, synonyms and roles that training never used.
pub(super) fn described_face(grammar: &Grammar, seed: u64) -> (Face, Caption) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let face = Face::from_latent(&latent::sample(&mut rng));
    let caption = grammar.caption(&face.attributes(), &mut rng);
    (face, caption)
}

impl Prompt {
    /// Held-out captions of `count` random faces, of `seed` and those after it, no text twice.
    pub fn held_out(count: usize, seed: u64) -> Vec<Self> {
        let grammar = Grammar::new(Split::HeldOut);
        let faces = (0..).map(|i| described_face(&grammar, seed.wrapping_add(i)));
        let prompts = faces.map(|(face, caption)| Self {
            text: caption.text,
            face: Some(face),
        });
        let mut known = HashSet::new();
        prompts
            .filter(|prompt| known.insert(prompt.text.clone()))
            .take(count)
            .collect()
    }

    /// The lines of a file, but empty ones and those that came before.
    ///
    /// # Errors
    /// Names the file that cannot be read or holds nothing.
    pub fn read(path: &Path) -> Result<Vec<Self>> {
        let text = fs::read_to_string(path).map_err(TrainError::io(path))?;
        let mut known = HashSet::new();
        let lines = text.lines().map(str::trim);
        let prompts: Vec<Self> = lines
            .filter(|line| !line.is_empty() && known.insert(*line))
            .map(|line| Self {
                text: line.to_owned(),
                face: None,
            })
            .collect();
        match prompts.is_empty() {
            true => Err(TrainError::Damaged {
                path: path.to_owned(),
                message: "holds no caption".to_owned(),
            }),
            false => Ok(prompts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("captions.txt");
        fs::write(&path, "a man\n\n  a woman\r\na man\n").expect("written");
        let prompts = Prompt::read(&path).expect("captions");
        let texts: Vec<_> = prompts.into_iter().map(|prompt| prompt.text).collect();
        assert_eq!(texts, ["a man", "a woman"]);
        fs::write(&path, "\n").expect("written");
        let error = Prompt::read(&path).expect_err("nothing").to_string();
        assert!(error.contains("captions.txt: holds no caption"), "{error}");
    }

    #[test]
    fn held_out_captions_are_distinct_and_of_their_faces() {
        let prompts = Prompt::held_out(300, 1);
        let texts: HashSet<_> = prompts.iter().map(|prompt| &prompt.text).collect();
        assert_eq!(texts.len(), 300);
        assert!(prompts.iter().all(|prompt| prompt.face.is_some()));
    }
}
