//! Training texts of the towers and their embeddings by the teacher.

use std::path::PathBuf;

use anyface::clip::{CompactTokenizer, TextTowerConfig, Tokenizer, TokenizerError, Tokens};
use anyface_portraits::caption::Split;
use anyface_portraits::{Attributes, Face};
use burn::tensor::{Device, Distribution, Tensor};
use rand::{RngExt, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Deserialize;

use crate::data::captions::{FaceSentence, captions, latents_of_roles, sentences};
use crate::data::corpus::{BroadConfig, broad_corpus};
use crate::data::portraits::latent;
use crate::data::wordnet::WordNet;
use crate::error::{Result, TrainError};
use crate::teacher::Embeddings;

/// The `[texts]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextsConfig {
    /// Folder of all-MiniLM-L6-v2: `config.json`, `model.safetensors`, `tokenizer.json`.
    pub teacher: PathBuf,
    /// Folder of the WordNet database.
    pub wordnet: PathBuf,
    /// Folder that caches the teacher's embeddings.
    pub cache: PathBuf,
    /// Number of captions of random faces.
    pub captions: usize,
    /// Number of captions per role, of faces that match the role.
    pub captions_per_role: usize,
    /// Number of captions for evaluation. They use words that training does not use.
    pub held_out: usize,
    /// Size of the broad corpus.
    pub broad: BroadConfig,
    /// Seed of faces and texts.
    pub seed: u64,
}

/// All training texts.
pub(super) struct Texts {
    pub(super) tokenizer: Tokenizer,
    /// Content of the tokenizer file.
    pub(super) tokenizer_json: String,
    /// Maximum number of tokens per text.
    pub(super) context: usize,
    /// The teacher's embedding of each single tokenizer piece.
    pieces: Embeddings,
    pub(super) train: Sentences,
    /// Sentences with a word, role or frame that training does not use.
    pub(super) held_out: Sentences,
    pub(super) broad: Corpus,
}

/// Sentences of captions and the attributes of their faces.
pub(super) struct Sentences {
    pub(super) of_faces: Vec<FaceSentence>,
    pub(super) corpus: Corpus,
}

impl Texts {
    /// Writes the captions, reads the broad corpus, builds the vocabulary and computes the
    /// teacher's embeddings.
    pub(super) fn new(config: &TextsConfig, tower: &TextTowerConfig) -> Result<Self> {
        let wordnet = WordNet::open(&config.wordnet)?;
        let broad = broad_corpus(&wordnet, &config.broad, config.seed);
        let train = sentences_of(
            Split::Train,
            config.captions,
            config.captions_per_role,
            config.seed,
        );
        let mut held_out = sentences_of(Split::HeldOut, config.held_out, 0, config.seed + 1);
        held_out.retain(|face| face.sentence.held_out);

        let lines = train.iter().map(|face| &face.sentence.text).chain(&broad);
        let failed = |error: TokenizerError| TrainError::Damaged {
            path: config.wordnet.clone(),
            message: error.to_string(),
        };
        let tokenizer = CompactTokenizer::train(lines, tower.vocab_size).map_err(failed)?;
        let tokenizer_json = tokenizer.to_json().map_err(failed)?;
        let pieces: Vec<String> = (0..tokenizer.vocab_size() as u32)
            .map(|id| tokenizer.piece(id))
            .collect();
        let pieces = Embeddings::of(&pieces, &config.teacher, &config.cache)?;
        let tokenizer = Tokenizer::Compact(tokenizer);
        let context = tower.context;
        let corpus = |texts| Corpus::new(texts, &tokenizer, context, config);
        let sentences = |of_faces: Vec<FaceSentence>| -> Result<Sentences> {
            let texts = of_faces.iter().map(|face| face.sentence.text.clone());
            let corpus = corpus(texts.collect())?;
            Ok(Sentences { of_faces, corpus })
        };
        Ok(Self {
            train: sentences(train)?,
            held_out: sentences(held_out)?,
            broad: corpus(broad)?,
            pieces,
            tokenizer,
            tokenizer_json,
            context,
        })
    }
}

/// Root mean square of the initial token embeddings, similar to the sum of OpenAI's token and
/// position embeddings.
const TOKEN_SCALE: f64 = 0.03;

impl Texts {
    /// Initial token embeddings `[V, width]`: the teacher's embedding of each piece, minus the
    /// mean, in a random projection that preserves angles. Rare words start close to their
    /// synonyms.
    pub(super) fn token_table(&self, width: usize, device: &Device) -> Tensor<2> {
        let all: Vec<usize> = (0..self.tokenizer.vocab_size()).collect();
        let embeddings = self.pieces.batch(&all, device);
        let centred = embeddings.clone() - embeddings.mean_dim(0);
        let projection = Tensor::random(
            [self.pieces.dim(), width],
            Distribution::Normal(0.0, 1.0),
            device,
        );
        let table = centred.matmul(projection);
        let scale = table.clone().square().mean().sqrt();
        table / scale.unsqueeze() * TOKEN_SCALE
    }
}

/// Sentences of captions of `random` faces and of `per_role` faces per role. Random faces have the
/// latents of the portrait cache with this `seed`.
fn sentences_of(split: Split, random: usize, per_role: usize, seed: u64) -> Vec<FaceSentence> {
    let random = (0..random)
        .into_par_iter()
        .map(|i| Face::from_latent(&latent(seed, i)).attributes());
    let mut faces: Vec<Attributes> = random.collect();
    let roles = latents_of_roles(split, per_role, seed);
    faces.extend(roles.iter().map(|z| Face::from_latent(z).attributes()));
    sentences(captions(split, faces, seed))
}

/// Texts as token ids and teacher embeddings.
pub(super) struct Corpus {
    rows: Vec<Vec<u32>>,
    embeddings: Embeddings,
    /// Indices sorted by length, to draw batches with little padding.
    by_length: Vec<usize>,
}

/// Texts of similar length from which a batch is drawn.
const BIN: usize = 1024;

impl Corpus {
    fn new(
        texts: Vec<String>,
        tokenizer: &Tokenizer,
        context: usize,
        config: &TextsConfig,
    ) -> Result<Self> {
        let embeddings = Embeddings::of(&texts, &config.teacher, &config.cache)?;
        let rows: Vec<_> = texts
            .par_iter()
            .map(|text| tokenizer.sequence(text, context))
            .collect();
        let mut by_length: Vec<usize> = (0..rows.len()).collect();
        by_length.sort_by_key(|&index| rows[index].len());
        Ok(Self {
            rows,
            embeddings,
            by_length,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Random indices of texts of similar length. All texts have the same probability.
    pub(super) fn draw(&self, count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let start = rng.random_range(0..self.len()) / BIN * BIN;
        let bin = &self.by_length[start..(start + BIN).min(self.len())];
        (0..count)
            .map(|_| *bin.choose(rng).expect("a bin is not empty"))
            .collect()
    }

    /// Token ids of the texts `indices`.
    pub(super) fn tokens(
        &self,
        indices: &[usize],
        tokenizer: &Tokenizer,
        device: &Device,
    ) -> Tokens {
        let rows: Vec<_> = indices
            .iter()
            .map(|&index| self.rows[index].clone())
            .collect();
        tokenizer.collate(&rows, device)
    }

    /// The teacher's embeddings of the texts `indices`, scaled to a mean square of 1: `[N, T]`.
    pub(super) fn embeddings(&self, indices: &[usize], device: &Device) -> Tensor<2> {
        self.embeddings.batch(indices, device) * (self.embeddings.dim() as f64).sqrt()
    }

    /// Indices of all texts, shortest first.
    pub(super) fn by_length(&self) -> &[usize] {
        &self.by_length
    }

    /// Width of the teacher's embeddings.
    pub(super) fn teacher_dim(&self) -> usize {
        self.embeddings.dim()
    }
}
