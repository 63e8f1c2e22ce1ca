//! OpenAI's byte-pair tokenizer: `clip/simple_tokenizer.py` of openai/CLIP.

use std::io::{BufRead, BufReader};
use std::sync::LazyLock;

use fancy_regex::Regex;
use flate2::read::GzDecoder;
use tokenizers::Model;
use tokenizers::models::bpe::BPE;

use super::clean::clean;

const VOCABULARY: &[u8] = include_bytes!("../../../assets/bpe_simple_vocab_16e6.txt.gz");

/// Number of merges in CLIP: 49 408 ids minus 2 × 256 bytes and two special tokens.
const MERGES: usize = 49_152 - 256 - 2;

/// Marks a token at the end of a word.
const WORD_END: &str = "</w>";

const START: &str = "<|startoftext|>";
const END: &str = "<|endoftext|>";

static WORD: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = concat!(
        r"(?i)<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|",
        r"\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"
    );
    Regex::new(pattern).expect("a valid pattern")
});

/// OpenAI's tokenizer with 49 408 ids.
#[derive(Debug, Clone)]
pub struct SimpleTokenizer {
    bpe: Box<BPE>,
}

impl SimpleTokenizer {
    /// Number of ids.
    pub const VOCAB_SIZE: usize = MERGES + 2 * 256 + 2;
    pub(super) const START: u32 = Self::VOCAB_SIZE as u32 - 2;
    pub(super) const END: u32 = Self::VOCAB_SIZE as u32 - 1;

    /// Unpacks the vocabulary.
    pub fn new() -> Self {
        let lines = BufReader::new(GzDecoder::new(VOCABULARY)).lines();
        let merges: Vec<(String, String)> = lines
            .skip(1)
            .take(MERGES)
            .map(|line| {
                let line = line.expect("the vocabulary is complete");
                let (left, right) = line.split_once(' ').expect("a merge has two sides");
                (left.to_owned(), right.to_owned())
            })
            .collect();
        let symbols = byte_symbols()
            .into_iter()
            .map(|(_, symbol)| symbol.to_string());
        let pieces = symbols
            .clone()
            .chain(symbols.map(|symbol| symbol + WORD_END))
            .chain(merges.iter().map(|(left, right)| format!("{left}{right}")));
        let vocabulary = pieces.zip(0..).collect::<tokenizers::models::bpe::Vocab>();
        let bpe = BPE::builder()
            .vocab_and_merges(vocabulary, merges)
            .end_of_word_suffix(WORD_END.to_owned())
            .build()
            .expect("every merge joins known tokens");
        Self { bpe: Box::new(bpe) }
    }

    /// The ids of `text`, without start and end. The name of a special token in the text becomes
    /// that token, as in the reference.
    pub(super) fn encode(&self, text: &str) -> Vec<u32> {
        let text = clean(text);
        WORD.find_iter(&text)
            .filter_map(Result::ok)
            .flat_map(|word| match word.as_str() {
                START => vec![Self::START],
                END => vec![Self::END],
                word => self.encode_word(word),
            })
            .collect()
    }

    fn encode_word(&self, word: &str) -> Vec<u32> {
        let symbols: String = word.bytes().map(|byte| SYMBOLS[byte as usize]).collect();
        let pieces = self.bpe.tokenize(&symbols).expect("every byte has a token");
        pieces.into_iter().map(|piece| piece.id).collect()
    }
}

impl Default for SimpleTokenizer {
    fn default() -> Self {
        Self::new()
    }
}

/// The symbol of each byte.
static SYMBOLS: LazyLock<[char; 256]> = LazyLock::new(|| {
    let mut symbols = ['\0'; 256];
    for (byte, symbol) in byte_symbols() {
        symbols[byte as usize] = symbol;
    }
    symbols
});

/// Bytes and the visible characters that represent them, in id order (`bytes_to_unicode`).
fn byte_symbols() -> Vec<(u8, char)> {
    let visible = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let shown = (0..=255)
        .filter(visible)
        .map(|byte| (byte, char::from(byte)));
    let hidden = (0..=255).filter(|byte| !visible(byte)).zip('\u{100}'..);
    shown.chain(hidden).collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::Tokenizer;
    use super::*;

    #[derive(Deserialize)]
    struct Case {
        text: String,
        ids: Vec<u32>,
        sequence: Vec<u32>,
        too_long: bool,
    }

    #[derive(Deserialize)]
    struct Fixture {
        cases: Vec<Case>,
    }

    #[test]
    fn equals_the_reference_on_every_text() {
        let json = include_str!("../../../tests/fixtures/clip/tokens.json");
        let fixture: Fixture = serde_json::from_str(json).unwrap();
        let tokenizer = Tokenizer::Simple(SimpleTokenizer::new());
        for case in fixture.cases {
            assert_eq!(tokenizer.encode(&case.text), case.ids, "{:?}", case.text);
            assert_eq!(
                tokenizer.sequence(&case.text, 77),
                case.sequence,
                "{:?}",
                case.text
            );
            assert_eq!(
                tokenizer.fits(&case.text, 77),
                !case.too_long,
                "{:?}",
                case.text
            );
        }
    }
}
