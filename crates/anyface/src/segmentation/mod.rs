//! Where a picture shows a person: MediaPipe's Selfie Segmentation, the general model.
//!
//! Reference: the file `selfie_segmentation.tflite` of the PyPI package `mediapipe` 0.10.14; its model card is
//! <https://storage.googleapis.com/mediapipe-assets/Model%20Card%20MediaPipe%20Selfie%20Segmentation.pdf>.

mod background;
mod network;
#[cfg(test)]
mod parity;
mod person_mask;

pub use background::{Background, fill_background};
pub use network::{SIDE, SelfieSegmentation};
pub use person_mask::PersonMask;
