//! What the latent promises: frequencies, which dims matter to what, totality, steering.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use anyface_portraits::latent::{self, COARSE_DIM, LATENT_DIM};
use anyface_portraits::{Attribute, Attributes, Face};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn attributes(z: &[f32]) -> Attributes {
    Face::from_latent(z).attributes()
}

#[test]
fn every_attribute_is_often_clear_and_often_enough_there() {
    const FACES: usize = 20_000;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let faces: Vec<_> = (0..FACES)
        .map(|_| attributes(&latent::sample(&mut rng)))
        .collect();
    for &attribute in Attribute::ALL {
        let known = faces.iter().filter_map(|face| face.get(attribute)).count() as f32;
        let there = faces.iter().filter(|face| face.has(attribute)).count() as f32;
        let (known_share, frequency) = (known / FACES as f32, there / known);
        assert!(
            known_share > 0.4,
            "{attribute:?} can be told of {known_share} of the faces"
        );
        assert!(
            (0.04..0.96).contains(&frequency),
            "{attribute:?} holds for {frequency}"
        );
    }
}

#[test]
fn an_attribute_depends_on_its_latent_dims_only() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for &attribute in Attribute::ALL {
        let dims = latent::latent_dims(attribute);
        assert!(
            dims.iter().all(|&d| d >= COARSE_DIM),
            "{attribute:?} names a coarse dim"
        );
        for _ in 0..2_000 {
            let z = latent::sample(&mut rng);
            let mut other = latent::sample(&mut rng);
            for &d in dims {
                other[d] = z[d];
            }
            let (before, after) = (
                attributes(&z).get(attribute),
                attributes(&other).get(attribute),
            );
            assert_eq!(
                before, after,
                "{attribute:?} depends on a dim that latent_dims leaves out"
            );
        }
    }
}

#[test]
fn a_mix_has_the_attributes_of_its_fine_dims() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..1_000 {
        let (coarse, fine) = (latent::sample(&mut rng), latent::sample(&mut rng));
        let mixed = latent::mix(&coarse, &fine);
        assert_eq!(attributes(&mixed), attributes(&fine));
        let (of_mix, of_coarse) = (Face::from_latent(&mixed), Face::from_latent(&coarse));
        assert_eq!(
            (of_mix.pose, of_mix.light),
            (of_coarse.pose, of_coarse.light)
        );
    }
}

#[test]
fn attributes_that_exclude_each_other_never_meet() {
    use Attribute::*;
    let sets: [&[Attribute]; 7] = [
        &[StraightHair, WavyHair, CurlyHair],
        &[
            BlackHair, BrownHair, RedHair, BlondHair, GrayHair, WhiteHair,
        ],
        &[BrownEyes, BlueEyes, GreenEyes],
        &[KnittedCap, BrimmedHat, BaseballCap],
        &[FullBeard, Goatee, FiveOClockShadow, NoBeard],
        &[Smiling, Frowning],
        &[Child, Elderly],
    ];
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    for _ in 0..5_000 {
        let face = attributes(&latent::sample(&mut rng));
        for set in sets {
            assert!(set.iter().filter(|&&a| face.has(a)).count() <= 1, "{set:?}");
        }
        assert!(!face.has(Child) || face.has(Young));
    }
}

#[test]
fn steering_reaches_rare_combinations_and_leaves_the_rest_alone() {
    use Attribute::*;
    let wanted: [&[(Attribute, bool)]; 4] = [
        &[
            (Elderly, true),
            (Male, true),
            (FullBeard, true),
            (WhiteHair, true),
            (KnittedCap, true),
        ],
        &[(Male, false), (Bald, true), (WearingEarrings, true)],
        &[
            (Male, true),
            (LongHair, true),
            (CurlyHair, true),
            (GreenEyes, true),
            (WearingNecktie, true),
        ],
        &[
            (Child, true),
            (Eyeglasses, true),
            (RedHair, true),
            (Freckles, true),
            (ClosedEyes, false),
        ],
    ];
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for wanted in wanted {
        for _ in 0..10 {
            let z = latent::sample(&mut rng);
            let steered = latent::steer(&z, wanted, &mut rng).unwrap();
            for &(attribute, state) in wanted {
                assert_eq!(attributes(&steered).get(attribute), Some(state));
            }
            let free = |d: &usize| {
                wanted
                    .iter()
                    .all(|(a, _)| !latent::latent_dims(*a).contains(d))
            };
            assert!((0..LATENT_DIM).filter(free).all(|d| z[d] == steered[d]));
        }
    }
    let impossible = [(Bald, true), (LongHair, true)];
    assert_eq!(
        latent::steer(&latent::sample(&mut rng), &impossible, &mut rng),
        None
    );
}

#[test]
fn the_face_moves_little_where_a_switch_is_crossed_slowly() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    for _ in 0..200 {
        let mut z = latent::sample(&mut rng);
        let d = rng.random_range(0..LATENT_DIM);
        if d == latent::Dim::Hat as usize {
            continue;
        }
        let here = numbers(&Face::from_latent(&z));
        z[d] += 1e-4;
        let there = numbers(&Face::from_latent(&z));
        assert!(
            here.iter().zip(&there).all(|(a, b)| (a - b).abs() < 0.05),
            "dim {d} jumps"
        );
    }
}

/// Every number of a face, read from its debug text.
fn numbers(face: &Face) -> Vec<f32> {
    format!("{face:?}")
        .split(|c: char| !(c.is_ascii_digit() || "-.e".contains(c)))
        .filter_map(|word| word.parse().ok())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_finite_latent_is_a_face(z in prop::collection::vec(-1e30_f32..1e30, LATENT_DIM)) {
        let face = Face::from_latent(&z);
        prop_assert!(numbers(&face).iter().all(|v| v.is_finite() && v.abs() < 10.0));
        let text = format!("{face:?}");
        prop_assert!(!text.contains("NaN") && !text.contains("inf"), "{}", text);
        face.attributes();
    }
}

#[test]
fn an_adjusted_face_has_what_is_wanted_and_changes_no_dim_for_nothing() {
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    for _ in 0..200 {
        let (z, other) = (latent::sample(&mut rng), latent::sample(&mut rng));
        let known = attributes(&other);
        let wanted: Vec<_> = known
            .iter()
            .filter_map(|(attribute, state)| Some((attribute, state?)))
            .filter(|_| rng.random_bool(0.1))
            .collect();
        let holds = |z: &[f32; LATENT_DIM]| {
            let found = attributes(z);
            wanted.iter().all(|&(a, state)| found.get(a) == Some(state))
        };
        let Some(adjusted) = latent::adjust(&z, &wanted, &mut rng) else {
            continue;
        };
        assert!(holds(&adjusted));
        if holds(&z) {
            assert_eq!(adjusted, z);
        }
        let needed = |&d: &usize| {
            adjusted[d] != z[d] && {
                let mut back = adjusted;
                back[d] = z[d];
                holds(&back)
            }
        };
        // Dims are put back one by one, so that a later one may free an earlier; seldom.
        assert!((0..LATENT_DIM).filter(needed).count() <= 1);
    }
}
