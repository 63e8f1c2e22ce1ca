//! What the pictures promise to those who learn from them.

use anyface_portraits::face::{Face, Hat};
use anyface_portraits::latent::LATENT_DIM;
use anyface_portraits::render;
use proptest::collection::vec;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// The face at the middle of the prior, grown up and with nothing worn.
fn average() -> Face {
    let mut face = Face::from_latent(&[0.0; LATENT_DIM]);
    face.pose.yaw = 0.2;
    face.age = 0.3;
    face.wear.hat = None;
    face.hair.cover = 1.0;
    face.hair.length = 0.3;
    face
}

fn bearded() -> Face {
    let mut face = average();
    face.masculinity = 1.0;
    face.beard.full = 1.0;
    face
}

fn dressed_up() -> Face {
    let mut face = average();
    face.wear.glasses = 1.0;
    face.wear.necktie = 1.0;
    face.wear.hat = Some(Hat::Brimmed);
    face.makeup.lipstick = 1.0;
    face
}

/// Mean absolute difference of two faces at 64², in levels of 255.
fn difference(a: &Face, b: &Face) -> f64 {
    let (a, b) = (render(a, 64), render(b, 64));
    let sum: u64 = a
        .iter()
        .zip(b.iter())
        .map(|(&a, &b)| u64::from(a.abs_diff(b)))
        .sum();
    sum as f64 / a.len() as f64
}

/// A base, the name of a parameter and a change of it.
type Change = (fn() -> Face, &'static str, fn(&mut Face));

const CHANGES: &[Change] = &[
    (average, "pose.yaw", |f| f.pose.yaw -= 0.4),
    (average, "pose.pitch", |f| f.pose.pitch += 0.2),
    (average, "light.azimuth", |f| f.light.azimuth -= 1.0),
    (average, "light.elevation", |f| f.light.elevation += 0.4),
    (average, "light.warmth", |f| f.light.warmth += 1.0),
    (average, "light.fill", |f| f.light.fill += 0.3),
    (average, "background.color", |f| {
        f.background.color = [0.6, 0.1, 0.1]
    }),
    (average, "background.vignette", |f| {
        f.background.vignette = 0.6
    }),
    (average, "build.skull_height", |f| {
        f.build.skull_height += 1.0
    }),
    (average, "build.eye_distance", |f| {
        f.build.eye_distance += 1.0
    }),
    (average, "build.eye_height", |f| f.build.eye_height += 1.0),
    (average, "build.eye_tilt", |f| f.build.eye_tilt += 1.0),
    (average, "build.nose_length", |f| f.build.nose_length += 1.0),
    (average, "build.mouth_height", |f| {
        f.build.mouth_height += 1.0
    }),
    (average, "build.mouth_width", |f| f.build.mouth_width += 1.0),
    (average, "build.shoulders", |f| f.build.shoulders += 1.0),
    (average, "build.clothes", |f| {
        f.build.clothes = [0.6, 0.1, 0.1]
    }),
    (average, "age: child", |f| f.age = 0.05),
    (average, "age: middle", |f| f.age = 0.5),
    (average, "age: old", |f| f.age = 0.9),
    (average, "masculinity", |f| {
        f.masculinity = 1.0 - f.masculinity.round()
    }),
    (average, "weight", |f| f.weight += 1.5),
    (average, "skin.tone", |f| f.skin.tone += 0.3),
    (average, "skin.undertone", |f| f.skin.undertone += 1.0),
    (average, "skin.rosy", |f| f.skin.rosy = 1.0),
    (average, "skin.freckles", |f| f.skin.freckles = 1.0),
    (average, "skin.wrinkles", |f| f.skin.wrinkles = 1.0),
    (average, "skin.eye_bags", |f| f.skin.eye_bags = 1.0),
    (average, "shape.oval", |f| f.shape.oval += 1.5),
    (average, "shape.jaw", |f| f.shape.jaw += 1.5),
    (average, "shape.double_chin", |f| f.shape.double_chin = 1.0),
    (average, "shape.cheekbones", |f| f.shape.cheekbones += 1.5),
    (average, "shape.nose_size", |f| f.shape.nose_size += 1.5),
    (average, "shape.nose_point", |f| f.shape.nose_point += 1.5),
    (average, "shape.lips", |f| f.shape.lips += 1.5),
    (average, "shape.eye_size", |f| f.shape.eye_size -= 1.5),
    (average, "shape.eye_color", |f| {
        f.shape.eye_color = if f.shape.eye_color > 0.5 { 0.0 } else { 1.0 }
    }),
    (average, "shape.brow_arch", |f| f.shape.brow_arch += 1.5),
    (average, "shape.brow_thickness", |f| {
        f.shape.brow_thickness += 1.5
    }),
    (average, "shape.ears", |f| f.shape.ears += 1.5),
    (average, "expression.smile", |f| f.expression.smile -= 1.0),
    (average, "expression.mouth_open", |f| {
        f.expression.mouth_open += 0.5
    }),
    (average, "expression.surprise", |f| {
        f.expression.surprise = 1.0
    }),
    (average, "expression.scowl", |f| f.expression.scowl += 1.0),
    (average, "expression.eyes_closed", |f| {
        f.expression.eyes_closed = 1.0
    }),
    (average, "expression.gaze", |f| f.expression.gaze[0] += 0.3),
    (average, "hair.cover", |f| f.hair.cover = 0.0),
    (average, "hair.receding", |f| f.hair.receding = 1.0),
    (average, "hair.length", |f| f.hair.length = 1.0),
    (average, "hair.curl", |f| f.hair.curl += 0.5),
    (average, "hair.bangs", |f| f.hair.bangs = 1.0),
    (average, "hair.volume", |f| f.hair.volume += 1.0),
    (average, "hair.part", |f| {
        f.hair.part = if f.hair.part > 0.0 { -1.0 } else { 1.0 }
    }),
    (average, "hair.color", |f| f.hair.color = [0.7, 0.5, 0.2]),
    (average, "beard.stubble", |f| f.beard.stubble = 1.0),
    (average, "beard.mustache", |f| f.beard.mustache = 1.0),
    (average, "beard.goatee", |f| f.beard.goatee = 1.0),
    (average, "beard.full", |f| f.beard.full = 1.0),
    (bearded, "beard.length", |f| f.beard.length = 1.0),
    (average, "beard.sideburns", |f| f.beard.sideburns = 1.0),
    (bearded, "beard.color", |f| f.beard.color = [0.7, 0.5, 0.2]),
    (average, "makeup.lipstick", |f| f.makeup.lipstick = 1.0),
    (dressed_up, "makeup.lipstick_color", |f| {
        f.makeup.lipstick_color = [0.4, 0.0, 0.4]
    }),
    (average, "makeup.eyes", |f| f.makeup.eyes = 1.0),
    (average, "makeup.blush", |f| f.makeup.blush = 1.0),
    (average, "wear.glasses", |f| f.wear.glasses = 1.0),
    (dressed_up, "wear.tint", |f| f.wear.tint = 1.0 - f.wear.tint),
    (dressed_up, "wear.frame_round", |f| {
        f.wear.frame_round = 1.0 - f.wear.frame_round
    }),
    (dressed_up, "wear.frame_color", |f| {
        f.wear.frame_color = [0.6, 0.1, 0.1]
    }),
    (average, "wear.hat: knitted", |f| {
        f.wear.hat = Some(Hat::KnittedCap)
    }),
    (average, "wear.hat: brimmed", |f| {
        f.wear.hat = Some(Hat::Brimmed)
    }),
    (average, "wear.hat: baseball", |f| {
        f.wear.hat = Some(Hat::BaseballCap)
    }),
    (dressed_up, "wear.hat_color", |f| {
        f.wear.hat_color = [0.1, 0.6, 0.1]
    }),
    (average, "wear.earrings", |f| f.wear.earrings = 1.0),
    (average, "wear.necklace", |f| f.wear.necklace = 1.0),
    (average, "wear.necktie", |f| f.wear.necktie = 1.0),
    (dressed_up, "wear.necktie_color", |f| {
        f.wear.necktie_color = [0.1, 0.6, 0.1]
    }),
];

#[test]
fn the_same_face_is_the_same_bytes() {
    let face = average();
    assert_eq!(render(&face, 96).as_raw(), render(&face, 96).as_raw());
}

#[test]
fn every_parameter_shows() {
    for (base, name, change) in CHANGES {
        let before = base();
        let mut after = before.clone();
        change(&mut after);
        let difference = difference(&before, &after);
        assert!(
            difference > 0.08,
            "{name} changes the picture by {difference:.3} levels only"
        );
    }
}

#[test]
fn every_parameter_is_in_the_code() {
    // The beard has the colour of the hair, which the code holds.
    let in_code = CHANGES.iter().filter(|(_, name, _)| *name != "beard.color");
    for (base, name, change) in in_code {
        let before = base();
        let mut after = before.clone();
        change(&mut after);
        assert_ne!(
            before.code(),
            after.code(),
            "{name} does not change the code"
        );
    }
}

#[test]
fn what_is_absent_is_zero_in_the_code() {
    let mut bare = average();
    bare.wear.glasses = 0.0;
    bare.wear.hat = None;
    let mut repainted = bare.clone();
    repainted.wear.frame_color = [0.9, 0.1, 0.1];
    repainted.wear.frame_round = 0.3;
    repainted.wear.hat_color = [0.1, 0.9, 0.1];
    assert_eq!(bare.code(), repainted.code());
}

#[test]
fn a_small_step_of_the_latent_is_a_small_step_of_the_picture() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..12 {
        let z: Vec<f32> = (0..LATENT_DIM)
            .map(|_| StandardNormal.sample(&mut rng))
            .collect();
        let near: Vec<f32> = z.iter().map(|v| v * 1.001).collect();
        let step = difference(&Face::from_latent(&z), &Face::from_latent(&near));
        assert!(
            step < 1.5,
            "a step of a thousandth changes the picture by {step:.2} levels"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn far_latents_still_draw_a_picture(z in vec(-8.0f32..8.0, LATENT_DIM)) {
        let picture = render(&Face::from_latent(&z), 48);
        let (low, high) = picture.iter().fold((255, 0), |(l, h), &v| (v.min(l), v.max(h)));
        prop_assert!(high > low + 40, "the picture is flat: {low}..{high}");
    }
}
