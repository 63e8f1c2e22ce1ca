//! Where hair grows: scalp, beard and brows.

use glam::{FloatExt, Vec3};

use super::anatomy::Anatomy;
use super::curve::{bump2, smoothstep};
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
        let line = front.lerp(0.20, smoothstep(0.62, 1.25, theta)) - 0.72 * smoothstep(1.75, 2.4, theta);
        let temple = bump2((theta - 0.62) / 0.34, 0.0);
        let middle = bump2(theta / 0.35, 0.0);
        line + self.receding * (0.36 * temple + 0.16 * middle)
    }

    /// Amount of hair of the head at `p`, from 0 to 1.
    pub(super) fn amount(&self, p: Vec3) -> f32 {
        let theta = p.x.abs().atan2(p.z + 0.05);
        let edge = smoothstep(-0.03, 0.05, p.y - self.hairline(theta));
        let crown = smoothstep(0.30, 0.62, p.y + 0.25 * p.z.max(0.0));
        edge * self.fringe.lerp(self.cover, crown)
    }

    /// Whether `p` lies where a beard can grow, from 0 to 1.
    pub(super) fn beard_zone(&self, p: Vec3) -> f32 {
        let a = &self.anatomy;
        let (m, y) = (p.x.abs(), p.y);
        let mouth = a.mouth.y + a.mouth.corners * 0.4;
        // From the sideburn down along the cheek and over to the corner of the mouth.
        let cheek = mouth + 0.06 + 0.42 * smoothstep(0.30, 0.85, m);
        let below = smoothstep(0.03, -0.05, y - cheek) * smoothstep(0.16, 0.36, m + 0.9 * (mouth - y).max(0.0));
        let upper_lip = a.mouth.upper_outline(a.mouth.across(p.x));
        let philtrum = smoothstep(0.37, 0.27, m) * smoothstep(a.nose_tip - 0.06, a.nose_tip - 0.10, y) * smoothstep(upper_lip - 0.005, upper_lip + 0.02, y);
        below.max(philtrum) * (1.0 - a.mouth.lip(p.x, y)) * (1.0 - smoothstep(-0.03, 0.0, a.mouth.opening(p.x, y)))
    }

    /// Where the moustache grows.
    pub(super) fn mustache_zone(&self, p: Vec3) -> f32 {
        let mouth = &self.anatomy.mouth;
        let s = mouth.across(p.x);
        let low = mouth.upper_outline(s);
        let high = self.anatomy.nose_tip - 0.075 - 0.06 * s * s;
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
        smoothstep(0.84, 0.90, m) * smoothstep(-0.02, 0.06, p.z) * smoothstep(-0.52, -0.42, p.y) * smoothstep(0.40, 0.30, p.y)
    }

    /// Amount of grown beard at `p`.
    pub(super) fn whiskers(&self, p: Vec3, beard: &Beard) -> f32 {
        let full = beard.full * self.beard_zone(p);
        let mustache = beard.mustache * self.mustache_zone(p);
        let goatee = beard.goatee * self.goatee_zone(p);
        let sideburns = beard.sideburns * self.sideburn_zone(p);
        full.max(mustache).max(goatee).max(sideburns).clamp(0.0, 1.0)
    }
}
