//! Faces and the text features of their captions' sentences, computed before training.

mod portraits;

pub(super) use portraits::{neutral, of_roles, portrait};

use std::ops::Range;

use anyface::layers::l2_normalize;
use anyface_portraits::Attribute;
use anyface_portraits::caption::{Caption, Sentence};
use anyface_portraits::latent::LATENT_DIM;
use burn::tensor::{Bool, Int, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::text_features::TextFeatures;

/// Stated attributes and their states.
pub(super) type Said = Vec<(Attribute, bool)>;

/// A face with its captions.
pub(super) struct DescribedFace {
    /// Latent of the renderer, for rendered faces.
    pub(super) z: Option<[f32; LATENT_DIM]>,
    /// The captions. One without sentences states nothing.
    pub(super) captions: Vec<Caption>,
}

impl DescribedFace {
    /// A face with a text that does not describe it.
    pub(super) fn neutral(z: Option<[f32; LATENT_DIM]>, text: String) -> Self {
        let sentence = Sentence {
            text,
            ..Sentence::default()
        };
        Self {
            z,
            captions: vec![vec![sentence].into()],
        }
    }
}

/// A caption after reading.
struct ReadCaption {
    said: Said,
    /// States that the text makes likely, with their probability in percent.
    likely: Vec<((Attribute, bool), u8)>,
    /// Rows of the features of its sentences.
    rows: Range<usize>,
}

/// A face with read captions.
struct ReadFace {
    z: Option<[f32; LATENT_DIM]>,
    captions: Vec<ReadCaption>,
}

/// Faces and the text features of all their captions.
pub(super) struct DescribedFaces {
    faces: Vec<ReadFace>,
    /// Unit features of all sentences `[S + 1, E]`. The last row is zero.
    features: Tensor<2>,
}

/// A batch of faces with text features of up to C sentences each.
pub(super) struct TextBatch {
    /// Unit text features `[N, C, E]`, zero where absent.
    pub(super) features: Tensor<3>,
    /// True where a face has fewer than C sentences, `[N, C]`.
    pub(super) absent: Tensor<2, Bool>,
    /// Normalised mean of each face's features, `[N, E]`.
    pub(super) mean: Tensor<2>,
    /// Statements about each face, and its latent.
    pub(super) faces: Vec<SaidOfFace>,
}

/// Statements of captions about a face.
pub(super) struct SaidOfFace {
    /// Statements that are certain.
    pub(super) said: Said,
    /// These, and a random draw of the likely ones.
    pub(super) drawn: Said,
    /// Latent of the renderer, for rendered faces.
    pub(super) z: Option<[f32; LATENT_DIM]>,
}

impl DescribedFaces {
    /// Computes the features of all captions. Each face needs at least one caption.
    pub(super) fn read(faces: Vec<DescribedFace>, text_features: &TextFeatures) -> Self {
        let texts: Vec<&str> = faces
            .iter()
            .flat_map(|face| &face.captions)
            .flat_map(|caption| &caption.sentences)
            .map(|sentence| sentence.text.as_str())
            .collect();
        let features = text_features.read(&texts);
        let device = features.device();
        let nothing = Tensor::zeros([1, features.dims()[1]], &device);
        let features = Tensor::cat(vec![features, nothing], 0);
        let mut next = 0;
        let mut read = |caption: Caption| {
            let first = next;
            next += caption.sentences.len();
            let likely = caption.sentences.iter().flat_map(|part| &part.likely);
            ReadCaption {
                likely: likely.copied().collect(),
                said: caption.said,
                rows: first..next,
            }
        };
        let faces = faces.into_iter().map(|face| ReadFace {
            z: face.z,
            captions: face.captions.into_iter().map(&mut read).collect(),
        });
        Self {
            faces: faces.collect(),
            features,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.faces.len()
    }

    /// Random captions of each face. C is the largest number of sentences.
    pub(super) fn batch(&self, faces: &[usize], rng: &mut ChaCha8Rng) -> TextBatch {
        let [rows, width] = self.features.dims();
        let nothing = rows - 1;
        let mut sentences = Vec::with_capacity(faces.len());
        let mut described = Vec::with_capacity(faces.len());
        for &face in faces {
            let ReadFace { z, captions } = &self.faces[face];
            let count = rng.random_range(1..=captions.len());
            let start = rng.random_range(0..captions.len());
            let chosen = captions.iter().cycle().skip(start).take(count);
            let mut said = Said::new();
            let mut likely = Vec::new();
            let mut places = Vec::new();
            for caption in chosen {
                said.extend(&caption.said);
                likely.extend(&caption.likely);
                places.extend(caption.rows.clone());
            }
            let drawn = [said.clone(), draw(&said, &likely, rng)].concat();
            described.push(SaidOfFace { said, drawn, z: *z });
            sentences.push(places);
        }
        let most = sentences.iter().map(Vec::len).max().unwrap_or(0).max(1);
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
            mean: l2_normalize(features.clone().sum_dim(1).squeeze_dim(1)),
            absent: Tensor::from_data(TensorData::new(absent, [faces.len(), most]), &device),
            features,
            faces: described,
        }
    }
}

/// Draws a state of each likely attribute with its probability. Skips attributes in `said`.
fn draw(said: &Said, likely: &[((Attribute, bool), u8)], rng: &mut ChaCha8Rng) -> Said {
    let mut drawn = Said::new();
    for &((attribute, state), percent) in likely {
        let is_known = |facts: &Said| facts.iter().any(|&(known, _)| known == attribute);
        if !is_known(said) && !is_known(&drawn) {
            let holds = rng.random_ratio(percent.into(), 100);
            drawn.push((attribute, state == holds));
        }
    }
    drawn
}

impl TextBatch {
    /// Joins two batches, padded to the larger number of sentences.
    pub(super) fn concatenate([a, b]: [Self; 2]) -> Self {
        let most = a.absent.dims()[1].max(b.absent.dims()[1]);
        let ((features_a, absent_a), (features_b, absent_b)) = (a.widened(most), b.widened(most));
        Self {
            features: Tensor::cat(vec![features_a, features_b], 0),
            absent: Tensor::cat(vec![absent_a, absent_b], 0),
            mean: Tensor::cat(vec![a.mean, b.mean], 0),
            faces: a.faces.into_iter().chain(b.faces).collect(),
        }
    }

    /// Features and mask, padded to `most` sentences.
    fn widened(&self, most: usize) -> (Tensor<3>, Tensor<2, Bool>) {
        let [size, captions, width] = self.features.dims();
        let device = self.features.device();
        let more = [size, most - captions];
        if more[1] == 0 {
            return (self.features.clone(), self.absent.clone());
        }
        let features = Tensor::zeros([size, more[1], width], &device);
        let absent = Tensor::full(more, true, &device);
        (
            Tensor::cat(vec![self.features.clone(), features], 1),
            Tensor::cat(vec![self.absent.clone(), absent], 1),
        )
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn likely_states_are_drawn_with_their_probability() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let said = vec![(Attribute::Male, true)];
        let likely = [
            ((Attribute::Male, false), 80),
            ((Attribute::Smiling, true), 75),
        ];
        let mut smiling = 0;
        for _ in 0..1_000 {
            let [(Attribute::Smiling, state)] = draw(&said, &likely, &mut rng)[..] else {
                panic!("Male is known, Smiling is not");
            };
            smiling += u32::from(state);
        }
        assert!((700..800).contains(&smiling), "{smiling}");
    }
}
