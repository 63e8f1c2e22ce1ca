//! Segmentation of persons: MediaPipe's Selfie Segmentation, general model.
//!
//! Reference: `selfie_segmentation.tflite` in the PyPI package `mediapipe` 0.10.14. Model card:
//! <https://storage.googleapis.com/mediapipe-assets/Model%20Card%20MediaPipe%20Selfie%20Segmentation.pdf>.

mod background;
mod network;
#[cfg(test)]
mod parity;
mod person_mask;

pub use background::{Background, fill_background};
pub use network::{SIDE, SelfieSegmentation};
pub use person_mask::PersonMask;
