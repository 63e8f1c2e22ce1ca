//! Text to token ids: OpenAI's byte-pair tokenizer, and the small tokenizer of the compact towers.

mod clean;
mod compact;
mod sentences;
mod simple;

pub use compact::{CompactTokenizer, TokenizerError};
pub use sentences::split_sentences;
pub use simple::SimpleTokenizer;

use burn::tensor::{Device, Tensor, TensorData};

use super::Tokens;

/// Fills the rows of a batch after the end token. No tower reads it.
const PADDING: u32 = 0;

/// The tokenizer of a text tower.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Tokenizer {
    /// The built-in domain's compact tokenizer.
    Compact(CompactTokenizer),
    /// OpenAI's tokenizer.
    Simple(SimpleTokenizer),
}

impl Tokenizer {
    /// Start, tokens of the text, end. A text of more than `context` tokens is truncated, and its
    /// last token is replaced by the end.
    pub fn sequence(&self, text: &str, context: usize) -> Vec<u32> {
        let (start, end) = self.bounds();
        let mut ids = vec![start];
        ids.extend(self.encode(text));
        ids.truncate(context - 1);
        ids.push(end);
        ids
    }

    /// Whether `text` has at most `context` tokens, including start and end.
    pub fn fits(&self, text: &str, context: usize) -> bool {
        self.encode(text).len() + 2 <= context
    }

    /// Encodes texts as one batch, as wide as the longest row. Long texts are truncated, see
    /// [`Tokenizer::sequence`].
    ///
    /// # Panics
    /// If there is no text.
    pub fn batch<S: AsRef<str>>(&self, texts: &[S], context: usize, device: &Device) -> Tokens {
        let rows: Vec<_> = texts
            .iter()
            .map(|text| self.sequence(text.as_ref(), context))
            .collect();
        self.collate(&rows, device)
    }

    /// Puts sequences into one batch, as wide as the longest row.
    ///
    /// # Panics
    /// If there is no sequence, or one has no end token.
    pub fn collate(&self, rows: &[Vec<u32>], device: &Device) -> Tokens {
        let (_, end) = self.bounds();
        let width = rows.iter().map(Vec::len).max().expect("a batch has a row");
        let mut ids = Vec::with_capacity(rows.len() * width);
        let mut eot = Vec::with_capacity(rows.len());
        for row in rows {
            // CLIP pools at the first end token. A text can contain the token itself.
            let end = row
                .iter()
                .position(|&id| id == end)
                .expect("a sequence has an end");
            eot.push(end as i32);
            let padding = std::iter::repeat_n(PADDING, width - row.len());
            ids.extend(row.iter().copied().chain(padding).map(|id| id as i32));
        }
        Tokens {
            ids: Tensor::from_data(TensorData::new(ids, [rows.len(), width]), device),
            eot: Tensor::from_data(TensorData::new(eot, [rows.len()]), device),
        }
    }

    /// Number of ids.
    pub fn vocab_size(&self) -> usize {
        match self {
            Self::Compact(tokenizer) => tokenizer.vocab_size(),
            Self::Simple(_) => SimpleTokenizer::VOCAB_SIZE,
        }
    }

    /// The tokens of a text, without start and end.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        match self {
            Self::Compact(tokenizer) => tokenizer.encode(text),
            Self::Simple(tokenizer) => tokenizer.encode(text),
        }
    }

    /// The ids of the start and end tokens.
    fn bounds(&self) -> (u32, u32) {
        match self {
            Self::Compact(tokenizer) => (tokenizer.start(), tokenizer.end()),
            Self::Simple(_) => (SimpleTokenizer::START, SimpleTokenizer::END),
        }
    }
}
