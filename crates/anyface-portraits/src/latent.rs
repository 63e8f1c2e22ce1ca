//! The latent of a portrait: independent standard normals, one a [`Dim`], and what to do with them.

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

use crate::attribute::Attribute;
use crate::face::Face;

/// Declares [`Dim`], coarse dims first.
macro_rules! dims {
    (coarse: $($coarse:ident),+; fine: $($fine:ident),+ $(;)?) => {
        /// One dimension of the latent. [`Face::from_latent`] says what each does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each variant is named for the parameter it drives")]
        pub enum Dim { $($coarse,)+ $($fine),+ }

        /// How many dims, from the first, are *coarse*: they drive what no caption ever names.
        pub const COARSE_DIM: usize = [$(Dim::$coarse),+].len();

        /// Length of a latent. The dims from [`COARSE_DIM`] on are *fine*: all that a caption can name.
        pub const LATENT_DIM: usize = COARSE_DIM + [$(Dim::$fine),+].len();
    };
}

dims! {
    coarse:
        Yaw, Pitch, GazeX, GazeY,
        LightAzimuth, LightElevation, LightWarmth, LightFill,
        BackgroundHue, BackgroundSaturation, BackgroundValue, Vignette,
        SkullHeight, EyeDistance, EyeHeight, EyeTilt, NoseLength, MouthHeight, MouthWidth, Shoulders,
        HairVolume, Parting,
        ClothesHue, ClothesSaturation, ClothesValue,
        AccessoryHue, AccessoryValue, FrameRound, FrameColor, LipstickHue;
    fine:
        Age, Gender, Weight,
        SkinTone, Undertone, Rosy, Freckles, Wrinkles, EyeBags,
        Oval, Jaw, DoubleChin, Cheekbones, NoseSize, NosePoint, Lips, EyeSize, EyeColor,
        BrowArch, BrowThickness, Ears,
        Smile, MouthOpen, Surprise, EyesClosed,
        HairCover, Receding, HairLength, Curl, Bangs, Pigment, HairShade, Graying,
        Stubble, Mustache, Goatee, FullBeard, BeardLength, Sideburns,
        Lipstick, HeavyMakeup,
        Glasses, Tint, Hat, Earrings, Necklace, Necktie;
}

/// A latent from the prior, N(0, 1) in every dim.
pub fn sample(rng: &mut impl Rng) -> [f32; LATENT_DIM] {
    std::array::from_fn(|_| StandardNormal.sample(rng))
}

/// The style mix of two latents: the coarse dims of one, the fine dims of the other.
pub fn mix(coarse: &[f32; LATENT_DIM], fine: &[f32; LATENT_DIM]) -> [f32; LATENT_DIM] {
    std::array::from_fn(|d| if d < COARSE_DIM { coarse[d] } else { fine[d] })
}

/// Resamples the dims that the wanted attributes depend on until all of them hold, and returns
/// the latent found. Every other dim keeps its value, and so does `z` if all hold already.
///
/// A search, for rare combinations: each try resamples one or all of the dims of one wanted
/// attribute, half of the time an unmet one, and is kept unless fewer hold than before. `None` if [`STEER_TRIES`] tries do not do.
pub fn steer(
    z: &[f32; LATENT_DIM],
    wanted: &[(Attribute, bool)],
    rng: &mut impl Rng,
) -> Option<[f32; LATENT_DIM]> {
    let unmet = |z: &[f32; LATENT_DIM]| -> Vec<Attribute> {
        let attributes = Face::from_latent(z).attributes();
        let fails = |&&(a, state): &&(Attribute, bool)| attributes.get(a) != Some(state);
        wanted.iter().filter(fails).map(|&(a, _)| a).collect()
    };
    let mut best = *z;
    let mut missing = unmet(&best);
    for _ in 0..STEER_TRIES {
        if missing.is_empty() {
            return Some(best);
        }
        let mut next = best;
        let missed = missing[rng.random_range(0..missing.len())];
        let any = wanted[rng.random_range(0..wanted.len())].0;
        let dims = latent_dims(if rng.random() { missed } else { any });
        let one = rng.random_range(0..dims.len());
        let resampled = if rng.random() { dims } else { &dims[one..=one] };
        for &d in resampled {
            next[d] = StandardNormal.sample(rng);
        }
        let still_missing = unmet(&next);
        if still_missing.len() <= missing.len() {
            (best, missing) = (next, still_missing);
        }
    }
    missing.is_empty().then_some(best)
}

/// A latent near `z` whose face has all that is `wanted`: `z` itself if its face has; the nearest of a few that
/// [`steer`] finds, with every dim put back that need not have changed.
///
/// So "not brown hair" leaves black hair alone, and takes brown hair to the next colour, not to the mean of all.
/// `None` if [`steer`] finds none.
pub fn adjust(
    z: &[f32; LATENT_DIM],
    wanted: &[(Attribute, bool)],
    rng: &mut impl Rng,
) -> Option<[f32; LATENT_DIM]> {
    let holds = |z: &[f32; LATENT_DIM]| {
        let attributes = Face::from_latent(z).attributes();
        wanted
            .iter()
            .all(|&(a, state)| attributes.get(a) == Some(state))
    };
    if holds(z) {
        return Some(*z);
    }
    let distance = |other: &[f32; LATENT_DIM]| -> f32 {
        z.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum()
    };
    let found = (0..ADJUSTMENTS).filter_map(|_| {
        let mut near = steer(z, wanted, rng)?;
        let mut changed: Vec<usize> = (0..LATENT_DIM).filter(|&d| near[d] != z[d]).collect();
        changed.shuffle(rng);
        for d in changed {
            let there = std::mem::replace(&mut near[d], z[d]);
            if !holds(&near) {
                near[d] = there;
            }
        }
        Some(near)
    });
    found.min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

/// Among how many latents [`adjust`] chooses. More would prefer faces that only just have what is wanted.
const ADJUSTMENTS: usize = 3;

/// Tries before [`steer`] gives up: some 20 milliseconds.
pub const STEER_TRIES: usize = 20_000;

/// Every dim that the state of the attribute depends on: its own, those that set how likely it is
/// (a beard: gender and age), and those of whatever may hide it (a fringe: the hat). All are fine.
pub fn latent_dims(attribute: Attribute) -> &'static [usize] {
    macro_rules! of {
        ($($dim:ident),+) => { &[$(Dim::$dim as usize),+] };
    }
    use Attribute as A;
    match attribute {
        A::Male => of![Gender],
        A::Young | A::Child | A::Elderly => of![Age],
        A::Chubby => of![Weight],
        A::PaleSkin | A::DarkSkin => of![SkinTone],
        A::Freckles => of![Freckles, SkinTone],
        A::RosyCheeks => of![Rosy, SkinTone, HeavyMakeup, Lipstick, Gender, Age],
        A::Wrinkles => of![Wrinkles, Age],
        A::BagsUnderEyes => of![EyeBags, Age, Glasses, Tint],

        A::OvalFace => of![Oval, Jaw, Weight, Gender, FullBeard, Age],
        A::SquareJaw => of![Jaw, Gender, FullBeard, Age],
        A::DoubleChin => of![DoubleChin, Weight, Age, FullBeard, Gender],
        A::HighCheekbones => of![Cheekbones],
        A::BigNose => of![NoseSize],
        A::PointyNose => of![NosePoint],
        A::BigLips => of![Lips],
        A::NarrowEyes => of![EyeSize, EyesClosed, Surprise, Smile, Glasses, Tint, Age],
        A::BlueEyes | A::GreenEyes | A::BrownEyes => {
            of![
                EyeColor, SkinTone, EyesClosed, Surprise, Smile, Glasses, Tint, Age
            ]
        }
        A::ArchedEyebrows => of![
            BrowArch, Gender, Surprise, Smile, Glasses, Tint, Age, Bangs, Receding, HairCover, Hat
        ],
        A::BushyEyebrows => of![BrowThickness, Gender, Age, Bangs, Receding, HairCover, Hat],
        A::BigEars => of![Ears, HairLength, HairCover, Hat, Gender, Age],

        A::Smiling | A::Frowning => of![Smile],
        A::Surprised => of![Surprise, Smile],
        A::MouthSlightlyOpen => of![MouthOpen, Smile, Surprise],
        A::ClosedEyes => of![EyesClosed, Surprise, Smile, Glasses, Tint, Age],

        A::Bald => of![HairCover, Hat, Gender, Age],
        A::RecedingHairline => of![Receding, HairCover, Bangs, Hat, Gender, Age],
        A::Bangs => of![Bangs, Receding, HairCover, Hat, Gender, Age],
        A::LongHair | A::ShortHair => of![HairLength, HairCover, Gender, Age],
        A::StraightHair | A::WavyHair | A::CurlyHair => {
            of![Curl, SkinTone, HairLength, HairCover, Hat, Gender, Age]
        }
        A::BlackHair | A::BrownHair | A::RedHair | A::BlondHair | A::GrayHair | A::WhiteHair => {
            of![
                Pigment, Graying, HairShade, SkinTone, HairLength, HairCover, Hat, FullBeard,
                Gender, Age
            ]
        }

        A::FullBeard => of![FullBeard, Gender, Age],
        A::Goatee => of![Goatee, FullBeard, Gender, Age],
        A::Mustache => of![Mustache, Goatee, FullBeard, Gender, Age],
        A::FiveOClockShadow => of![SkinTone, Stubble, Goatee, FullBeard, Gender, Age],
        A::Sideburns => of![Sideburns, FullBeard, HairCover, HairLength, Gender, Age],
        A::NoBeard => {
            of![
                SkinTone, Stubble, Mustache, Goatee, FullBeard, Sideburns, HairCover, Gender, Age
            ]
        }

        A::WearingLipstick => of![Lipstick, Gender, Age],
        A::HeavyMakeup => of![HeavyMakeup, Lipstick, Gender, Age, Glasses, Tint],
        A::Eyeglasses | A::Sunglasses => of![Glasses, Tint, Age],
        A::WearingHat | A::KnittedCap | A::BrimmedHat | A::BaseballCap => of![Hat],
        A::WearingEarrings => of![Earrings, Gender, Age],
        A::WearingNecklace => of![Necklace, Necktie, FullBeard, BeardLength, Gender, Age],
        A::WearingNecktie => of![Necktie, FullBeard, BeardLength, Gender, Age],
    }
}
