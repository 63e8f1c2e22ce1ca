//! How much there is of what can be seen in part.

use crate::attribute::{Attribute, Attributes, Degree};
use crate::face::{Face, Hat};

/// An attribute that comes in degrees.
struct Scale {
    attribute: Attribute,
    /// The parameter that it is read from.
    value: f32,
    /// Between these it is there a little.
    slight: (f32, f32),
    /// Above this there is a lot.
    extreme: f32,
    /// Whether nothing hides it.
    shown: bool,
}

impl Face {
    /// Adds the degrees to the states of the attributes.
    pub(crate) fn tell_degrees(&self, attributes: &mut Attributes) {
        for scale in self.amounts().into_iter().chain(self.features()) {
            let Scale {
                attribute, value, ..
            } = scale;
            let is_slight = (scale.slight.0..scale.slight.1).contains(&value);
            let degree = match attributes.get(attribute) {
                None if scale.shown && is_slight => Some(Degree::Slight),
                Some(true) if value > scale.extreme => Some(Degree::Extreme),
                _ => None,
            };
            attributes.set_degree(attribute, degree);
        }
    }

    /// What has an amount from 0 to 1.
    fn amounts(&self) -> Vec<Scale> {
        let (skin, act, hair) = (&self.skin, &self.expression, &self.hair);
        let eyes = !self.dark_lenses();
        let amount = |attribute, value, shown| Scale {
            attribute,
            value,
            slight: (0.25, 0.75),
            extreme: 0.95,
            shown,
        };
        let smile = |attribute, value| Scale {
            slight: (0.2, 0.6),
            ..amount(attribute, value, true)
        };
        vec![
            smile(Attribute::Smiling, act.smile),
            smile(Attribute::Frowning, -act.smile),
            amount(Attribute::Surprised, act.surprise, true),
            amount(Attribute::ClosedEyes, act.eyes_closed, eyes),
            Scale {
                slight: (0.12, 0.38),
                extreme: 0.8,
                ..amount(Attribute::MouthSlightlyOpen, act.mouth_open, true)
            },
            amount(Attribute::Freckles, skin.freckles, true),
            amount(Attribute::Wrinkles, skin.wrinkles, true),
            amount(
                Attribute::RosyCheeks,
                skin.rosy,
                self.makeup.blush <= 0.2 && !self.dark_skin(),
            ),
            amount(Attribute::BagsUnderEyes, skin.eye_bags, eyes),
            amount(Attribute::HeavyMakeup, self.makeup.eyes, eyes),
            Scale {
                slight: (0.62, 0.7),
                extreme: 0.86,
                ..amount(Attribute::Elderly, self.age, true)
            },
            Scale {
                slight: (1.0, 1.0),
                extreme: 0.93,
                ..amount(Attribute::PaleSkin, 1.0 - skin.tone, true)
            },
            Scale {
                slight: (1.0, 1.0),
                extreme: 0.9,
                ..amount(Attribute::DarkSkin, skin.tone, true)
            },
            Scale {
                slight: (0.68, 0.9),
                extreme: 0.98,
                ..amount(Attribute::LongHair, hair.length, hair.cover >= 0.75)
            },
            Scale {
                slight: (0.62, 0.88),
                extreme: 0.98,
                ..amount(
                    Attribute::CurlyHair,
                    hair.curl,
                    hair.cover >= 0.75 && hair.length >= 0.4,
                )
            },
        ]
    }

    /// What is a shape in standard deviations.
    fn features(&self) -> Vec<Scale> {
        let shape = &self.shape;
        let (act, hair) = (&self.expression, &self.hair);
        let unchanged_eyes = !self.dark_lenses() && act.eyes_closed <= 0.25 && act.surprise <= 0.25;
        let bare_ears = hair.length <= 0.4 && self.wear.hat != Some(Hat::KnittedCap);
        [
            (Attribute::Chubby, self.weight, true),
            (Attribute::BigNose, shape.nose_size, true),
            (Attribute::PointyNose, shape.nose_point, true),
            (Attribute::BigLips, shape.lips, true),
            (Attribute::BigEars, shape.ears, bare_ears),
            (Attribute::NarrowEyes, -shape.eye_size, unchanged_eyes),
            (
                Attribute::BushyEyebrows,
                shape.brow_thickness,
                hair.bangs <= 0.25,
            ),
            (Attribute::SquareJaw, shape.jaw, self.beard.full <= 0.25),
            (Attribute::HighCheekbones, shape.cheekbones, true),
        ]
        .map(|(attribute, value, shown)| Scale {
            attribute,
            value,
            slight: (-0.1, 0.6),
            extreme: 1.1,
            shown,
        })
        .into()
    }
}
