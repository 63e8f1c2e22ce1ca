//! Where hair grows: scalp, beard and brows.

use glam::{FloatExt, Vec3};

use super::anatomy::Anatomy;
use super::curve::{bump, smoothstep};
use crate::face::{Beard, Face};

/// Regions of hair on one head.
pub(super) struct Scalp {
    /// Linear RGB of the brows.
    pub(super) brow_color: Vec3,
    anatomy: Anatomy,
    cover: f32,
    fringe: f32,
    receding: f32,
}

impl Scalp {
    pub(super) fn new(face: &Face, anatomy: &Anatomy) -> Self {
        let hair = Vec3::from(face.hair.color);
        // Brows are darker than fair hair and never white before the hair is.
        let brow_color = hair * 0.55 + Vec3::new(0.012, 0.008, 0.006);
        Self {
            brow_color,
            anatomy: anatomy.clone(),
            cover: smoothstep(0.08, 0.6, face.hair.cover),
            fringe: smoothstep(0.08, 0.6, face.hair.cover).max(smoothstep(0.35, 0.6, face.age)),
            receding: face.hair.receding.clamp(0.0, 1.0),
        }
    }

    /// Height of the hairline at a direction from the axis of the head, `theta` from 0 (front) to
    /// π (behind).
    fn hairline(&self, theta: f32) -> f32 {
        let front = 0.70 + 0.02 * (1.0 - self.anatomy.male);
        let line =
            front.lerp(0.20, smoothstep(0.62, 1.25, theta)) - 0.72 * smoothstep(1.75, 2.4, theta);
        let temple = bump((theta - 0.62) / 0.34);
        let middle = bump(theta / 0.35);
        line + self.receding * (0.36 * temple + 0.16 * middle)
    }

    /// Amount of hair of the head at `p`, from 0 to 1.
    pub(super) fn amount(&self, p: Vec3) -> f32 {
        let theta = p.x.abs().atan2(p.z + 0.05);
        let edge = smoothstep(-0.03, 0.05, p.y - self.hairline(theta));
        let crown = smoothstep(0.30, 0.62, p.y + 0.25 * p.z.max(0.0));
        edge * self.fringe.lerp(self.cover, crown)
    }

    /// Where stubble shows, from 0 to 1: from under the nose down, and along the jaw to the ears.
    pub(super) fn shadow_zone(&self, p: Vec3) -> f32 {
        let mouth = &self.anatomy.mouth;
        let m = p.x.abs();
        let low = mouth.y + 0.4 * mouth.corners + 0.02;
        let line = (self.anatomy.nose.tip - 0.09).lerp(low, smoothstep(0.20, 0.40, m))
            + 0.46 * smoothstep(0.45, 0.85, m);
        let lips = mouth
            .lip(p.x, p.y)
            .max(smoothstep(-0.03, 0.0, mouth.opening(p.x, p.y)));
        smoothstep(0.05, -0.05, p.y - line) * (1.0 - lips)
    }

    /// Where a full beard grows, from 0 to 1: the lip above the mouth is the moustache's.
    pub(super) fn beard_zone(&self, p: Vec3) -> f32 {
        let mouth = &self.anatomy.mouth;
        let s = mouth.across(p.x).abs();
        let shaved = smoothstep(1.15, 0.95, s) * smoothstep(-0.02, 0.02, p.y - mouth.line(s));
        self.shadow_zone(p) * (1.0 - shaved)
    }

    /// Where the moustache grows.
    pub(super) fn mustache_zone(&self, p: Vec3) -> f32 {
        let mouth = &self.anatomy.mouth;
        let s = mouth.across(p.x);
        let low = mouth.upper_outline(s);
        let high = self.anatomy.nose.tip - 0.075 - 0.06 * s * s;
        let inside = smoothstep(-0.02, 0.01, p.y - low) * smoothstep(0.02, -0.02, p.y - high);
        inside * smoothstep(1.12, 0.92, s.abs()) * smoothstep(0.1, 0.3, p.z)
    }

    /// Where a goatee grows.
    pub(super) fn goatee_zone(&self, p: Vec3) -> f32 {
        let mouth = &self.anatomy.mouth;
        let low = mouth.lower_outline(mouth.across(p.x));
        let below = smoothstep(-0.03, -0.075, p.y - low);
        below * smoothstep(0.27, 0.19, p.x.abs()) * smoothstep(0.1, 0.3, p.z)
    }

    /// Where sideburns grow.
    pub(super) fn sideburn_zone(&self, p: Vec3) -> f32 {
        let m = p.x.abs() / self.anatomy.ring_at(p.y).half_width.max(0.2);
        smoothstep(0.76, 0.84, m)
            * smoothstep(-0.06, 0.02, p.z)
            * smoothstep(-0.58, -0.46, p.y)
            * smoothstep(0.42, 0.32, p.y)
    }

    /// Amount of grown beard at `p`.
    pub(super) fn whiskers(&self, p: Vec3, beard: &Beard) -> f32 {
        let full = beard.full * self.beard_zone(p);
        let mustache = beard.mustache * self.mustache_zone(p);
        let goatee = beard.goatee * self.goatee_zone(p);
        let sideburns = beard.sideburns * self.sideburn_zone(p);
        full.max(mustache)
            .max(goatee)
            .max(sideburns)
            .clamp(0.0, 1.0)
    }
}
