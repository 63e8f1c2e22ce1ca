//! From a latent to a face.
//!
//! A generator network regresses the picture from the latent, so every map here is continuous (the
//! kind of hat apart) and plain. What is there or not there is a steep [`switch`] of one dim, whose
//! threshold gives it the frequency wanted among faces of that age and gender; a shape is a
//! [`feature`], which most faces clearly have or clearly lack.

use crate::color::{HairColor, blend, hsv};
use crate::face::{
    Background, Beard, Build, Expression, Face, Hair, Hat, Light, Makeup, Pose, Shape, Skin, Wear,
};
use crate::latent::{Dim, LATENT_DIM};

impl Face {
    /// The face of a latent: a pure function, defined for all finite values.
    ///
    /// # Panics
    /// If `z` is not [`LATENT_DIM`] long.
    pub fn from_latent(z: &[f32]) -> Self {
        assert_eq!(z.len(), LATENT_DIM, "the length of a latent");
        let z = Latent(z);
        let person = Person::new(z);
        let expression = expression(z);
        let hair = hair(z, person);
        Self {
            pose: pose(z),
            light: light(z),
            background: background(z),
            build: build(z),
            age: person.age,
            masculinity: person.masculinity,
            weight: feature(z.at(Dim::Weight), 0.27),
            skin: skin(z, person),
            shape: shape(z, person, expression.surprise),
            expression,
            hair,
            beard: beard(z, person, hair),
            makeup: makeup(z, person),
            wear: wear(z, person),
        }
    }
}

/// Access to a latent by name.
#[derive(Clone, Copy)]
struct Latent<'a>(&'a [f32]);

impl Latent<'_> {
    fn at(self, dim: Dim) -> f32 {
        self.0[dim as usize]
    }

    /// The dim as a uniform value in `[0, 1]`.
    fn uniform(self, dim: Dim) -> f32 {
        normal_cdf(self.at(dim))
    }

    /// The dim times `scale`, no further than `limit` from 0.
    fn within(self, dim: Dim, scale: f32, limit: f32) -> f32 {
        (self.at(dim) * scale).clamp(-limit, limit)
    }
}

/// What most frequencies depend on.
#[derive(Clone, Copy)]
struct Person {
    age: f32,
    masculinity: f32,
    tone: f32,
}

impl Person {
    fn new(z: Latent<'_>) -> Self {
        let gender = z.at(Dim::Gender);
        Self {
            age: piecewise(z.uniform(Dim::Age), &AGE),
            masculinity: 0.5 + 0.44 * (8.0 * gender).tanh() + 0.06 * gender.tanh(),
            tone: piecewise(z.uniform(Dim::SkinTone), &TONE),
        }
    }

    /// Blends the values for a child, a young adult, the middle-aged and the old.
    fn by_age(self, [child, young, middle, old]: [f32; 4]) -> f32 {
        let grown = mix(child, young, smoothstep(0.11, 0.19, self.age));
        let settled = mix(grown, middle, smoothstep(0.37, 0.45, self.age));
        mix(settled, old, smoothstep(0.61, 0.71, self.age))
    }

    /// [`Self::by_age`] between a table for women and one for men.
    fn by_age_and_gender(self, women: [f32; 4], men: [f32; 4]) -> f32 {
        self.by_gender(self.by_age(women), self.by_age(men))
    }

    fn by_gender(self, women: f32, men: f32) -> f32 {
        mix(women, men, self.masculinity)
    }

    /// From 0 (light) to 1 (dark skin).
    fn dark(self) -> f32 {
        smoothstep(0.6, 0.8, self.tone)
    }
}

/// Quantiles of [`Face::age`]: 12 % children, 39 % young adults, 28 % middle-aged, 21 % old.
const AGE: [(f32, f32); 8] = [
    (0.0, 0.0),
    (0.115, 0.11),
    (0.135, 0.19),
    (0.495, 0.37),
    (0.525, 0.45),
    (0.775, 0.60),
    (0.805, 0.72),
    (1.0, 1.0),
];

/// Quantiles of [`Skin::tone`]: 20 % pale, 57 % light to tan, 22 % dark.
const TONE: [(f32, f32); 6] = [
    (0.0, 0.0),
    (0.19, 0.12),
    (0.22, 0.26),
    (0.76, 0.60),
    (0.79, 0.78),
    (1.0, 1.0),
];

fn pose(z: Latent<'_>) -> Pose {
    Pose {
        yaw: z.within(Dim::Yaw, 0.17, 0.4),
        pitch: z.within(Dim::Pitch, 0.07, 0.18),
    }
}

fn light(z: Latent<'_>) -> Light {
    Light {
        azimuth: z.within(Dim::LightAzimuth, 0.55, 1.1),
        elevation: mix(0.1, 0.9, z.uniform(Dim::LightElevation)),
        warmth: z.at(Dim::LightWarmth).tanh(),
        fill: mix(0.25, 0.8, z.uniform(Dim::LightFill)),
    }
}

fn background(z: Latent<'_>) -> Background {
    Background {
        color: hsv(
            z.uniform(Dim::BackgroundHue),
            mix(0.05, 0.5, z.uniform(Dim::BackgroundSaturation)),
            mix(0.2, 0.8, z.uniform(Dim::BackgroundValue)),
        ),
        vignette: mix(0.0, 0.6, z.uniform(Dim::Vignette)),
    }
}

fn build(z: Latent<'_>) -> Build {
    let proportion = |dim| z.within(dim, 0.7, 1.6);
    Build {
        skull_height: proportion(Dim::SkullHeight),
        eye_distance: proportion(Dim::EyeDistance),
        eye_height: proportion(Dim::EyeHeight),
        eye_tilt: proportion(Dim::EyeTilt),
        nose_length: proportion(Dim::NoseLength),
        mouth_height: proportion(Dim::MouthHeight),
        mouth_width: proportion(Dim::MouthWidth),
        shoulders: proportion(Dim::Shoulders),
        clothes: hsv(
            z.uniform(Dim::ClothesHue),
            mix(0.05, 0.75, z.uniform(Dim::ClothesSaturation)),
            mix(0.15, 0.85, z.uniform(Dim::ClothesValue)),
        ),
    }
}

fn skin(z: Latent<'_>, person: Person) -> Skin {
    let dark = person.dark();
    Skin {
        tone: person.tone,
        undertone: z.at(Dim::Undertone).tanh(),
        rosy: switch(z.at(Dim::Rosy), mix(0.3, 0.08, dark)),
        freckles: switch(z.at(Dim::Freckles), mix(0.26, 0.04, dark)),
        wrinkles: switch(
            z.at(Dim::Wrinkles),
            person.by_age([0.002, 0.03, 0.45, 0.93]),
        ),
        eye_bags: switch(z.at(Dim::EyeBags), person.by_age([0.04, 0.18, 0.42, 0.55])),
    }
}

fn shape(z: Latent<'_>, person: Person, surprise: f32) -> Shape {
    let eye = z.at(Dim::EyeColor) - 0.8 * person.dark();
    Shape {
        oval: feature(z.at(Dim::Oval), 0.5),
        jaw: feature(z.at(Dim::Jaw), person.by_gender(0.15, 0.45)),
        double_chin: switch(
            z.at(Dim::DoubleChin),
            mix(
                person.by_age([0.02, 0.06, 0.15, 0.25]),
                0.65,
                smoothstep(-0.2, 0.5, feature(z.at(Dim::Weight), 0.27)),
            ),
        ),
        cheekbones: feature(z.at(Dim::Cheekbones), 0.45),
        nose_size: feature(z.at(Dim::NoseSize), 0.33),
        nose_point: feature(z.at(Dim::NosePoint), 0.38),
        lips: feature(z.at(Dim::Lips), 0.38),
        eye_size: -feature(z.at(Dim::EyeSize), 0.27 * (1.0 - surprise)),
        eye_color: switch(eye, 0.5) + switch(eye, 0.22),
        brow_arch: feature(z.at(Dim::BrowArch), person.by_gender(0.48, 0.18)),
        brow_thickness: feature(z.at(Dim::BrowThickness), person.by_gender(0.14, 0.42)),
        ears: feature(z.at(Dim::Ears), 0.3),
    }
}

fn expression(z: Latent<'_>) -> Expression {
    let mood = z.at(Dim::Smile);
    let frown = switch(-mood, 0.16);
    let smile = switch(mood, 0.5);
    let surprise = switch(z.at(Dim::Surprise), mix(0.11, 0.003, frown));
    let open = |wide: f32, slight: f32| mix(mix(slight, 0.55, smile), wide, surprise);
    let mouth = z.at(Dim::MouthOpen);
    Expression {
        smile: smile * mix(0.75, 1.0, normal_cdf(mood - 1.0)) - frown,
        mouth_open: 0.5 * switch(mouth, open(0.9, 0.22)) + 0.5 * switch(mouth, open(0.45, 0.05)),
        surprise,
        scowl: 0.8 * frown,
        eyes_closed: switch(z.at(Dim::EyesClosed), mix(0.1, 0.001, surprise)),
        gaze: [
            z.within(Dim::GazeX, 0.1, 0.25),
            z.within(Dim::GazeY, 0.06, 0.15),
        ],
    }
}

fn hair(z: Latent<'_>, person: Person) -> Hair {
    let bald = person.by_age_and_gender([0.003, 0.015, 0.015, 0.015], [0.004, 0.12, 0.28, 0.34]);
    let cover = 1.0 - switch(z.at(Dim::HairCover), bald);
    let recede = person.by_age_and_gender([0.002, 0.01, 0.02, 0.04], [0.003, 0.16, 0.36, 0.42]);
    let receding = switch(z.at(Dim::Receding), recede);
    let fringe = person.by_age_and_gender([0.5, 0.4, 0.3, 0.2], [0.4, 0.2, 0.12, 0.08]);
    let long = person.by_age_and_gender([0.6, 0.62, 0.5, 0.3], [0.08, 0.13, 0.1, 0.08]);
    let to_chin = person.by_age_and_gender([0.8, 0.82, 0.76, 0.62], [0.2, 0.2, 0.16, 0.12]);
    let length = z.at(Dim::HairLength);
    let cropped = 0.3 * normal_cdf(2.0 * length + 2.0);
    let curl = z.at(Dim::Curl) + 0.6 * person.dark();
    Hair {
        cover,
        receding,
        length: cropped + 0.3 * switch(length, to_chin) + 0.4 * switch(length, long),
        curl: 0.5 * switch(curl, 0.57) + 0.5 * switch(curl, 0.25),
        bangs: switch(z.at(Dim::Bangs), mix(fringe, 0.001, receding)),
        volume: z.within(Dim::HairVolume, 0.7, 1.5),
        part: (2.0 * z.at(Dim::Parting)).tanh(),
        color: hair_color(z, person),
    }
}

/// Black, brown, red or blond by one dim; gray over it, and white over that, by another.
fn hair_color(z: Latent<'_>, person: Person) -> [f32; 3] {
    let shade = z.uniform(Dim::HairShade);
    let pigment = z.at(Dim::Pigment) - 0.8 * person.dark();
    let graying = z.at(Dim::Graying);
    [
        (HairColor::BROWN, switch(pigment, 0.74)),
        (HairColor::RED, switch(pigment, 0.44)),
        (HairColor::BLOND, switch(pigment, 0.27)),
        (
            HairColor::GRAY,
            switch(graying, person.by_age([0.003, 0.04, 0.28, 0.8])),
        ),
        (
            HairColor::WHITE,
            switch(graying, person.by_age([0.001, 0.012, 0.07, 0.45])),
        ),
    ]
    .into_iter()
    .fold(HairColor::BLACK.at(shade), |under, (family, t)| {
        blend(under, family.at(shade), t)
    })
}

fn beard(z: Latent<'_>, person: Person, hair: Hair) -> Beard {
    let of_men = |men| person.by_age_and_gender([0.0002, 0.003, 0.003, 0.004], men);
    let full = switch(z.at(Dim::FullBeard), of_men([0.0003, 0.24, 0.3, 0.36]));
    let bare = 1.0 - full;
    let goatee = bare * switch(z.at(Dim::Goatee), of_men([0.0003, 0.22, 0.24, 0.2]));
    let alone = of_men([0.0003, 0.13, 0.24, 0.24]);
    let stubble = switch(z.at(Dim::Stubble), of_men([0.0003, 0.36, 0.3, 0.18]));
    let long = person.by_age([0.1, 0.2, 0.3, 0.6]);
    let burns = switch(z.at(Dim::Sideburns), of_men([0.0003, 0.3, 0.32, 0.28]));
    Beard {
        stubble: bare * (1.0 - goatee) * stubble,
        mustache: switch(
            z.at(Dim::Mustache),
            mix(mix(alone, 0.7, goatee), 0.93, full),
        ),
        goatee,
        full,
        length: 0.25 + 0.6 * switch(z.at(Dim::BeardLength), long),
        sideburns: bare * hair.cover * burns,
        color: hair.color,
    }
}

fn makeup(z: Latent<'_>, person: Person) -> Makeup {
    let painted = person.by_age_and_gender([0.05, 0.64, 0.6, 0.42], [0.004, 0.03, 0.02, 0.02]);
    let lipstick = switch(z.at(Dim::Lipstick), painted);
    let also = person.by_age_and_gender([0.2, 0.62, 0.5, 0.4], [0.3, 0.5, 0.5, 0.4]);
    let heavy = switch(z.at(Dim::HeavyMakeup), mix(0.01, also, lipstick));
    let hue = mix(-0.1, 0.03, z.uniform(Dim::LipstickHue));
    Makeup {
        lipstick,
        lipstick_color: hsv(hue, 0.8, 0.72),
        eyes: heavy,
        blush: 0.7 * heavy,
    }
}

fn wear(z: Latent<'_>, person: Person) -> Wear {
    let accessory = hsv(
        z.uniform(Dim::AccessoryHue),
        0.6,
        mix(0.2, 0.8, z.uniform(Dim::AccessoryValue)),
    );
    let frame = z.uniform(Dim::FrameColor);
    let pierced = person.by_age_and_gender([0.22, 0.55, 0.5, 0.45], [0.02, 0.1, 0.07, 0.04]);
    let chain = person.by_age_and_gender([0.14, 0.4, 0.4, 0.36], [0.03, 0.1, 0.08, 0.05]);
    let tie = person.by_age_and_gender([0.04, 0.06, 0.06, 0.04], [0.07, 0.32, 0.38, 0.34]);
    Wear {
        glasses: switch(z.at(Dim::Glasses), person.by_age([0.14, 0.28, 0.36, 0.46])),
        tint: switch(z.at(Dim::Tint), 0.33),
        frame_round: switch(z.at(Dim::FrameRound), 0.4),
        frame_color: blend([0.01, 0.01, 0.012], [0.45, 0.28, 0.12], frame * frame),
        hat: hat(z.at(Dim::Hat)),
        hat_color: accessory,
        earrings: switch(z.at(Dim::Earrings), pierced),
        necklace: switch(z.at(Dim::Necklace), chain),
        necktie: switch(z.at(Dim::Necktie), tie),
        necktie_color: accessory,
    }
}

/// 27 % of all heads wear one, 9 % of each kind.
fn hat(z: f32) -> Option<Hat> {
    match normal_cdf(z) {
        u if u < 0.09 => Some(Hat::KnittedCap),
        u if u > 0.91 => Some(Hat::BaseballCap),
        u if u > 0.82 => Some(Hat::Brimmed),
        _ => None,
    }
}

/// 0 or 1, and 1 for `chance` of all normal `z`; a steep ramp joins them.
fn switch(z: f32, chance: f32) -> f32 {
    let threshold = -normal_quantile(chance);
    smoothstep(threshold - 0.06, threshold + 0.06, z)
}

/// A shape in standard deviations of the domain: about +1 for `chance` of all normal `z`, about
/// −0.8 for most others, few between.
fn feature(z: f32, chance: f32) -> f32 {
    let over = (z + normal_quantile(chance)).clamp(-3.0, 3.0);
    0.15 + 0.8 * (3.0 * over).tanh() + 0.2 * over
}

/// Logistic approximation of the normal distribution function, off by 0.01 at most.
fn normal_cdf(z: f32) -> f32 {
    1.0 / (1.0 + (-1.702 * z).exp())
}

/// Inverse of [`normal_cdf`].
fn normal_quantile(p: f32) -> f32 {
    (p / (1.0 - p)).ln() / 1.702
}

fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

fn smoothstep(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Linear interpolation in a table of `(x, y)` with rising `x`; `x` must lie within it.
fn piecewise(x: f32, table: &[(f32, f32)]) -> f32 {
    let above = table
        .partition_point(|&(at, _)| at < x)
        .clamp(1, table.len() - 1);
    let ((x0, y0), (x1, y1)) = (table[above - 1], table[above]);
    mix(y0, y1, (x - x0) / (x1 - x0))
}
