//! Landmarks of a face in the head's frame, from its parameters.
//!
//! The head's frame: x to the right of the picture, y up, z to the camera, the crown near y = 1.1
//! and the chin near y = −1.1.

use glam::{FloatExt, Vec2, Vec3};

use super::curve::{bump, smoothstep};
use crate::face::Face;

/// Lengths and landmarks that several parts of the head share.
#[derive(Debug, Clone)]
pub(super) struct Anatomy {
    /// Amount of child: 1 at five years, 0 when grown.
    pub(super) child: f32,
    /// Amount of middle age: 0 at thirty-five, 1 from forty-five.
    pub(super) mature: f32,
    /// Amount of old age.
    pub(super) old: f32,
    /// From feminine 0 to masculine 1; a child's is weaker.
    pub(super) male: f32,
    /// Height of the crown above the centre.
    pub(super) crown: f32,
    /// Depth of the chin below the centre.
    pub(super) chin: f32,
    /// Half the width of the head at the temples.
    pub(super) width: f32,
    /// The eye on the right of the picture; the other mirrors it.
    pub(super) eye: Eye,
    /// The mouth.
    pub(super) mouth: Mouth,
    /// Centre line of the brow on the right.
    pub(super) brow: Brow,
    /// The nose.
    pub(super) nose: Nose,
    jaw_fullness: f32,
    jaw_taper: f32,
    plump: f32,
}

/// One eye and its lids.
#[derive(Debug, Clone)]
pub(super) struct Eye {
    /// Centre of the ball, for the eye on the right.
    pub(super) center: Vec3,
    /// Radius of the ball.
    pub(super) radius: f32,
    /// Radius of the iris.
    pub(super) iris: f32,
    half_width: f32,
    upper: f32,
    lower: f32,
    tilt: f32,
    inner_droop: f32,
    closed: f32,
}

/// The opening between the lips and the lips around it.
#[derive(Debug, Clone)]
pub(super) struct Mouth {
    /// Height of its middle.
    pub(super) y: f32,
    /// Half its width.
    pub(super) half_width: f32,
    /// How far the corners are above the middle.
    pub(super) corners: f32,
    /// Height of the opening.
    pub(super) open: f32,
    /// Height of the upper lip.
    pub(super) upper_lip: f32,
    /// Height of the lower lip.
    pub(super) lower_lip: f32,
}

/// The nose: a ridge that ends in a ball between two wings.
#[derive(Debug, Clone)]
pub(super) struct Nose {
    /// Height of the tip in the face.
    pub(super) tip: f32,
    /// Width against the average.
    pub(super) size: f32,
    /// From −1 (blunt) to 1 (pointed).
    pub(super) point: f32,
    /// How far the tip stands out.
    pub(super) height: f32,
    /// Radius of the ball.
    pub(super) ball: f32,
    /// Radius of a wing.
    pub(super) wing: f32,
    /// Distance of a wing from the middle.
    pub(super) wing_x: f32,
    /// Height of the wings in the face.
    pub(super) wing_y: f32,
}

/// One brow.
#[derive(Debug, Clone)]
pub(super) struct Brow {
    inner: Vec2,
    outer: Vec2,
    arch: f32,
    /// Half its thickness in the middle.
    pub(super) thickness: f32,
}

/// What age and gender do to every part of a face, 0 to about 1 each.
#[derive(Debug, Clone, Copy)]
struct Ages {
    child: f32,
    mature: f32,
    old: f32,
    male: f32,
}

/// How large the eyes are, −1 to 1.
fn eye_size(face: &Face) -> f32 {
    (face.shape.eye_size * 0.9).tanh()
}

impl Ages {
    fn new(face: &Face) -> Self {
        let child = smoothstep(0.185, 0.05, face.age);
        Self {
            child,
            mature: smoothstep(0.37, 0.46, face.age),
            old: 0.85 * smoothstep(0.58, 0.74, face.age) + 0.3 * smoothstep(0.7, 1.0, face.age),
            male: face.masculinity.lerp(0.4, 0.75 * child),
        }
    }

    fn eye_y(self, face: &Face) -> f32 {
        0.03 + 0.035 * face.build.eye_height - 0.13 * self.child
    }

    fn eye(self, face: &Face) -> Eye {
        let Self {
            child,
            mature,
            old,
            male,
        } = self;
        let (build, act) = (&face.build, &face.expression);
        let (eye_y, size, surprise) = (self.eye_y(face), eye_size(face), act.surprise);
        let radius = 0.245 + 0.03 * child;
        Eye {
            center: Vec3::new(0.345 + 0.022 * build.eye_distance, eye_y, 0.555),
            radius,
            iris: 0.132 + 0.018 * child + 0.004 * size,
            half_width: 0.207 + 0.012 * size + 0.018 * child,
            upper: (0.120 + 0.058 * size + 0.03 * child + 0.055 * surprise
                - 0.03 * act.scowl
                - 0.010 * mature
                - 0.026 * old)
                .max(0.03),
            lower: (0.082 + 0.034 * size + 0.025 * surprise
                - 0.028 * act.smile.max(0.0)
                - 0.012 * act.scowl)
                .max(0.02),
            tilt: 0.07 + 0.08 * build.eye_tilt + 0.06 * (0.5 - male) - 0.15 * old,
            inner_droop: 0.035 * act.scowl,
            closed: act.eyes_closed.clamp(0.0, 1.0),
        }
    }

    fn mouth(self, face: &Face) -> Mouth {
        let Self {
            child, old, male, ..
        } = self;
        let (shape, build, act) = (&face.shape, &face.build, &face.expression);
        let (surprise, open) = (act.surprise, act.mouth_open.max(0.0));
        let lips = 1.04 + 0.72 * (shape.lips * 0.9).tanh() - 0.30 * old + 0.15 * (0.5 - male);
        Mouth {
            y: -0.575 + 0.03 * build.mouth_height - 0.03 * open,
            half_width: (0.275
                + 0.022 * (shape.lips * 0.9).tanh()
                + 0.04 * build.mouth_width
                + 0.085 * act.smile
                - 0.03 * child
                - 0.08 * surprise * open)
                .max(0.1),
            corners: 0.115 * act.smile - 0.022 * old,
            open: 0.27 * open,
            upper_lip: 0.070 * lips,
            lower_lip: 0.092 * lips,
        }
    }

    fn brow(self, face: &Face) -> Brow {
        let Self {
            child, old, male, ..
        } = self;
        let (shape, act) = (&face.shape, &face.expression);
        let (eye_y, size, surprise) = (self.eye_y(face), eye_size(face), act.surprise);
        let lift = 0.15 * surprise - 0.05 * act.scowl;
        let brow_y = eye_y + 0.315 + lift - 0.03 * male + 0.02 * size;
        let arch = (shape.brow_arch * 0.8).tanh();
        Brow {
            inner: Vec2::new(
                0.15 - 0.04 * act.scowl,
                brow_y - 0.10 * act.scowl - 0.01 * arch,
            ),
            outer: Vec2::new(
                0.60,
                brow_y - 0.05 - 0.03 * arch + 0.05 * act.scowl - 0.05 * old,
            ),
            arch: 0.065 + 0.115 * arch + 0.04 * surprise,
            thickness: 0.047
                * (0.78 * shape.brow_thickness).clamp(-2.0, 2.0).exp()
                * (0.75 + 0.4 * male)
                * (1.0 - 0.3 * child),
        }
    }

    fn nose(self, face: &Face) -> Nose {
        let Self {
            child, old, male, ..
        } = self;
        let (shape, build) = (&face.shape, &face.build);
        let point = (0.9 * shape.nose_point).tanh();
        let size = (0.36 * shape.nose_size).clamp(-0.7, 0.62).exp()
            * (1.0 - 0.25 * child)
            * (0.94 + 0.12 * male)
            * (1.0 + 0.15 * old);
        let tip = -0.265 - 0.03 * build.nose_length - 0.05 * child - 0.02 * old - 0.045 * point;
        Nose {
            tip,
            size,
            point,
            height: 0.27 * size.powf(0.8) * (1.0 + 0.22 * point),
            ball: (0.122 - 0.072 * point) * size,
            wing: (0.078 - 0.034 * point) * size,
            wing_x: (0.118 - 0.042 * point) * size,
            wing_y: tip - 0.035 * size,
        }
    }
}

impl Anatomy {
    pub(super) fn new(face: &Face) -> Self {
        let (shape, build) = (&face.shape, &face.build);
        let ages = Ages::new(face);
        let Ages {
            child,
            mature,
            old,
            male,
        } = ages;
        let open = face.expression.mouth_open.max(0.0);
        let plump = face.weight + 0.55 * child;
        let oval = shape.oval.clamp(-2.0, 2.0);
        let jaw = shape.jaw.clamp(-2.2, 2.2);
        let mut anatomy = Self {
            child,
            mature,
            old,
            male,
            crown: 1.10 + 0.035 * build.skull_height,
            chin: 1.08 + 0.082 * oval - 0.11 * child + 0.02 * male + 0.16 * open,
            width: 0.83 - 0.062 * oval - 0.02 * old + 0.035 * child,
            eye: ages.eye(face),
            mouth: ages.mouth(face),
            brow: ages.brow(face),
            nose: ages.nose(face),
            jaw_fullness: (0.58 - 0.12 * jaw - 0.10 * (male - 0.5) + 0.02 * oval).clamp(0.32, 1.1),
            jaw_taper: (0.165 - 0.12 * jaw - 0.14 * (male - 0.5) + 0.015 * oval
                - 0.10 * plump
                - 0.06 * mature)
                .clamp(-0.1, 0.6),
            plump,
        };
        // A narrow jaw has no room for a broad smile.
        let room = 0.74 * anatomy.ring_at(anatomy.mouth.y).half_width;
        anatomy.mouth.half_width = anatomy.mouth.half_width.min(room);
        anatomy
    }

    /// Height of ring `phi` (0 at the crown, π under the chin) of the head, its half width, its
    /// middle's z, and its depth to the front and to the back.
    pub(super) fn ring(&self, phi: f32) -> Ring {
        let (sin, cos) = phi.sin_cos();
        let s = sin.max(0.0);
        if cos >= 0.0 {
            let w = self.width * s.powf(0.88);
            return Ring {
                y: self.crown * cos,
                half_width: w,
                middle: -0.02,
                front: 0.80 * s.powf(0.85),
                back: 0.98 * s.powf(0.85),
            };
        }
        let t = -cos;
        let y = self.chin * cos;
        let cheeks = 0.13
            * self.plump.max(0.4 * self.plump)
            * bump((y + 0.48) / 0.32)
            * smoothstep(0.0, 0.3, t);
        let taper = 1.0 - self.jaw_taper * smoothstep(0.1, 1.0, t);
        let forward = smoothstep(0.0, 1.0, t);
        Ring {
            y,
            half_width: (self.width * s.powf(self.jaw_fullness) * taper + cheeks * s).max(0.0),
            middle: -0.02 + 0.24 * forward,
            front: (0.80 - 0.20 * forward) * s.powf(0.55),
            back: 0.98 * s.powf(0.8) * (1.0 - 0.5 * forward),
        }
    }

    /// Amount by which the lids are shut.
    pub(super) fn eye_closed(&self) -> f32 {
        self.eye.closed
    }

    /// The ring at height `y`.
    pub(super) fn ring_at(&self, y: f32) -> Ring {
        let cos = if y >= 0.0 {
            y / self.crown
        } else {
            y / self.chin
        };
        self.ring(cos.clamp(-0.9995, 0.9995).acos())
    }
}

/// A horizontal section of the head.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ring {
    pub(super) y: f32,
    pub(super) half_width: f32,
    middle: f32,
    front: f32,
    back: f32,
}

impl Ring {
    /// The point of the section at `theta` (0 in front, π behind, positive to the right).
    pub(super) fn at(&self, theta: f32) -> Vec3 {
        let (sin, cos) = theta.sin_cos();
        let x = self.half_width * sin;
        let z = if cos >= 0.0 {
            self.front_z(sin)
        } else {
            self.middle + self.back * cos
        };
        Vec3::new(x, self.y, z)
    }

    /// z of the front at `x` = `u` half widths: flatter than an ellipse, as faces are.
    pub(super) fn front_z(&self, u: f32) -> f32 {
        let u = u.abs().min(1.0);
        self.middle + self.front * (1.0 - u.powf(2.3)).max(0.0).powf(0.5)
    }
}

impl Eye {
    /// Centre of the ball on `side` (1 right, −1 left).
    pub(super) fn center(&self, side: f32) -> Vec3 {
        self.center * Vec3::new(side, 1.0, 1.0)
    }

    /// Position in the eye of a point of the face: across from −1 (inner corner) to 1 (outer
    /// corner), and height above the line of the corners.
    pub(super) fn local(&self, x: f32, y: f32) -> Vec2 {
        let across = x.abs() - self.center.x;
        Vec2::new(
            across / self.half_width,
            y - self.center.y - self.tilt * across,
        )
    }

    /// Inverse of [`Eye::local`], for the eye on the right.
    pub(super) fn place(&self, local: Vec2) -> Vec2 {
        let across = local.x * self.half_width;
        Vec2::new(
            self.center.x + across,
            self.center.y + self.tilt * across + local.y,
        )
    }

    /// Height of the edge of the lower lid at `across`.
    pub(super) fn lower_lid(&self, across: f32) -> f32 {
        let s = across.clamp(-1.0, 1.0);
        -self.lower * (1.0 - s * s).powf(0.8) * (1.0 + 0.2 * s)
    }

    /// Height of the edge of the upper lid at `across`.
    pub(super) fn upper_lid(&self, across: f32) -> f32 {
        let s = across.clamp(-1.0, 1.0);
        let arc = (1.0 - s * s).powf(0.62);
        let open = (self.upper * (1.0 + 0.06 * s) - self.inner_droop * (1.0 - s)).max(0.012) * arc;
        open.lerp(-self.lower * 0.9 * arc * (1.0 + 0.2 * s), self.closed)
    }

    /// How far inside the opening a point of the face is; negative on the lids.
    pub(super) fn opening(&self, x: f32, y: f32) -> f32 {
        let p = self.local(x, y);
        let inside = (self.upper_lid(p.x) - p.y).min(p.y - self.lower_lid(p.x));
        inside.min((1.0 - p.x.abs()) * self.half_width)
    }
}

impl Mouth {
    /// `x` in half widths.
    pub(super) fn across(&self, x: f32) -> f32 {
        x / self.half_width
    }

    /// Line between the closed lips.
    pub(super) fn line(&self, across: f32) -> f32 {
        let s = across.abs().min(1.4);
        self.y + self.corners * (s * s - 0.25) - 0.012 * bump(s / 0.25)
    }

    /// Lower edge of the upper lip.
    pub(super) fn upper_edge(&self, across: f32) -> f32 {
        let s = across.abs().min(1.0);
        self.line(across) + 0.30 * self.open * (1.0 - s * s).powf(0.7)
    }

    /// Upper edge of the lower lip.
    pub(super) fn lower_edge(&self, across: f32) -> f32 {
        let s = across.abs().min(1.0);
        self.line(across) - 0.75 * self.open * (1.0 - s * s).powf(0.6)
    }

    /// Outline of the upper lip, with its bow.
    pub(super) fn upper_outline(&self, across: f32) -> f32 {
        let s = across.abs().min(1.0);
        let bow = 1.0 - 0.22 * bump(s / 0.13) + 0.12 * bump((s - 0.28) / 0.2);
        self.upper_edge(across) + self.upper_lip * bow * (1.0 - s.powf(2.2)).max(0.0).powf(0.8)
    }

    /// Outline of the lower lip.
    pub(super) fn lower_outline(&self, across: f32) -> f32 {
        let s = across.abs().min(1.0);
        self.lower_edge(across) - self.lower_lip * (1.0 - s.powf(2.4)).max(0.0).powf(0.7)
    }

    /// How far inside the opening a point of the face is; negative outside.
    pub(super) fn opening(&self, x: f32, y: f32) -> f32 {
        let s = self.across(x);
        let inside = (self.upper_edge(s) - y).min(y - self.lower_edge(s)) - 0.004;
        inside.min((1.0 - s.abs()) * self.half_width)
    }

    /// Amount of lip at a point of the face, from 0 to 1, with a soft outline.
    pub(super) fn lip(&self, x: f32, y: f32) -> f32 {
        let s = self.across(x);
        let ends = smoothstep(1.04, 0.94, s.abs());
        let above = smoothstep(0.012, -0.012, y - self.upper_outline(s));
        let below = smoothstep(0.012, -0.012, self.lower_outline(s) - y);
        ends * above * below
    }
}

impl Brow {
    /// The centre line at `t` from 0 (inner end) to 1 (outer end), on the right.
    pub(super) fn line(&self, t: f32) -> Vec2 {
        let peak = bump((t - 0.62) / 0.33);
        self.inner.lerp(self.outer, t) + Vec2::new(0.0, self.arch * peak)
    }

    /// Half the thickness at `t`.
    pub(super) fn half_thickness(&self, t: f32) -> f32 {
        self.thickness * (0.75 + 0.5 * t).min(1.0) * smoothstep(1.12, 0.55, t)
    }

    /// Amount of brow at a point of the face.
    pub(super) fn amount(&self, x: f32, y: f32) -> f32 {
        let t = (x.abs() - self.inner.x) / (self.outer.x - self.inner.x);
        let distance = (y - self.line(t.clamp(0.0, 1.0)).y).abs();
        let half = self.half_thickness(t.clamp(0.0, 1.0));
        smoothstep(half + 0.012, half - 0.014, distance)
            * smoothstep(-0.06, 0.04, t)
            * smoothstep(1.04, 0.97, t)
    }
}
