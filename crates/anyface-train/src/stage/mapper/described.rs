//! Faces and the text features of their captions' sentences, read once before training.

use std::ops::Range;

use anyface::clip::{TextTower, Tokenizer, normalize};
use anyface_portraits::Attribute;
use anyface_portraits::Face;
use anyface_portraits::caption::{Caption, Grammar, Sentence};
use anyface_portraits::latent::{LATENT_DIM, adjust, latent_dims};
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

/// What a caption says.
type Said = Vec<(Attribute, bool)>;

/// Texts read at once, each with its neighbours in length.
const READ_BATCH: usize = 64;

/// A face with its captions.
pub(super) struct DescribedFace {
    pub(super) z: [f32; LATENT_DIM],
    captions: Vec<Caption>,
}

impl DescribedFace {
    /// A face with `count` captions, drawn by the generator of `seed` and `index`.
    pub(super) fn new(
        z: [f32; LATENT_DIM],
        count: usize,
        grammar: &Grammar,
        seed: u64,
        index: usize,
    ) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(index as u64);
        let attributes = Face::from_latent(&z).attributes();
        let captions = (0..count)
            .map(|_| grammar.caption(&attributes, &mut rng))
            .collect();
        Self { z, captions }
    }

    /// A face of which `text` says nothing.
    pub(super) fn idle(z: [f32; LATENT_DIM], text: String) -> Self {
        let sentence = Sentence {
            text,
            said: Vec::new(),
            held_out: false,
        };
        Self {
            z,
            captions: vec![vec![sentence].into()],
        }
    }
}

/// A caption that has been read.
struct ReadCaption {
    said: Said,
    /// Its sentences' rows of features.
    rows: Range<usize>,
}

/// Many faces, with the features of all their captions.
pub(super) struct DescribedFaces {
    /// Latents and captions.
    faces: Vec<([f32; LATENT_DIM], Vec<ReadCaption>)>,
    /// Unit text features of all sentences, then a row of zeros.
    features: Tensor<2>,
}

/// Text features of some faces, with up to C sentences each.
pub(super) struct TextBatch {
    /// Unit text features `[N, C, E]`, zero where absent.
    pub(super) features: Tensor<3>,
    /// Where a face has fewer than C sentences, `[N, C]`.
    pub(super) absent: Tensor<2, Bool>,
    /// Unit mean of each face's features, `[N, E]`.
    pub(super) mean: Tensor<2>,
    /// Latent of each face, but drawn anew in what its captions say.
    pub(super) redrawn: Vec<[f32; LATENT_DIM]>,
    /// That latent, with as little changed as can be for what the captions say to hold.
    pub(super) adjusted: Vec<[f32; LATENT_DIM]>,
}

impl DescribedFaces {
    /// Reads the captions of all faces.
    pub(super) fn read(
        faces: Vec<DescribedFace>,
        tower: &TextTower,
        tokenizer: &Tokenizer,
        context: usize,
        device: &Device,
    ) -> Self {
        let texts: Vec<&str> = faces
            .iter()
            .flat_map(|face| &face.captions)
            .flat_map(|caption| &caption.sentences)
            .map(|sentence| sentence.text.as_str())
            .collect();
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&i| texts[i].len());
        let read = order.par_chunks(READ_BATCH).map(|batch| {
            let batch: Vec<&str> = batch.iter().map(|&i| texts[i]).collect();
            normalize(tower.forward(tokenizer.batch(&batch, context, device)))
        });
        let sorted = Tensor::cat(read.collect(), 0);
        let mut place = vec![0i64; order.len()];
        for (i, &text) in (0..).zip(&order) {
            place[text] = i;
        }
        let place = Tensor::<1, Int>::from_data(place.as_slice(), device);
        let nothing = Tensor::zeros([1, sorted.dims()[1]], device);
        let features = Tensor::cat(vec![sorted.select(0, place), nothing], 0);
        let mut next = 0;
        let mut read = |caption: Caption| {
            let first = next;
            next += caption.sentences.len();
            ReadCaption {
                said: caption.said,
                rows: first..next,
            }
        };
        Self {
            faces: faces
                .into_iter()
                .map(|face| (face.z, face.captions.into_iter().map(&mut read).collect()))
                .collect(),
            features,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.faces.len()
    }

    pub(super) fn z(&self, face: usize) -> &[f32; LATENT_DIM] {
        &self.faces[face].0
    }

    /// Some of the captions of each face, with C the most sentences that any has in them.
    pub(super) fn batch(&self, faces: &[usize], rng: &mut ChaCha8Rng) -> TextBatch {
        let [rows, width] = self.features.dims();
        let nothing = rows - 1;
        let mut sentences = Vec::with_capacity(faces.len());
        let mut to_redraw = Vec::with_capacity(faces.len());
        for &face in faces {
            let (z, captions) = &self.faces[face];
            let count = rng.random_range(1..=captions.len());
            let start = rng.random_range(0..captions.len());
            let chosen = captions.iter().cycle().skip(start).take(count);
            let mut said = Said::new();
            let mut places = Vec::new();
            for caption in chosen {
                said.extend(&caption.said);
                places.extend(caption.rows.clone());
            }
            to_redraw.push((z, said, rng.random()));
            sentences.push(places);
        }
        let pairs = to_redraw
            .into_par_iter()
            .map(|(z, said, seed)| redraw(z, &said, seed));
        let (redrawn, adjusted) = pairs.unzip();
        let most = sentences.iter().map(Vec::len).max().unwrap_or(0);
        for places in &mut sentences {
            places.resize(most, nothing);
        }
        let places = sentences.concat();
        let device = self.features.device();
        let absent: Vec<bool> = places.iter().map(|&place| place == nothing).collect();
        let places: Vec<i64> = places.iter().map(|&place| place as i64).collect();
        let places = Tensor::<1, Int>::from_data(places.as_slice(), &device);
        let features = self.features.clone().select(0, places);
        let features = features.reshape([faces.len(), most, width]);
        TextBatch {
            mean: normalize(features.clone().sum_dim(1).squeeze_dim(1)),
            absent: Tensor::from_data(TensorData::new(absent, [faces.len(), most]), &device),
            features,
            redrawn,
            adjusted,
        }
    }
}

/// A latent drawn anew in all that is said depends on, so that the text stream must take it from the words, as when it
/// is given a random face; and that latent adjusted to what is said.
fn redraw(z: &[f32; LATENT_DIM], said: &Said, seed: u64) -> ([f32; LATENT_DIM], [f32; LATENT_DIM]) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut redrawn = *z;
    for &(attribute, _) in said {
        for &dim in latent_dims(attribute) {
            redrawn[dim] = StandardNormal.sample(&mut rng);
        }
    }
    let adjusted = adjust(&redrawn, said, &mut rng).unwrap_or(*z);
    (redrawn, adjusted)
}
