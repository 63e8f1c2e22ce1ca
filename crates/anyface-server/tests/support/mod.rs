//! A studio without networks: it paints simple faces from latents of 16 numbers. For tests, and for the page's tests.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use anyface_server::studio::{
    About, Describer, FaceSource, GeneratedFace, LatentValues, SeenFace, Studio, StudioError, Task,
};
use image::imageops::{FilterType, resize};
use image::{Rgb, RgbImage};

const SIDE: u32 = 128;
const VALUES: usize = 16;

/// The first is to be seen in every painted face.
const IDEAS: [&str; 6] = [
    "with a white beard",
    "smiling",
    "with glasses",
    "older",
    "with a hat",
    "nothing",
];

/// Words that it does not understand.
const UNCLEAR: [&str; 2] = ["glorbish", "zorple"];

/// Paints faces, each in `pause`. It panics when asked for "panic", fails when asked for "failure", and the edit
/// "nothing" changes nothing.
pub(crate) struct Painter {
    pub(crate) pause: Duration,
    pub(crate) name: &'static str,
    /// Whether it reads photos.
    pub(crate) inverts: bool,
}

impl Painter {
    /// A painter as a server takes it.
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
        Some(Arc::new(Onlooker))
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

/// Sees how bright a face is.
struct Onlooker;

impl Describer for Onlooker {
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

/// The words of a description that it does not understand.
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

/// Numbers from 0 to 1 that follow from anything.
fn numbers(of: &impl Hash) -> [f32; VALUES] {
    std::array::from_fn(|i| {
        let mut hasher = DefaultHasher::new();
        (i, of).hash(&mut hasher);
        (hasher.finish() % 1000) as f32 / 1000.0
    })
}

/// A head with hair, eyes and a mouth, whose colours and shapes are the numbers.
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
