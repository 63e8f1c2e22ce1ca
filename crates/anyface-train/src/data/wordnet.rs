//! Reader of the WordNet database: synsets of words with definitions and examples.
//!
//! Debian's package `wordnet-base` installs it to `/usr/share/wordnet`. The format is that of
//! `wndb(5WN)`:
//!
//! ```text
//! offset lex_filenum ss_type w_cnt word lex_id … p_cnt symbol offset pos source/target … | gloss
//! ```

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::error::{Result, TrainError};

/// A set of synonyms: one meaning and its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synset {
    /// Number of the lexicographer file in `lexnames(5WN)`. 18 is `noun.person`.
    pub lexical_file: u8,
    /// The words. Spaces separate the parts of a compound.
    pub lemmas: Vec<String>,
    /// Definition of the meaning.
    pub definition: String,
    /// Sentences or phrases that use one of the words.
    pub examples: Vec<String>,
    offset: u32,
    /// Offsets of the hypernyms of a noun, or of the adjectives similar to an adjective.
    parents: Vec<u32>,
    /// Whether it is a name (Santa Claus), not a kind (sailor).
    pub is_instance: bool,
}

/// Nouns and adjectives of WordNet.
#[derive(Debug)]
pub struct WordNet {
    /// All synsets of `data.noun`.
    pub nouns: Vec<Synset>,
    /// All synsets of `data.adj`.
    pub adjectives: Vec<Synset>,
}

impl WordNet {
    /// Reads `data.noun` and `data.adj` in a folder.
    ///
    /// # Errors
    /// A file cannot be read or a line is not a synset.
    pub fn open(folder: &Path) -> Result<Self> {
        Ok(Self {
            nouns: read(&folder.join("data.noun"))?,
            adjectives: read(&folder.join("data.adj"))?,
        })
    }
}

/// All synsets below `roots`, roots included: hyponyms of nouns, similar adjectives. A root is a
/// list of words that only this synset contains together.
pub fn below<'a>(synsets: &'a [Synset], roots: &[&[&str]]) -> Vec<&'a Synset> {
    let mut children: HashMap<u32, Vec<&Synset>> = HashMap::new();
    for synset in synsets {
        for &parent in &synset.parents {
            children.entry(parent).or_default().push(synset);
        }
    }
    let is_root = |synset: &&Synset| {
        roots.iter().any(|root| {
            root.iter()
                .all(|word| synset.lemmas.iter().any(|l| l == word))
        })
    };
    let mut found: Vec<&Synset> = synsets.iter().filter(is_root).collect();
    let mut seen: HashSet<u32> = found.iter().map(|synset| synset.offset).collect();
    let mut next = 0;
    while next < found.len() {
        for &child in children.get(&found[next].offset).into_iter().flatten() {
            if seen.insert(child.offset) {
                found.push(child);
            }
        }
        next += 1;
    }
    found
}

fn read(path: &Path) -> Result<Vec<Synset>> {
    let text = std::fs::read_to_string(path).map_err(TrainError::io(path))?;
    text.lines()
        .enumerate()
        // The licence is at the start of the file. Its lines are indented.
        .filter(|(_, line)| !line.starts_with(' '))
        .map(|(number, line)| {
            parse(line).ok_or_else(|| TrainError::Damaged {
                path: path.to_owned(),
                message: format!("line {} is not a WordNet synset", number + 1),
            })
        })
        .collect()
}

fn parse(line: &str) -> Option<Synset> {
    let (data, gloss) = line.split_once(" | ")?;
    let mut fields = data.split_ascii_whitespace();
    let offset = fields.next()?.parse().ok()?;
    let lexical_file = fields.next()?.parse().ok()?;
    let _kind = fields.next()?;

    let count = usize::from_str_radix(fields.next()?, 16).ok()?;
    let mut lemmas = Vec::with_capacity(count);
    for _ in 0..count {
        lemmas.push(lemma(fields.next()?));
        let _sense = fields.next()?;
    }

    let count: usize = fields.next()?.parse().ok()?;
    let mut parents = Vec::new();
    let mut is_instance = false;
    for _ in 0..count {
        let symbol = fields.next()?;
        let target = fields.next()?.parse().ok()?;
        let (_part_of_speech, _words) = (fields.next()?, fields.next()?);
        if symbol.starts_with(['@', '&']) {
            parents.push(target);
            is_instance |= symbol == "@i";
        }
    }

    let quote = gloss.find('"').unwrap_or(gloss.len());
    let definition = gloss[..quote].trim_end_matches([';', ' ']).to_owned();
    let examples = gloss
        .split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    Some(Synset {
        lexical_file,
        lemmas,
        definition,
        examples,
        offset,
        parents,
        is_instance,
    })
}

/// `old(a)` to `old` (the marker gives the position of an adjective), `knitted_cap` to
/// `knitted cap`.
fn lemma(word: &str) -> String {
    word.split('(').next().unwrap_or(word).replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOUNS: &str = "  1 This software\n\
        00000010 06 n 02 headdress 0 headgear 0 001 @ 00000001 n 0000 | clothing for the head\n\
        00000020 06 n 01 bowler_hat 0 001 @ 00000010 n 0000 | a felt hat; \"he raised his bowler hat\"; \"old hat\"  \n\
        00000030 18 n 01 Santa_Claus 0 001 @i 00000002 n 0000 | brings presents\n";

    fn wordnet() -> WordNet {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("data.noun"), NOUNS).unwrap();
        std::fs::write(
            folder.path().join("data.adj"),
            "00000040 00 s 01 old(a) 0 000 | aged\n",
        )
        .unwrap();
        WordNet::open(folder.path()).unwrap()
    }

    #[test]
    fn words_definitions_and_examples_are_parsed() {
        let wordnet = wordnet();
        let bowler = &wordnet.nouns[1];
        assert_eq!(bowler.lemmas, ["bowler hat"]);
        assert_eq!(bowler.definition, "a felt hat");
        assert_eq!(bowler.examples, ["he raised his bowler hat", "old hat"]);
        assert!(wordnet.nouns[2].is_instance && !bowler.is_instance);
        assert_eq!(wordnet.adjectives[0].lemmas, ["old"]);
    }

    #[test]
    fn below_finds_all_descendants() {
        let wordnet = wordnet();
        let hats: Vec<_> = below(&wordnet.nouns, &[&["headdress", "headgear"]])
            .iter()
            .map(|s| &s.lemmas[0])
            .collect();
        assert_eq!(hats, ["headdress", "bowler hat"]);
        assert!(below(&wordnet.nouns, &[&["headdress", "spectacles"]]).is_empty());
    }

    #[test]
    fn a_broken_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("data.noun"),
            "00000010 06 n 02 headdress\n",
        )
        .unwrap();
        let error = WordNet::open(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("data.noun") && error.contains("line 1"),
            "{error}"
        );
    }
}
