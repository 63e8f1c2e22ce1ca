//! The tokenizer of the compact text tower: byte-level BPE with a few thousand tokens, stored as
//! Hugging Face's `tokenizer.json`.
//!
//! Text is lower-cased, stripped of accents and split at white space and punctuation. Every piece
//! then starts with a space, so that a word has the same ids at any position. All 256 bytes are
//! tokens, so no text is unknown.

use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::normalizers::{BertNormalizer, NFKC, Replace, Sequence as Normalizers};
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence as PreTokenizers;
use tokenizers::{AddedToken, NormalizerWrapper, PreTokenizerWrapper, TokenizerBuilder};

const START: &str = "<|startoftext|>";
const END: &str = "<|endoftext|>";

/// Typographic marks and their plain equivalents.
const PLAIN_MARKS: [(&str, &str); 6] = [
    ("‘", "'"),
    ("’", "'"),
    ("“", "\""),
    ("”", "\""),
    ("–", "-"),
    ("—", "-"),
];

/// Why a tokenizer cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenizerError {
    /// The bytes are not a `tokenizer.json`.
    #[error("not a tokenizer: {0}")]
    Format(String),
    /// The vocabulary lacks the start or the end token.
    #[error("the vocabulary lacks {0}")]
    MissingToken(&'static str),
    /// Training failed.
    #[error("cannot train the tokenizer: {0}")]
    Training(String),
}

/// Byte-level BPE with a small vocabulary.
#[derive(Debug, Clone)]
pub struct CompactTokenizer {
    inner: Box<tokenizers::Tokenizer>,
    start: u32,
    end: u32,
}

impl CompactTokenizer {
    /// Trains a vocabulary of at most `vocab_size` tokens (at least 258) on `lines`.
    ///
    /// # Errors
    /// If a line cannot be processed.
    pub fn train<S>(
        lines: impl Iterator<Item = S> + Send,
        vocab_size: usize,
    ) -> Result<Self, TokenizerError>
    where
        S: AsRef<str> + Send,
    {
        let fail = |e: tokenizers::Error| TokenizerError::Training(e.to_string());
        let mut tokenizer = TokenizerBuilder::<BPE, _, _, ByteLevel, ByteLevel>::new()
            .with_model(BPE::default())
            .with_normalizer(Some(NormalizerWrapper::from(normalizers().map_err(fail)?)))
            .with_pre_tokenizer(Some(PreTokenizerWrapper::from(pre_tokenizers())))
            .with_post_processor(None)
            .with_decoder(Some(ByteLevel::default()))
            .build()
            .map_err(fail)?;
        let mut trainer = BpeTrainer::builder()
            .vocab_size(vocab_size)
            .min_frequency(2)
            .show_progress(false)
            .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
            .special_tokens(
                [START, END]
                    .map(|token| AddedToken::from(token, true))
                    .into(),
            )
            .build();
        tokenizer.train(&mut trainer, lines).map_err(fail)?;
        let json = tokenizer.to_string(false).map_err(fail)?;
        Self::from_bytes(json.as_bytes())
    }

    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// If it is not a `tokenizer.json`, or lacks the start or end token.
    pub fn from_bytes(json: &[u8]) -> Result<Self, TokenizerError> {
        let mut inner = tokenizers::Tokenizer::from_bytes(json)
            .map_err(|e| TokenizerError::Format(e.to_string()))?;
        // The name of a special token in the text is encoded as letters.
        inner.set_encode_special_tokens(true);
        let id = |token| {
            inner
                .token_to_id(token)
                .ok_or(TokenizerError::MissingToken(token))
        };
        Ok(Self {
            start: id(START)?,
            end: id(END)?,
            inner: Box::new(inner),
        })
    }

    /// Serialises to `tokenizer.json`.
    ///
    /// # Errors
    /// Never, for a tokenizer that was trained or read.
    pub fn to_json(&self) -> Result<String, TokenizerError> {
        self.inner
            .to_string(false)
            .map_err(|e| TokenizerError::Format(e.to_string()))
    }

    /// The letters of a token, without the leading space; the name of a special token.
    pub fn piece(&self, id: u32) -> String {
        self.inner
            .decode(&[id], false)
            .map(|text| text.trim().to_owned())
            .unwrap_or_default()
    }

    /// Number of ids.
    pub fn vocab_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    pub(super) fn encode(&self, text: &str) -> Vec<u32> {
        // Byte-level BPE encodes any text; only a foreign tokenizer.json could cause an error.
        self.inner
            .encode_fast(text, false)
            .map(|encoding| encoding.get_ids().to_vec())
            .unwrap_or_default()
    }

    pub(super) const fn start(&self) -> u32 {
        self.start
    }

    pub(super) const fn end(&self) -> u32 {
        self.end
    }
}

fn normalizers() -> tokenizers::Result<Normalizers> {
    let mut steps: Vec<NormalizerWrapper> = vec![NFKC.into()];
    for (mark, plain) in PLAIN_MARKS {
        steps.push(Replace::new(mark, plain)?.into());
    }
    steps.push(BertNormalizer::new(true, true, Some(true), true).into());
    Ok(Normalizers::new(steps))
}

fn pre_tokenizers() -> PreTokenizers {
    PreTokenizers::new(vec![
        BertPreTokenizer.into(),
        ByteLevel::new(true, true, false).into(),
    ])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Tokenizer;
    use super::*;

    fn trained() -> CompactTokenizer {
        let lines = [
            "an old man with a grey beard",
            "an old woman with red hair",
            "a man, smiling",
        ];
        CompactTokenizer::train(lines.iter().cycle().take(30), 300).unwrap()
    }

    #[test]
    fn a_word_has_the_same_ids_at_any_position_and_in_any_spelling() {
        let tokenizer = trained();
        let old = tokenizer.encode("old");
        assert_eq!(old.len(), 1);
        for text in ["  OLD", "\"old", "(Óld", "-ｏｌｄ", "\n’old"] {
            assert!(tokenizer.encode(text).ends_with(&old), "{text:?}");
        }
    }

    #[test]
    fn a_saved_tokenizer_reads_back() {
        let tokenizer = trained();
        let read = CompactTokenizer::from_bytes(tokenizer.to_json().unwrap().as_bytes()).unwrap();
        let text = "a grey-haired wizard 🧙";
        assert_eq!(read.encode(text), tokenizer.encode(text));
        assert_eq!(read.vocab_size(), tokenizer.vocab_size());
    }

    #[test]
    fn a_piece_spells_its_word() {
        let tokenizer = trained();
        let [old] = tokenizer.encode("old")[..] else {
            panic!("a frequent word is one token");
        };
        assert_eq!(tokenizer.piece(old), "old");
    }

    #[test]
    fn a_broken_file_is_an_error() {
        assert!(matches!(
            CompactTokenizer::from_bytes(b"{}"),
            Err(TokenizerError::Format(_))
        ));
    }

    #[test]
    fn a_special_token_in_the_text_does_not_end_it() {
        let tokenizer = trained();
        assert!(
            !tokenizer
                .encode("an <|endoftext|> old man")
                .contains(&tokenizer.end())
        );
    }

    proptest! {
        #[test]
        fn different_words_have_different_ids(a in "[一-鿿🀀-🧿a-z]{1,8}", b in "[一-鿿🀀-🧿a-z]{1,8}") {
            let tokenizer = trained();
            prop_assert_eq!(tokenizer.encode(&a) == tokenizer.encode(&b), a == b);
        }

        #[test]
        fn any_text_gives_a_bounded_sequence_with_one_end(
            text in ".{0,200}", context in 2usize..40,
        ) {
            let tokenizer = trained();
            let (start, end) = (tokenizer.start(), tokenizer.end());
            let tokenizer = Tokenizer::Compact(tokenizer);
            let ids = tokenizer.sequence(&text, context);
            prop_assert!(ids.len() <= context);
            prop_assert_eq!(ids[0], start);
            prop_assert_eq!(ids.iter().position(|&id| id == end), Some(ids.len() - 1));
            prop_assert!(ids.iter().all(|&id| (id as usize) < tokenizer.vocab_size()));
        }
    }
}
