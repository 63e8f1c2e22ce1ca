//! A studio without networks, for the tests of the server and of the page. It paints simple faces
//! from latents of 16 numbers.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use anyface_server::studio::{
    About, Describer, FaceSource, GeneratedFace, LatentValues, SeenFace, Studio, StudioError, Task,
};
use image::imageops::{FilterType, resize};
use image::{Rgb, RgbImage};

/// Side of the images in pixels.
const SIDE: u32 = 128;
/// Numbers in a latent.
const VALUES: usize = 16;

/// Example edits. Every painted face already shows the first.
const IDEAS: [&str; 6] = [
    "with a white beard",
    "smiling",
    "with glasses",
    "older",
    "with a hat",
    "nothing",
];

/// Words that the painter does not understand.
const UNCLEAR: [&str; 2] = ["glorbish", "zorple"];

/// Paints faces, each within `pause`. The prompt "panic" panics, the prompt "failure" fails, and
/// the edit "nothing" has no effect.
pub(crate) struct Painter {
    pub(crate) pause: Duration,
    pub(crate) name: &'static str,
    /// Whether it inverts photos.
    pub(crate) inverts: bool,
}

impl Painter {
    /// A boxed painter, for `Server::start`.
    pub(crate) fn boxed(pause: Duration, name: &'static str) -> Box<dyn Studio> {
        Box::new(Self {
            pause,
            name,
            inverts: true,
        })
    }
}

impl Studio for Painter {
    fn about(&self) -> About {
        About {
            model: self.name.to_owned(),
            license: "MIT OR Apache-2.0".to_owned(),
            examples: words(&[
                "an old sailor with a white beard",
                "a young woman with curly red hair and freckles",
                "a smiling child with blond hair",
            ]),
            ideas: words(&IDEAS),
            resolution: SIDE,
            latent: [4, 4],
            truncation: 1.0,
            edits: true,
            inverts: self.inverts,
        }
    }

    fn describer(&self) -> Option<Arc<dyn Describer>> {
        Some(Arc::new(BrightnessDescriber))
    }

    fn make(
        &mut self,
        task: &Task,
        sketch: &mut dyn FnMut(RgbImage),
    ) -> Result<GeneratedFace, StudioError> {
        std::thread::sleep(self.pause);
        let mut values = match &task.source {
            FaceSource::Words { captions, .. } if captions[0] == "panic" => panic!("as asked"),
            FaceSource::Words { captions, .. } if captions[0] == "failure" => {
                return Err(StudioError::Failed("as asked".to_owned()));
            }
            FaceSource::Words { captions, seed, .. } => {
                let words = numbers(captions);
                let own = numbers(seed);
                std::array::from_fn(|i| if i % 2 == 0 { words[i] } else { own[i] })
            }
            FaceSource::Latent(latent) => array(latent),
            FaceSource::Photo(photo) => {
                let small = resize(photo, 4, 4, FilterType::Triangle);
                std::array::from_fn(|i| f32::from(small.as_raw()[3 * i]) / 255.0)
            }
            FaceSource::Mix { from, to, t } => {
                let (from, to) = (array(from), array(to));
                std::array::from_fn(|i| from[i] + (to[i] - from[i]) * *t as f32)
            }
        };
        let before = match (&task.before, &task.source) {
            (Some(before), _) => Some(paint(&array(before))),
            (None, FaceSource::Photo(_)) => Some(paint(&values)),
            (None, _) => None,
        };
        for edit in task.edits.iter().filter(|edit| edit.text != "nothing") {
            let way = numbers(&edit.text);
            for (value, way) in values.iter_mut().zip(way) {
                *value += (way - 0.5) * edit.strength as f32;
            }
        }
        for level in (1..=task.sketches).rev() {
            let side = SIDE >> level;
            sketch(resize(&paint(&values), side, side, FilterType::Triangle));
        }
        Ok(GeneratedFace {
            image: paint(&values),
            before,
            latent: LatentValues(values.to_vec()),
            clip_score: matches!(task.source, FaceSource::Words { .. }).then_some(0.25),
            not_understood: unclear(&task.source),
        })
    }
}

/// Describes the brightness of a face.
struct BrightnessDescriber;

impl Describer for BrightnessDescriber {
    fn describe(&self, face: &RgbImage) -> SeenFace {
        let sum: u64 = face.iter().map(|&value| u64::from(value)).sum();
        let bright = sum as f32 / 255.0 / face.len() as f32;
        SeenFace {
            description: "A painted face.".to_owned(),
            attributes: vec![("Bright", bright)],
            ideas: words(&IDEAS[1..]),
        }
    }
}

/// The words of a description that the painter does not understand.
fn unclear(source: &FaceSource) -> Vec<String> {
    let FaceSource::Words { captions, .. } = source else {
        return Vec::new();
    };
    let words = captions.iter().flat_map(|text| text.split_whitespace());
    let unclear = words.filter(|word| UNCLEAR.contains(word));
    unclear.map(str::to_owned).collect()
}

fn words(of: &[&str]) -> Vec<String> {
    of.iter().map(|&text| text.to_owned()).collect()
}

fn array(latent: &LatentValues) -> [f32; VALUES] {
    std::array::from_fn(|i| latent.0[i])
}

/// Numbers from 0 to 1, derived from a hash.
fn numbers(of: &impl Hash) -> [f32; VALUES] {
    std::array::from_fn(|i| {
        let mut hasher = DefaultHasher::new();
        (i, of).hash(&mut hasher);
        (hasher.finish() % 1000) as f32 / 1000.0
    })
}

/// Paints a head with hair, eyes and a mouth. The numbers determine colours and shapes.
fn paint(v: &[f32; VALUES]) -> RgbImage {
    let v = v.map(|x| x.clamp(0.0, 1.0));
    let color = |r: f32, g: f32, b: f32| Rgb([r, g, b].map(|c| (c * 255.0) as u8));
    let wall = color(0.25 + 0.3 * v[1], 0.3 + 0.3 * v[3], 0.35 + 0.3 * v[5]);
    let tone = 0.45 + 0.5 * v[7];
    let skin = color(tone, tone * 0.78, tone * 0.64);
    let hair = color(
        0.1 + 0.7 * v[0],
        0.08 + 0.5 * v[0] * v[2],
        0.06 + 0.2 * v[2],
    );
    let eyes = color(0.1, 0.15 + 0.3 * v[4], 0.2 + 0.5 * v[6]);
    let lips = color(0.5 + 0.35 * v[8], 0.2, 0.22);
    RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let (x, y) = (x as f32 / 64.0 - 1.0, y as f32 / 64.0 - 1.0);
        let oval = |cx: f32, cy: f32, rx: f32, ry: f32| {
            ((x - cx) / rx).powi(2) + ((y - cy) / ry).powi(2) < 1.0
        };
        let width = 0.42 + 0.12 * v[9];
        let smile = 0.42 - (v[10] - 0.4) * (x * 3.0).powi(2) * 0.3;
        let eye = 0.17 + 0.05 * v[11];
        match () {
            () if oval(-eye, 0.0, 0.06, 0.05) || oval(eye, 0.0, 0.06, 0.05) => eyes,
            () if x.abs() < 0.2 && (y - smile).abs() < 0.035 => lips,
            () if oval(0.0, 0.1, width, 0.62) && y > -0.35 + 0.3 * v[12] * x.abs() => skin,
            () if oval(0.0, -0.1, width + 0.12, 0.66 + 0.2 * v[14]) => hair,
            () if oval(0.0, 1.1, 0.8, 0.4) => color(v[13], 0.4, 0.5),
            () => wall,
        }
    })
}
