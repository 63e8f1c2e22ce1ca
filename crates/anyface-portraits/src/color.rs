//! Colours of hair, clothes and backdrops, all linear RGB.

use crate::attribute::Attribute;

/// Linear RGB from hue in turns, saturation and value in `[0, 1]` (sRGB hexcone, then linearised).
pub(crate) fn hsv(hue: f32, saturation: f32, value: f32) -> [f32; 3] {
    [5.0, 3.0, 1.0].map(|n| {
        let k = (n + hue * 6.0).rem_euclid(6.0);
        let srgb = value * (1.0 - saturation * k.min(4.0 - k).clamp(0.0, 1.0));
        srgb.powf(2.2)
    })
}

/// `a` at 0, `b` at 1.
pub(crate) fn blend(a: [f32; 3], b: [f32; 3], t: f32) -> [f32; 3] {
    std::array::from_fn(|i| a[i] + (b[i] - a[i]) * t)
}

/// A family of hair colours: every blend of its darkest and its lightest.
pub(crate) struct HairColor {
    /// What a caption calls it.
    pub(crate) attribute: Attribute,
    darkest: [f32; 3],
    lightest: [f32; 3],
}

impl HairColor {
    pub(crate) const BLACK: Self = Self {
        attribute: Attribute::BlackHair,
        darkest: [0.006, 0.005, 0.006],
        lightest: [0.018, 0.015, 0.014],
    };
    pub(crate) const BROWN: Self = Self {
        attribute: Attribute::BrownHair,
        darkest: [0.075, 0.034, 0.016],
        lightest: [0.165, 0.082, 0.040],
    };
    pub(crate) const RED: Self = Self {
        attribute: Attribute::RedHair,
        darkest: [0.30, 0.050, 0.012],
        lightest: [0.52, 0.130, 0.028],
    };
    pub(crate) const BLOND: Self = Self {
        attribute: Attribute::BlondHair,
        darkest: [0.50, 0.320, 0.110],
        lightest: [0.78, 0.600, 0.300],
    };
    pub(crate) const GRAY: Self = Self {
        attribute: Attribute::GrayHair,
        darkest: [0.150, 0.150, 0.155],
        lightest: [0.280, 0.280, 0.285],
    };
    pub(crate) const WHITE: Self = Self {
        attribute: Attribute::WhiteHair,
        darkest: [0.72, 0.71, 0.70],
        lightest: [0.88, 0.87, 0.85],
    };

    const ALL: [Self; 6] = [
        Self::BLACK,
        Self::BROWN,
        Self::RED,
        Self::BLOND,
        Self::GRAY,
        Self::WHITE,
    ];

    /// The colour at `shade`, from 0 (darkest) to 1 (lightest).
    pub(crate) fn at(&self, shade: f32) -> [f32; 3] {
        blend(self.darkest, self.lightest, shade)
    }

    /// The family that the colour clearly belongs to: several times nearer to it than to any other.
    pub(crate) fn of(color: [f32; 3]) -> Option<Attribute> {
        let mut by_distance = Self::ALL.map(|family| (family.distance(color), family.attribute));
        by_distance.sort_by(|a, b| a.0.total_cmp(&b.0));
        let [(nearest, attribute), (second, _), ..] = by_distance;
        (nearest < 0.3 * second).then_some(attribute)
    }

    /// Distance from the colour to the family, on a scale on which steps look about equal.
    fn distance(&self, color: [f32; 3]) -> f32 {
        let perceived = |c: [f32; 3]| c.map(|v| v.max(0.0).sqrt());
        let (from, to, at) = (
            perceived(self.darkest),
            perceived(self.lightest),
            perceived(color),
        );
        let dot = |f: &dyn Fn(usize) -> f32| (0..3).map(f).sum::<f32>();
        let along = dot(&|i| (at[i] - from[i]) * (to[i] - from[i]))
            / dot(&|i| (to[i] - from[i]) * (to[i] - from[i]));
        let nearest = blend(from, to, along.clamp(0.0, 1.0));
        dot(&|i| (at[i] - nearest[i]).powi(2)).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hsv_primaries() {
        assert_eq!(hsv(0.0, 1.0, 1.0), [1.0, 0.0, 0.0]);
        assert_eq!(hsv(1.0 / 3.0, 1.0, 1.0), [0.0, 1.0, 0.0]);
        assert_eq!(hsv(0.7, 0.0, 1.0), [1.0, 1.0, 1.0]);
    }

    #[test]
    fn every_shade_belongs_to_its_family_and_half_way_between_two_to_neither() {
        for family in HairColor::ALL {
            for shade in [0.0, 0.25, 0.5, 0.75, 1.0] {
                assert_eq!(HairColor::of(family.at(shade)), Some(family.attribute));
            }
        }
        let between = |v: f32, w: f32| ((v.sqrt() + w.sqrt()) / 2.0).powi(2);
        let (gray, white) = (HairColor::GRAY.at(1.0), HairColor::WHITE.at(0.0));
        assert_eq!(
            HairColor::of(std::array::from_fn(|i| between(gray[i], white[i]))),
            None
        );
    }
}
