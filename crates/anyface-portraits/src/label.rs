//! What is clearly to be seen of a face, clearly not, or neither.

use crate::attribute::{Attribute, Attributes};
use crate::color::HairColor;
use crate::face::{Face, Hat};

impl Face {
    /// The state of every attribute, with CelebA's meaning of its names: `No_Beard` is no hair on
    /// the face at all, a child is `Young`. Clear and dark lenses exclude each other: `Eyeglasses`
    /// cannot be told behind `Sunglasses`, and neither is there without any glasses. The colour of
    /// the hair is also that of a full beard, and shows in it when the head is bald or covered.
    ///
    /// Depends on the fine dims of the latent only; see [`crate::latent::latent_dims`].
    pub fn attributes(&self) -> Attributes {
        let mut attributes = Attributes::UNKNOWN;
        let groups = [
            self.person(),
            self.complexion(),
            self.outline(),
            self.eyes(),
            self.mood(),
            self.head_hair(),
            self.facial_hair(),
            self.outfit(),
        ];
        for (attribute, state) in groups.into_iter().flatten() {
            attributes.set(attribute, state);
        }
        self.tell_degrees(&mut attributes);
        attributes
    }

    fn person(&self) -> Vec<(Attribute, Option<bool>)> {
        vec![
            (Attribute::Male, tell(self.masculinity, 0.3, 0.7)),
            (Attribute::Child, not(tell(self.age, 0.12, 0.18))),
            (Attribute::Young, not(tell(self.age, 0.38, 0.44))),
            (Attribute::Elderly, tell(self.age, 0.62, 0.70)),
        ]
    }

    fn complexion(&self) -> Vec<(Attribute, Option<bool>)> {
        let skin = &self.skin;
        let rouged = self.makeup.blush > 0.2 && skin.rosy < 0.75;
        vec![
            (Attribute::PaleSkin, not(tell(skin.tone, 0.14, 0.24))),
            (Attribute::DarkSkin, tell(skin.tone, 0.62, 0.76)),
            (Attribute::Freckles, amount(skin.freckles)),
            (
                Attribute::RosyCheeks,
                amount(skin.rosy).unless(rouged || self.dark_skin()),
            ),
            (Attribute::Wrinkles, amount(skin.wrinkles)),
            (
                Attribute::BagsUnderEyes,
                amount(skin.eye_bags).unless(self.dark_lenses()),
            ),
            (Attribute::WearingLipstick, amount(self.makeup.lipstick)),
            (
                Attribute::HeavyMakeup,
                amount(self.makeup.eyes).unless(self.dark_lenses()),
            ),
        ]
    }

    fn outline(&self) -> Vec<(Attribute, Option<bool>)> {
        let shape = &self.shape;
        let bearded = self.beard.full > 0.25;
        let angular_or_round = shape.oval > -0.3 && (shape.jaw > -0.3 || self.weight > -0.3);
        let ears_hidden = self.wear.hat == Some(Hat::KnittedCap)
            || (self.hair.length > 0.4 && self.hair.cover > 0.25);
        vec![
            (Attribute::Chubby, feature(self.weight)),
            (
                Attribute::OvalFace,
                feature(shape.oval).unless(angular_or_round || bearded),
            ),
            (Attribute::SquareJaw, feature(shape.jaw).unless(bearded)),
            (
                Attribute::DoubleChin,
                amount(shape.double_chin).unless(bearded),
            ),
            (Attribute::HighCheekbones, feature(shape.cheekbones)),
            (Attribute::BigNose, feature(shape.nose_size)),
            (Attribute::PointyNose, feature(shape.nose_point)),
            (Attribute::BigLips, feature(shape.lips)),
            (Attribute::BigEars, feature(shape.ears).unless(ears_hidden)),
        ]
    }

    fn eyes(&self) -> Vec<(Attribute, Option<bool>)> {
        let shape = &self.shape;
        let dark = self.dark_lenses();
        let hidden = dark || self.expression.eyes_closed > 0.25;
        let color = |at: f32| not(tell((shape.eye_color - at).abs(), 0.25, 0.75)).unless(hidden);
        let raised = self.expression.surprise > 0.25;
        let fringe = self.hair.bangs > 0.25 && self.hair.cover > 0.25 && self.wear.hat.is_none();
        vec![
            (
                Attribute::ClosedEyes,
                amount(self.expression.eyes_closed).unless(dark),
            ),
            (
                Attribute::NarrowEyes,
                feature(-shape.eye_size).unless(hidden || raised),
            ),
            (Attribute::BrownEyes, color(0.0)),
            (Attribute::BlueEyes, color(1.0)),
            (Attribute::GreenEyes, color(2.0)),
            (
                Attribute::ArchedEyebrows,
                feature(shape.brow_arch).unless(dark || raised || fringe),
            ),
            (
                Attribute::BushyEyebrows,
                feature(shape.brow_thickness).unless(fringe),
            ),
        ]
    }

    fn mood(&self) -> Vec<(Attribute, Option<bool>)> {
        let expression = &self.expression;
        vec![
            (Attribute::Smiling, tell(expression.smile, 0.2, 0.6)),
            (Attribute::Frowning, tell(-expression.smile, 0.2, 0.6)),
            (Attribute::Surprised, amount(expression.surprise)),
            (
                Attribute::MouthSlightlyOpen,
                tell(expression.mouth_open, 0.12, 0.38),
            ),
        ]
    }

    fn head_hair(&self) -> Vec<(Attribute, Option<bool>)> {
        let hair = &self.hair;
        let hat = self.wear.hat.is_some();
        let bald = hair.cover < 0.75;
        let cropped = hair.length < 0.12;
        let curl_hidden = bald || cropped || (hat && hair.length < 0.4);
        let curl = |state: Option<bool>| state.unless(curl_hidden);
        let capped = cropped || self.wear.hat == Some(Hat::KnittedCap) && hair.length < 0.4;
        let no_hair_seen = (bald || (hat && capped)) && self.beard.full < 0.75;
        let color = HairColor::of(hair.color).filter(|_| !no_hair_seen);
        let is_color = |a: Attribute| color.map(|c| c == a);
        vec![
            (Attribute::Bald, not(amount(hair.cover)).unless(hat)),
            (
                Attribute::RecedingHairline,
                amount(hair.receding).unless(hat || bald || hair.bangs > 0.25),
            ),
            (Attribute::Bangs, amount(hair.bangs).unless(hat || bald)),
            (
                Attribute::LongHair,
                tell(hair.length, 0.68, 0.9).unless(bald),
            ),
            (
                Attribute::ShortHair,
                not(tell(hair.length, 0.38, 0.5)).unless(bald),
            ),
            (
                Attribute::StraightHair,
                curl(not(tell(hair.curl, 0.12, 0.38))),
            ),
            (
                Attribute::WavyHair,
                curl(not(tell((hair.curl - 0.5).abs(), 0.12, 0.38))),
            ),
            (Attribute::CurlyHair, curl(tell(hair.curl, 0.62, 0.88))),
            (Attribute::BlackHair, is_color(Attribute::BlackHair)),
            (Attribute::BrownHair, is_color(Attribute::BrownHair)),
            (Attribute::RedHair, is_color(Attribute::RedHair)),
            (Attribute::BlondHair, is_color(Attribute::BlondHair)),
            (Attribute::GrayHair, is_color(Attribute::GrayHair)),
            (Attribute::WhiteHair, is_color(Attribute::WhiteHair)),
        ]
    }

    fn facial_hair(&self) -> Vec<(Attribute, Option<bool>)> {
        let beard = &self.beard;
        let bearded = beard.full > 0.25;
        let grown = beard.mustache.max(beard.goatee).max(beard.full);
        let seen = if self.dark_skin() {
            grown
        } else {
            grown.max(beard.stubble)
        };
        let doubtful = seen < 0.75 && beard.sideburns.max(beard.stubble) > 0.25;
        vec![
            (Attribute::FullBeard, amount(beard.full)),
            (Attribute::Goatee, amount(beard.goatee).unless(bearded)),
            (Attribute::Mustache, amount(beard.mustache)),
            (
                Attribute::FiveOClockShadow,
                amount(beard.stubble).unless(bearded || beard.goatee > 0.25 || self.dark_skin()),
            ),
            (
                Attribute::Sideburns,
                amount(beard.sideburns).unless(bearded || self.hair.length > 0.4),
            ),
            (Attribute::NoBeard, not(amount(seen)).unless(doubtful)),
        ]
    }

    fn outfit(&self) -> Vec<(Attribute, Option<bool>)> {
        let wear = &self.wear;
        let long_beard = self.beard.full > 0.25 && self.beard.length > 0.4;
        let has = |hat: Hat| Some(wear.hat == Some(hat));
        let clear_lenses = match amount(wear.glasses) {
            Some(true) if wear.tint > 0.25 => None,
            glasses => glasses,
        };
        vec![
            (Attribute::Eyeglasses, clear_lenses),
            (Attribute::Sunglasses, amount(wear.glasses.min(wear.tint))),
            (Attribute::WearingHat, Some(wear.hat.is_some())),
            (Attribute::KnittedCap, has(Hat::KnittedCap)),
            (Attribute::BrimmedHat, has(Hat::Brimmed)),
            (Attribute::BaseballCap, has(Hat::BaseballCap)),
            (Attribute::WearingEarrings, amount(wear.earrings)),
            (
                Attribute::WearingNecktie,
                amount(wear.necktie).unless(long_beard),
            ),
            (
                Attribute::WearingNecklace,
                amount(wear.necklace).unless(long_beard || wear.necktie > 0.25),
            ),
        ]
    }

    /// Whether stubble and colour in the cheeks would hardly show on the skin.
    pub(crate) fn dark_skin(&self) -> bool {
        self.skin.tone > 0.62
    }

    /// Whether dark lenses hide the eyes.
    pub(crate) fn dark_lenses(&self) -> bool {
        self.wear.glasses.min(self.wear.tint) > 0.25
    }
}

/// No below one value, yes above the other, between them nobody could tell.
fn tell(value: f32, no_below: f32, yes_above: f32) -> Option<bool> {
    if value < no_below {
        Some(false)
    } else {
        (value > yes_above).then_some(true)
    }
}

/// Whether an amount from 0 to 1 is there.
fn amount(value: f32) -> Option<bool> {
    tell(value, 0.25, 0.75)
}

/// Whether a shape, in standard deviations, stands out.
fn feature(value: f32) -> Option<bool> {
    tell(value, -0.35, 0.6)
}

fn not(state: Option<bool>) -> Option<bool> {
    state.map(|there| !there)
}

/// Reads well where something hides an attribute.
trait Unless {
    fn unless(self, hidden: bool) -> Self;
}

impl Unless for Option<bool> {
    fn unless(self, hidden: bool) -> Self {
        self.filter(|_| !hidden)
    }
}
