//! Face detection with YuNet.
//!
//! Reference: `modules/objdetect/src/face_detect.cpp` of OpenCV (`FaceDetectorYN`).

use std::env;
use std::path::{Path, PathBuf};

use anyface_checkpoint::Checkpoint;
use burn::tensor::{Device, Tensor, TensorData};
use bytes::Bytes;
use image::RgbImage;

use crate::Error;
use crate::convert::{Kind, convert};
use crate::weights::WeightsError;
use crate::yunet::{Level, YuNet, YuNetConfig};

/// Environment variable with the path of the detector's weights.
pub const DETECTOR_VARIABLE: &str = "ANYFACE_DETECTOR";

/// From ShiqiYu/libfacedetection.train.
const WEIGHTS: &[u8] = include_bytes!("../../assets/yunet_n_640_640.onnx");

/// The sides of an input image are multiples of this.
const STRIDE: usize = 32;

/// Faces with a lower score are dropped.
const MIN_SCORE: f32 = 0.6;

/// If two boxes overlap more (intersection over union), the one with the lower score is dropped.
/// OpenCV's default.
const MAX_OVERLAP: f32 = 0.3;

/// A detected face, in pixels of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct DetectedFace {
    /// Score of the detector, 0 to 1.
    pub score: f32,
    /// Left, top, width and height.
    pub bounds: [f32; 4],
    /// Eyes, nose and mouth corners as (x, y); left comes before right, as seen in the picture.
    pub points: [[f32; 2]; 5],
}

impl DetectedFace {
    /// Area of the bounds in pixels.
    pub fn area(&self) -> f32 {
        self.bounds[2] * self.bounds[3]
    }

    pub(super) fn scaled(self, factor: f32) -> Self {
        Self {
            score: self.score,
            bounds: self.bounds.map(|value| value * factor),
            points: self.points.map(|point| point.map(|value| value * factor)),
        }
    }
}

/// A face detector.
///
/// ```
/// use anyface::photograph::Detector;
/// use image::RgbImage;
///
/// let wall = RgbImage::from_pixel(200, 100, [90, 120, 200].into());
/// assert!(Detector::builtin().faces(&wall).is_empty());
/// ```
#[derive(Debug)]
pub struct Detector {
    network: YuNet,
    device: Device,
}

impl Detector {
    /// The built-in detector: the released `yunet_n`, on the CPU.
    ///
    /// # Panics
    /// Never: the built-in file is a detector.
    pub fn builtin() -> Self {
        Checkpoint::from_bytes(Bytes::from_static(WEIGHTS), "yunet_n_640_640.onnx")
            .map_err(Error::from)
            .and_then(|checkpoint| Self::new(&checkpoint))
            .expect("the built-in file is a detector")
    }

    /// Opens a released YuNet file (ONNX), for the CPU.
    ///
    /// # Errors
    /// If the file cannot be read or is not YuNet.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::new(&Checkpoint::open(path)?)
    }

    fn new(checkpoint: &Checkpoint) -> Result<Self, Error> {
        let device = Device::flex();
        let no_detector = || WeightsError::Unsupported {
            source_name: checkpoint.source_name.clone(),
            reason: "not a face detector: expected YuNet in ONNX".to_owned(),
        };
        if Kind::of(checkpoint) != Kind::YuNet {
            return Err(no_detector().into());
        }
        let converted = convert(checkpoint)?;
        let network = converted.networks.first().ok_or_else(no_detector)?;
        let config: YuNetConfig =
            serde_json::from_value(network.config.clone()).map_err(|_| no_detector())?;
        Ok(Self {
            network: network.load(config.init(&device))?,
            device,
        })
    }

    /// The detector at `path`; else at the path in [`DETECTOR_VARIABLE`], where an empty value
    /// means none; else the built-in detector.
    ///
    /// # Errors
    /// See [`Detector::open`].
    pub fn find(path: Option<&Path>) -> Result<Option<Self>, Error> {
        let named = || env::var_os(DETECTOR_VARIABLE).map(PathBuf::from);
        match path.map(Path::to_owned).or_else(named) {
            None => Ok(Some(Self::builtin())),
            Some(path) if path.as_os_str().is_empty() => Ok(None),
            Some(path) => Self::open(&path).map(Some),
        }
    }

    /// The faces of a picture without rotating it, the largest first.
    pub(super) fn upright_faces(&self, picture: &RgbImage) -> Vec<DetectedFace> {
        let pixels = pixels(picture, &self.device);
        let columns = pixels.dims()[3];
        let levels = self.network.forward(pixels);
        let candidates = levels
            .into_iter()
            .flat_map(|level| candidates(level, columns));
        let mut faces = suppress(candidates.collect());
        faces.sort_by(|a, b| b.area().total_cmp(&a.area()));
        faces
    }
}

/// The network's input for a picture, padded with black to the right and below: `[1, 3, H, W]`.
fn pixels(picture: &RgbImage, device: &Device) -> Tensor<4> {
    let [width, height] = [picture.width(), picture.height()].map(|side| side as usize);
    let [columns, rows] = [width, height].map(|side| side.next_multiple_of(STRIDE));
    let mut values = vec![0.0; rows * columns * 3];
    let lines = picture.as_raw().chunks_exact(3 * width);
    for (line, values) in lines.zip(values.chunks_exact_mut(3 * columns)) {
        for (rgb, bgr) in line.chunks_exact(3).zip(values.chunks_exact_mut(3)) {
            bgr.copy_from_slice(&[rgb[2], rgb[1], rgb[0]].map(f32::from));
        }
    }
    let values = TensorData::new(values, [1, rows, columns, 3]);
    Tensor::<4>::from_data(values, device).permute([0, 3, 1, 2])
}

/// The candidate faces of one level in a picture of `width` pixels.
fn candidates(level: Level, width: usize) -> Vec<DetectedFace> {
    let values = |tensor: Tensor<3>| -> Vec<f32> { tensor.into_data().iter::<f32>().collect() };
    let [class, object] = [level.class, level.object].map(values);
    let [bbox, points] = [level.bbox, level.points].map(values);
    let columns = width / level.stride;
    let stride = level.stride as f32;
    let cells = class.iter().zip(&object).enumerate();
    cells
        .map(|(cell, (class, object))| (cell, (class * object).sqrt()))
        .filter(|(_, score)| *score >= MIN_SCORE)
        .map(|(cell, score)| {
            let corner = [(cell % columns) as f32, (cell / columns) as f32];
            let place = |offset: &[f32]| [0, 1].map(|axis| (corner[axis] + offset[axis]) * stride);
            let [x, y] = place(&bbox[4 * cell..]);
            let [width, height] = [2, 3].map(|i| bbox[4 * cell + i].exp() * stride);
            DetectedFace {
                score,
                bounds: [x - width / 2.0, y - height / 2.0, width, height],
                points: std::array::from_fn(|i| place(&points[10 * cell + 2 * i..])),
            }
        })
        .collect()
}

/// Non-maximum suppression: the best of each group of overlapping faces, by descending score.
fn suppress(mut faces: Vec<DetectedFace>) -> Vec<DetectedFace> {
    faces.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<DetectedFace> = Vec::new();
    for face in faces {
        if kept
            .iter()
            .all(|other| overlap(other, &face) <= MAX_OVERLAP)
        {
            kept.push(face);
        }
    }
    kept
}

/// Intersection over union of two boxes truncated to integers, as in OpenCV.
fn overlap(a: &DetectedFace, b: &DetectedFace) -> f32 {
    let [a, b] = [a, b].map(|face| face.bounds.map(f32::trunc));
    let shared = |axis: usize| {
        let end = (a[axis] + a[axis + 2]).min(b[axis] + b[axis + 2]);
        (end - a[axis].max(b[axis])).max(0.0)
    };
    let intersection = shared(0) * shared(1);
    let union = a[2] * a[3] + b[2] * b[3] - intersection;
    if union > 0.0 {
        intersection / union
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests;
