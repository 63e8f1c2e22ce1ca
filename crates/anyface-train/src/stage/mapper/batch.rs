//! A training batch of the mapper.

use burn::tensor::{Bool, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// A training batch: faces with a picture first, then faces without.
pub(super) struct Batch {
    /// Indices of the faces with a picture.
    pub(super) pictured: Vec<usize>,
    /// Unit text features `[N, C, E]`, zero where absent.
    pub(super) text: Tensor<3>,
    /// True where a face has fewer than C captions, `[N, C]`.
    pub(super) absent: Tensor<2, Bool>,
    /// Unit mean text feature `[N, E]`.
    pub(super) text_mean: Tensor<2>,
    /// Unit image features of the pictures, `[P, 1, E]`.
    pub(super) image: Tensor<3>,
    /// Input latents of the text stream, `[N, D]`. They need not match the captions.
    pub(super) w_c: Tensor<2>,
    /// Target latents of the text stream, `[N, L, D]`: `w_c` with the smallest change that matches
    /// the captions.
    pub(super) w: Tensor<3>,
    /// Latents of the pictures, `[P, L, D]`.
    pub(super) w_picture: Tensor<3>,
}

impl Batch {
    /// Moves the batch to the autodiff device.
    pub(super) fn autodiff(self) -> Self {
        Self {
            text: self.text.autodiff(),
            absent: self.absent.autodiff(),
            text_mean: self.text_mean.autodiff(),
            image: self.image.autodiff(),
            w_c: self.w_c.autodiff(),
            w: self.w.autodiff(),
            w_picture: self.w_picture.autodiff(),
            ..self
        }
    }

    /// The rows of `x` for faces with a picture.
    pub(super) fn pictured_of<const D: usize>(&self, x: &Tensor<D>) -> Tensor<D> {
        x.clone().narrow(0, 0, self.pictured.len())
    }

    /// Replaces the texts of faces by image prompts with this `probability`: the text stream gets
    /// the image feature, and the target is the latent of the picture (hybrid training of
    /// AnyFace++).
    pub(super) fn with_image_prompts(self, probability: f64, rng: &mut ChaCha8Rng) -> Self {
        let [n, captions, width] = self.text.dims();
        let device = self.text.device();
        let count = self.pictured.len();
        let prompted: Vec<bool> = (0..count).map(|_| rng.random_bool(probability)).collect();
        let rows = self.rows(&prompted);
        let words = |value: bool, more: usize| Tensor::<2, Bool>::full([n, more], value, &device);
        let absent = Tensor::cat(vec![words(false, 1), words(true, captions - 1)], 1);
        let image = filled(self.image.clone(), n);
        let nothing = Tensor::zeros([n, captions - 1, width], &device);
        let mean = image.clone().squeeze_dim::<2>(1);
        let text = Tensor::cat(vec![image, nothing], 1);
        let batch = Self {
            text: self.text.mask_where(rows.clone().unsqueeze_dim(2), text),
            absent: self.absent.mask_where(rows.clone(), absent),
            text_mean: self.text_mean.mask_where(rows, mean),
            ..self
        };
        batch.aiming_at_pictures(&prompted)
    }

    /// Sets the latents of the pictures as targets of the chosen faces.
    pub(super) fn aiming_at_pictures(self, chosen: &[bool]) -> Self {
        let [n, ..] = self.w.dims();
        let rows = self.rows(chosen).unsqueeze_dim(2);
        let latents = filled(self.w_picture.clone(), n);
        Self {
            w: self.w.mask_where(rows, latents),
            ..self
        }
    }

    /// Mask `[N, 1]` of the chosen faces, which are among those with a picture.
    fn rows(&self, chosen: &[bool]) -> Tensor<2, Bool> {
        let [n, ..] = self.w.dims();
        let mut rows = chosen.to_vec();
        rows.resize(n, false);
        Tensor::from_data(TensorData::new(rows, [n, 1]), &self.w.device())
    }
}

/// Pads `[P, …]` with zeros to `[N, …]`.
fn filled(x: Tensor<3>, n: usize) -> Tensor<3> {
    let [count, rows, width] = x.dims();
    let more = Tensor::zeros([n - count, rows, width], &x.device());
    Tensor::cat(vec![x, more], 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use rand::SeedableRng;

    /// Two faces with a picture and one without, with two captions each. All values of texts are 1
    /// and of pictures 2.
    fn batch() -> Batch {
        let device = Device::flex();
        Batch {
            pictured: vec![0, 1],
            text: Tensor::ones([3, 2, 4], &device),
            absent: Tensor::full([3, 2], false, &device),
            text_mean: Tensor::ones([3, 4], &device),
            image: Tensor::full([2, 1, 4], 2.0, &device),
            w_c: Tensor::ones([3, 5], &device),
            w: Tensor::ones([3, 6, 5], &device),
            w_picture: Tensor::full([2, 6, 5], 2.0, &device),
        }
    }

    #[test]
    fn image_prompts_replace_texts() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let prompted = batch().with_image_prompts(1.0, &mut rng);
        let absent: Vec<bool> = prompted.absent.into_data().iter().collect();
        assert_eq!(absent, [false, true, false, true, false, false]);
        let text: Vec<f32> = prompted.text.into_data().iter().collect();
        assert_eq!(text[..8], [2.0, 2.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(text[16..], [1.0; 8]);
        let w: Vec<f32> = prompted.w.into_data().iter().collect();
        assert_eq!((w[0], w[59], w[60]), (2.0, 2.0, 1.0));
    }

    #[test]
    fn chosen_faces_get_the_latents_of_their_pictures() {
        let batch = batch().aiming_at_pictures(&[false, true]);
        let w: Vec<f32> = batch.w.into_data().iter().collect();
        assert_eq!((w[0], w[30], w[60]), (1.0, 2.0, 1.0));
    }

    #[test]
    fn texts_stay_without_image_prompts() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let same = batch().with_image_prompts(0.0, &mut rng);
        assert!(same.text.equal(batch().text).all().into_scalar::<bool>());
        assert!(same.w.equal(batch().w).all().into_scalar::<bool>());
    }
}
