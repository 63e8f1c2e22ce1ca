//! Text to token ids: OpenAI's byte-pair tokenizer, and the small one of the compact towers.

mod clean;
mod compact;
mod sentences;
mod simple;

pub use compact::{CompactTokenizer, TokenizerError};
pub use sentences::split_sentences;
pub use simple::SimpleTokenizer;

use burn::tensor::{Device, Tensor, TensorData};

use super::Tokens;

/// Fills a batch's rows after their end. No tower looks at it.
const PADDING: u32 = 0;

/// The tokenizer of a text tower.
#[derive(Debug, Clone)]
pub enum Tokenizer {
    /// Of the built-in domain's compact tower.
    Compact(CompactTokenizer),
    /// Of OpenAI's models.
    Simple(SimpleTokenizer),
}

impl Tokenizer {
    /// Start, pieces, end. A text of more than `context` tokens is cut and its last token replaced by the end.
    pub fn sequence(&self, text: &str, context: usize) -> Vec<u32> {
        let (start, end) = self.bounds();
        let mut ids = vec![start];
        ids.extend(self.encode(text));
        ids.truncate(context - 1);
        ids.push(end);
        ids
    }

    /// Whether `text`, start and end included, has at most `context` tokens.
    pub fn fits(&self, text: &str, context: usize) -> bool {
        self.encode(text).len() + 2 <= context
    }

    /// The texts as one batch, as wide as its longest row. Over-long texts are cut, as by [`Tokenizer::sequence`].
    ///
    /// # Panics
    /// When there is no text.
    pub fn batch<S: AsRef<str>>(&self, texts: &[S], context: usize, device: &Device) -> Tokens {
        let rows: Vec<_> = texts
            .iter()
            .map(|text| self.sequence(text.as_ref(), context))
            .collect();
        self.collate(&rows, device)
    }

    /// Sequences as one batch, as wide as its longest row.
    ///
    /// # Panics
    /// When there is no sequence, or one lacks its end.
    pub fn collate(&self, rows: &[Vec<u32>], device: &Device) -> Tokens {
        let (_, end) = self.bounds();
        let width = rows.iter().map(Vec::len).max().expect("a batch has a row");
        let mut ids = Vec::with_capacity(rows.len() * width);
        let mut eot = Vec::with_capacity(rows.len());
        for row in rows {
            // The first one, since a text may hold the end token itself: CLIP pools there.
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

    /// The text's pieces, without start and end.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        match self {
            Self::Compact(tokenizer) => tokenizer.encode(text),
            Self::Simple(tokenizer) => tokenizer.encode(text),
        }
    }

    /// The ids of start and end.
    fn bounds(&self) -> (u32, u32) {
        match self {
            Self::Compact(tokenizer) => (tokenizer.start(), tokenizer.end()),
            Self::Simple(_) => (SimpleTokenizer::START, SimpleTokenizer::END),
        }
    }
}
