//! Attributes of texts and faces as tensors.

use anyface_portraits::{Attribute, Attributes};
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::{gelu, log_softmax};
use burn::tensor::{Device, Tensor, TensorData};

use crate::data::captions::FaceSentence;

/// Attribute states in a text: denied, stated, not mentioned.
pub(super) const STATES: usize = 3;
const UNSAID: usize = 2;

/// One-hot attribute states of each sentence: `[N, A, 3]`.
pub(super) fn said(sentences: &[&FaceSentence], device: &Device) -> Tensor<3> {
    let mut values = vec![0.0; sentences.len() * Attribute::COUNT * STATES];
    for (row, face) in values
        .chunks_exact_mut(Attribute::COUNT * STATES)
        .zip(sentences)
    {
        for states in row.chunks_exact_mut(STATES) {
            states[UNSAID] = 1.0;
        }
        for &(attribute, state) in &face.sentence.said {
            let states = &mut row[attribute.index() * STATES..][..STATES];
            states[UNSAID] = 0.0;
            states[usize::from(state)] = 1.0;
        }
    }
    Tensor::from_data(
        TensorData::new(values, [sentences.len(), Attribute::COUNT, STATES]),
        device,
    )
}

/// Attributes of each face: `[N, A]` with 1 for yes, −1 for no, 0 for unknown.
pub(super) fn shown<'a>(
    faces: impl IntoIterator<Item = &'a Attributes>,
    device: &Device,
) -> Tensor<2> {
    let values: Vec<f32> = faces
        .into_iter()
        .flat_map(|face| {
            face.iter()
                .map(|(_, state)| state.map_or(0.0, |yes| if yes { 1.0 } else { -1.0 }))
        })
        .collect();
    let count = values.len() / Attribute::COUNT;
    Tensor::from_data(TensorData::new(values, [count, Attribute::COUNT]), device)
}

/// Two layers that read attribute states from a text feature.
#[derive(Module, Debug)]
pub(super) struct AttributeReader {
    hidden: Linear,
    states: Linear,
}

impl AttributeReader {
    /// `inputs` is the width of the features.
    pub(super) fn new(inputs: usize, hidden: usize, device: &Device) -> Self {
        Self {
            hidden: LinearConfig::new(inputs, hidden).init(device),
            states: LinearConfig::new(hidden, Attribute::COUNT * STATES).init(device),
        }
    }

    /// Logits `[N, A, 3]` of the states denied, stated and not mentioned, for features
    /// `[N, inputs]`.
    pub(super) fn forward(&self, features: Tensor<2>) -> Tensor<3> {
        let n = features.dims()[0];
        self.states
            .forward(gelu(self.hidden.forward(features)))
            .reshape([n, Attribute::COUNT, STATES])
    }
}

/// Cross-entropy of states `[N, A, 3]`. Most attributes are not mentioned, so mentioned attributes
/// have `said_weight` times the weight of others.
pub(super) fn state_cross_entropy(
    logits: Tensor<3>,
    states: Tensor<3>,
    said_weight: f64,
) -> Tensor<1> {
    let unsaid = states.clone().narrow(2, UNSAID, 1);
    let weight = unsaid * (1.0 - said_weight) + said_weight;
    let losses = (log_softmax(logits, 2) * states).sum_dim(2).neg();
    (losses * weight.clone()).sum() / weight.sum()
}

/// Most probable state of each attribute for logits `[N, A, 3]`: `None` if not mentioned.
pub(super) fn read(logits: Tensor<3>) -> Vec<Vec<Option<bool>>> {
    let states: Vec<i64> = logits.argmax(2).into_data().iter().collect();
    let state = |state: &i64| (*state != UNSAID as i64).then_some(*state == 1);
    states
        .chunks_exact(Attribute::COUNT)
        .map(|row| row.iter().map(state).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyface_portraits::caption::Sentence;

    #[test]
    fn states_of_a_sentence_are_read_back() {
        let device = Device::flex();
        let sentence = Sentence {
            said: vec![(Attribute::Bald, true), (Attribute::Smiling, false)],
            ..Sentence::default()
        };
        let sentence = FaceSentence {
            sentence,
            attributes: Attributes::UNKNOWN,
        };

        let row = &read(said(&[&sentence], &device))[0];

        assert_eq!(row[Attribute::Bald.index()], Some(true));
        assert_eq!(row[Attribute::Smiling.index()], Some(false));
        assert_eq!(row[Attribute::Male.index()], None);
    }

    #[test]
    fn cross_entropy_by_hand() {
        // Two attributes: one mentioned, with probability ½ of the correct state; one not
        // mentioned, with ¼.
        let device = Device::flex();
        let logits =
            Tensor::from_floats([[[0.5f32, 0.25, 0.25], [0.25, 0.5, 0.25]]], &device).log();
        let states = Tensor::from_floats([[[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]], &device);
        let loss = state_cross_entropy(logits, states, 3.0).into_scalar::<f32>();
        let expected = (3.0 * 2f32.ln() + 4f32.ln()) / 4.0;
        assert!((loss - expected).abs() < 1e-6, "{loss} is not {expected}");
    }
}
