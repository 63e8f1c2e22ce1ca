//! Every parameter of one portrait: what the renderer draws and what captions speak of.
//!
//! Shape values are in standard deviations of the domain unless said otherwise: 0 is average,
//! ±1 clearly visible, ±2 caricature. "Amount" values run from 0 (absent) to 1 (full).

/// One portrait, complete: the same `Face` is always the same picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Face {
    /// Where the head is and how it is turned. Coarse.
    pub pose: Pose,
    /// The lamps. Coarse.
    pub light: Light,
    /// What stands behind. Coarse.
    pub background: Background,
    /// The proportions that captions never name. Coarse.
    pub build: Build,
    /// From 0 (about five years) through 0.2 (twenty) and 0.5 (forty-five) to 1 (eighty-five).
    pub age: f32,
    /// From 0 (feminine) to 1 (masculine) features.
    pub masculinity: f32,
    /// Weight of the face: −1 thin, 0 average, 1 chubby.
    pub weight: f32,
    /// The skin and what is on it.
    pub skin: Skin,
    /// Outline of the face, nose, eyes, mouth and ears.
    pub shape: Shape,
    /// What the face does.
    pub expression: Expression,
    /// Hair on the head.
    pub hair: Hair,
    /// Hair on the face.
    pub beard: Beard,
    /// Lips, eyes and cheeks.
    pub makeup: Makeup,
    /// Things worn.
    pub wear: Wear,
}

/// Head pose. The framing never varies: portraits are aligned, as FFHQ's photographs are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// Turn to the left of the picture, radians, about ±0.4.
    pub yaw: f32,
    /// Nod downwards, radians, about ±0.18.
    pub pitch: f32,
}

/// Key light direction and colours; fill and rim follow from them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Light {
    /// Azimuth of the key light, radians, 0 from the camera, positive from the right, about ±1.1.
    pub azimuth: f32,
    /// Elevation of the key light, radians, 0.1 to 0.9.
    pub elevation: f32,
    /// Colour temperature: −1 cool to 1 warm.
    pub warmth: f32,
    /// Fill against key, 0.25 (dramatic) to 0.8 (flat).
    pub fill: f32,
}

/// A softly graded backdrop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Background {
    /// Linear RGB of the centre.
    pub color: [f32; 3],
    /// How much darker the corners are, 0 to 0.6.
    pub vignette: f32,
}

/// Proportions that captions never name, and the colour of the clothes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Build {
    /// Height of the skull.
    pub skull_height: f32,
    /// Distance between the eyes.
    pub eye_distance: f32,
    /// Height of the eyes in the face.
    pub eye_height: f32,
    /// Outer corner of the eye up.
    pub eye_tilt: f32,
    /// Length of the nose.
    pub nose_length: f32,
    /// Height of the mouth in the face.
    pub mouth_height: f32,
    /// Width of the mouth.
    pub mouth_width: f32,
    /// Width of the shoulders.
    pub shoulders: f32,
    /// Linear RGB of the clothes.
    pub clothes: [f32; 3],
}

/// Complexion and what age leaves on it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Skin {
    /// From 0 (very pale) through 0.35 (light), 0.6 (tan) to 1 (deep brown).
    pub tone: f32,
    /// Undertone: −1 cool pink to 1 warm yellow.
    pub undertone: f32,
    /// Amount of colour in the cheeks.
    pub rosy: f32,
    /// Amount of freckles.
    pub freckles: f32,
    /// Amount of wrinkles.
    pub wrinkles: f32,
    /// Amount of bags under the eyes.
    pub eye_bags: f32,
}

/// Shapes that captions name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// −1 round or long and angular, 1 a clear oval.
    pub oval: f32,
    /// Square jaw, −1 pointed chin.
    pub jaw: f32,
    /// Amount of double chin.
    pub double_chin: f32,
    /// Height and prominence of the cheekbones.
    pub cheekbones: f32,
    /// Size of the nose.
    pub nose_size: f32,
    /// Pointed tip, −1 blunt and round.
    pub nose_point: f32,
    /// Fullness of the lips, −1 thin.
    pub lips: f32,
    /// Opening of the eyes at rest, −1 narrow, 1 large.
    pub eye_size: f32,
    /// Iris: 0 brown, 1 blue, 2 green, continuous between neighbours.
    pub eye_color: f32,
    /// Arch of the brows.
    pub brow_arch: f32,
    /// Thickness of the brows, 1 bushy.
    pub brow_thickness: f32,
    /// Size of the ears.
    pub ears: f32,
}

/// What the face does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expression {
    /// −1 frown through 0 neutral to 1 broad smile.
    pub smile: f32,
    /// Opening of the mouth, 0 closed, 0.5 slightly open (teeth show in a smile), 1 wide.
    pub mouth_open: f32,
    /// Amount of surprise: brows up, eyes wide.
    pub surprise: f32,
    /// Amount of scowl: brows down and together.
    pub scowl: f32,
    /// Amount by which the lids are closed, 1 shut.
    pub eyes_closed: f32,
    /// Direction of the gaze in the head's frame, radians, right and up.
    pub gaze: [f32; 2],
}

/// Hair on the head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hair {
    /// Amount of hair on the crown: 0 bald, 1 full.
    pub cover: f32,
    /// How far the hairline has receded, 0 to 1.
    pub receding: f32,
    /// Length: 0 cropped, 0.3 short, 0.6 to the chin, 1 over the shoulders.
    pub length: f32,
    /// Amount of wave, 0 straight, 0.5 wavy, 1 tight curls.
    pub curl: f32,
    /// Bangs over the forehead, 0 to 1.
    pub bangs: f32,
    /// Volume, in standard deviations.
    pub volume: f32,
    /// Side of the parting: −1 left, 0 swept back, 1 right.
    pub part: f32,
    /// Linear RGB of a lit strand.
    pub color: [f32; 3],
}

/// Hair on the face. The colour follows the hair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beard {
    /// Amount of stubble (five o'clock shadow).
    pub stubble: f32,
    /// Amount of moustache.
    pub mustache: f32,
    /// Amount of hair on the chin alone (goatee).
    pub goatee: f32,
    /// Amount of full beard, chin and cheeks.
    pub full: f32,
    /// Length of the full beard, 0 close to 1 long (Santa Claus).
    pub length: f32,
    /// Amount of sideburns.
    pub sideburns: f32,
    /// Linear RGB.
    pub color: [f32; 3],
}

/// Paint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Makeup {
    /// Amount of lipstick.
    pub lipstick: f32,
    /// Linear RGB of the lipstick.
    pub lipstick_color: [f32; 3],
    /// Amount of eye shadow, liner and mascara.
    pub eyes: f32,
    /// Amount of blusher and powder.
    pub blush: f32,
}

/// Things worn; an amount between 0 and 1 fades the thing in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wear {
    /// Amount of glasses or sunglasses.
    pub glasses: f32,
    /// Darkness of the lenses: 0 clear, 1 sunglasses.
    pub tint: f32,
    /// Roundness of the frame, 0 rectangular to 1 round.
    pub frame_round: f32,
    /// Linear RGB of the frame.
    pub frame_color: [f32; 3],
    /// The hat, if any.
    pub hat: Option<Hat>,
    /// Linear RGB of the hat.
    pub hat_color: [f32; 3],
    /// Amount of earrings.
    pub earrings: f32,
    /// Amount of necklace.
    pub necklace: f32,
    /// Amount of necktie; a collar comes with it.
    pub necktie: f32,
    /// Linear RGB of the necktie.
    pub necktie_color: [f32; 3],
}

/// Kinds of hat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hat {
    /// A knitted cap (beanie) with a turned-up rim.
    KnittedCap,
    /// A felt or straw hat with a brim all round.
    Brimmed,
    /// A baseball cap with a visor.
    BaseballCap,
}
