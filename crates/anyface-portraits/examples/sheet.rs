//! Draws a contact sheet of hand-built faces:
//! `cargo run --release -p anyface-portraits --example sheet -- OUT.png [SIZE] [ROW]`.
//! A row past the last shows faces of random latents.

use anyface_portraits::face::*;
use anyface_portraits::latent::LATENT_DIM;
use anyface_portraits::render;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// An average grown-up with everything optional absent.
fn plain() -> Face {
    Face {
        pose: Pose {
            yaw: 0.15,
            pitch: 0.0,
        },
        light: Light {
            azimuth: 0.6,
            elevation: 0.5,
            warmth: 0.2,
            fill: 0.5,
        },
        background: Background {
            color: [0.20, 0.26, 0.32],
            vignette: 0.3,
        },
        build: Build {
            skull_height: 0.0,
            eye_distance: 0.0,
            eye_height: 0.0,
            eye_tilt: 0.0,
            nose_length: 0.0,
            mouth_height: 0.0,
            mouth_width: 0.0,
            shoulders: 0.0,
            clothes: [0.10, 0.22, 0.42],
        },
        age: 0.25,
        masculinity: 0.2,
        weight: 0.0,
        skin: Skin {
            tone: 0.3,
            undertone: 0.0,
            rosy: 0.1,
            freckles: 0.0,
            wrinkles: 0.0,
            eye_bags: 0.0,
        },
        shape: Shape {
            oval: 0.0,
            jaw: 0.0,
            double_chin: 0.0,
            cheekbones: 0.0,
            nose_size: 0.0,
            nose_point: 0.0,
            lips: 0.0,
            eye_size: 0.0,
            eye_color: 0.0,
            brow_arch: 0.0,
            brow_thickness: 0.0,
            ears: 0.0,
        },
        expression: Expression {
            smile: 0.15,
            mouth_open: 0.0,
            surprise: 0.0,
            scowl: 0.0,
            eyes_closed: 0.0,
            gaze: [0.0; 2],
        },
        hair: Hair {
            cover: 1.0,
            receding: 0.0,
            length: 0.3,
            curl: 0.0,
            bangs: 0.0,
            volume: 0.0,
            part: 0.5,
            color: [0.12, 0.055, 0.022],
        },
        beard: shaven(),
        makeup: unpainted(),
        wear: nothing_worn(),
    }
}

fn shaven() -> Beard {
    Beard {
        stubble: 0.0,
        mustache: 0.0,
        goatee: 0.0,
        full: 0.0,
        length: 0.0,
        sideburns: 0.0,
        color: [0.10, 0.045, 0.02],
    }
}

fn unpainted() -> Makeup {
    Makeup {
        lipstick: 0.0,
        lipstick_color: [0.55, 0.02, 0.05],
        eyes: 0.0,
        blush: 0.0,
    }
}

fn nothing_worn() -> Wear {
    Wear {
        glasses: 0.0,
        tint: 0.0,
        frame_round: 0.5,
        frame_color: [0.02, 0.02, 0.02],
        hat: None,
        hat_color: [0.45, 0.05, 0.05],
        earrings: 0.0,
        necklace: 0.0,
        necktie: 0.0,
        necktie_color: [0.35, 0.02, 0.04],
    }
}

fn man() -> Face {
    let mut f = plain();
    f.masculinity = 0.9;
    f.hair.length = 0.2;
    f
}

fn woman() -> Face {
    let mut f = plain();
    f.masculinity = 0.05;
    f.hair.length = 0.95;
    f
}

/// A face and what sets it apart.
type Variation = (fn() -> Face, fn(&mut Face));

const VARIATIONS: &[Variation] = &[
    (woman, |_| {}),
    (man, |_| {}),
    (woman, |f| f.age = 0.0),
    (man, |f| {
        f.age = 0.95;
        f.hair.color = [0.7, 0.7, 0.7];
        f.skin.wrinkles = 0.9;
        f.skin.eye_bags = 0.6
    }),
    (woman, |f| {
        f.expression.smile = 1.0;
        f.expression.mouth_open = 0.5;
        f.hair.color = [0.62, 0.38, 0.12]
    }),
    (man, |f| {
        f.expression.smile = -1.0;
        f.expression.scowl = 1.0
    }),
    (woman, |f| {
        f.expression.surprise = 1.0;
        f.expression.mouth_open = 0.8
    }),
    (man, |f| f.expression.eyes_closed = 1.0),
    (man, |f| {
        f.skin.tone = 0.95;
        f.hair.color = [0.02, 0.015, 0.012];
        f.hair.curl = 1.0
    }),
    (woman, |f| {
        f.skin.tone = 0.0;
        f.hair.color = [0.40, 0.10, 0.03];
        f.skin.freckles = 1.0
    }),
    (woman, |f| {
        f.hair.curl = 0.5;
        f.skin.tone = 0.6
    }),
    (woman, |f| {
        f.hair.curl = 1.0;
        f.hair.length = 0.7
    }),
    (woman, |f| f.hair.bangs = 1.0),
    (man, |f| f.hair.receding = 1.0),
    (man, |f| f.hair.cover = 0.0),
    (man, |f| {
        f.hair.cover = 0.0;
        f.age = 0.7
    }),
    (man, |f| f.weight = 1.5),
    (man, |f| {
        f.weight = -1.0;
        f.shape.double_chin = 1.0
    }),
    (man, |f| f.shape.jaw = 2.0),
    (woman, |f| f.shape.oval = 2.0),
    (man, |f| f.shape.nose_size = 2.0),
    (man, |f| f.shape.nose_size = -1.5),
    (woman, |f| f.shape.nose_point = 2.0),
    (woman, |f| f.shape.cheekbones = 2.0),
    (woman, |f| f.shape.lips = 2.0),
    (woman, |f| f.shape.lips = -1.5),
    (woman, |f| f.shape.eye_size = -1.8),
    (woman, |f| {
        f.shape.eye_size = 1.5;
        f.shape.eye_color = 1.0
    }),
    (woman, |f| {
        f.shape.eye_color = 2.0;
        f.shape.brow_arch = 2.0
    }),
    (man, |f| f.shape.brow_thickness = 1.8),
    (man, |f| f.shape.ears = 2.0),
    (man, |f| f.skin.eye_bags = 1.0),
    (woman, |f| f.skin.rosy = 1.0),
    (woman, |f| {
        f.makeup.lipstick = 1.0;
        f.makeup.eyes = 1.0;
        f.makeup.blush = 1.0
    }),
    (man, |f| f.beard.stubble = 1.0),
    (man, |f| f.beard.mustache = 1.0),
    (man, |f| f.beard.goatee = 1.0),
    (man, |f| {
        f.beard.full = 1.0;
        f.beard.mustache = 1.0
    }),
    (man, |f| {
        f.beard.full = 1.0;
        f.beard.mustache = 1.0;
        f.beard.length = 1.0;
        f.beard.color = [0.75; 3];
        f.hair.color = [0.75; 3];
        f.age = 0.9
    }),
    (man, |f| f.beard.sideburns = 1.0),
    (woman, |f| f.wear.glasses = 1.0),
    (man, |f| {
        f.wear.glasses = 1.0;
        f.wear.tint = 1.0;
        f.wear.frame_round = 0.0
    }),
    (woman, |f| f.wear.hat = Some(Hat::KnittedCap)),
    (woman, |f| f.wear.hat = Some(Hat::Brimmed)),
    (man, |f| f.wear.hat = Some(Hat::BaseballCap)),
    (woman, |f| {
        f.wear.earrings = 1.0;
        f.wear.necklace = 1.0
    }),
    (man, |f| f.wear.necktie = 1.0),
    (man, |f| {
        f.pose.yaw = -0.45;
        f.light.azimuth = -0.9;
        f.light.fill = 0.25
    }),
    (woman, |f| f.age = 0.08),
    (woman, |f| f.age = 0.33),
    (woman, |f| f.age = 0.5),
    (woman, |f| f.age = 0.8),
    (man, |f| f.age = 0.08),
    (man, |f| f.age = 0.33),
    (man, |f| f.age = 0.5),
    (man, |f| f.age = 0.8),
    (woman, |f| f.shape.oval = -0.8),
    (woman, |f| f.shape.oval = 1.0),
    (woman, |f| f.shape.nose_point = -0.8),
    (woman, |f| f.shape.nose_point = 1.0),
    (man, |f| f.shape.nose_size = -0.8),
    (man, |f| f.shape.nose_size = 1.0),
    (man, |f| f.shape.jaw = -0.8),
    (man, |f| f.shape.jaw = 1.0),
];

fn varied(base: &fn() -> Face, vary: &fn(&mut Face)) -> Face {
    let mut face = base();
    vary(&mut face);
    face
}

fn random(seed: u64) -> Face {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let z: Vec<f32> = (0..LATENT_DIM)
        .map(|_| StandardNormal.sample(&mut rng))
        .collect();
    Face::from_latent(&z)
}

fn main() -> Result<(), image::ImageError> {
    let mut arguments = std::env::args().skip(1);
    let out = arguments.next().unwrap_or_else(|| "sheet.png".into());
    let size: u32 = arguments.next().and_then(|s| s.parse().ok()).unwrap_or(128);
    let row: Option<usize> = arguments.next().and_then(|s| s.parse().ok());
    let columns = if row.is_some_and(|row| row < 8) { 4 } else { 8 };
    let shown = match row {
        Some(row) => VARIATIONS.chunks(8).nth(row).unwrap_or_default(),
        None => VARIATIONS,
    };
    let faces: Vec<Face> = if shown.is_empty() {
        (0..48).map(random).collect()
    } else {
        shown
            .iter()
            .map(|(base, vary)| varied(base, vary))
            .collect()
    };
    let rows = faces.len().div_ceil(columns as usize) as u32;
    let mut sheet = image::RgbImage::new(columns * size, rows * size);
    let start = std::time::Instant::now();
    for (i, face) in faces.iter().enumerate() {
        let i = i as u32;
        let at = (i64::from(i % columns * size), i64::from(i / columns * size));
        image::imageops::replace(&mut sheet, &render(face, size), at.0, at.1);
    }
    eprintln!(
        "{:.1} images/s on one core",
        faces.len() as f64 / start.elapsed().as_secs_f64()
    );
    sheet.save(out)
}
