//! Brows, lashes and beard: short strands on the face.

use glam::{FloatExt, Vec2, Vec3};

use super::anatomy::Anatomy;
use super::curve::{hash, smoothstep};
use super::head::Head;
use super::mesh::{Material, Mesh};
use super::scalp::Scalp;
use crate::face::Face;

/// Joints of a strand.
const JOINTS: usize = 7;

/// Grows the short hair of one face.
pub(super) struct Whiskers<'a> {
    pub(super) face: &'a Face,
    pub(super) anatomy: &'a Anatomy,
    pub(super) scalp: &'a Scalp,
    pub(super) head: &'a Head<'a>,
    /// Direction to the camera in the head's frame.
    pub(super) view: Vec3,
}

impl Whiskers<'_> {
    /// Appends all strands.
    pub(super) fn build(&self, mesh: &mut Mesh) {
        for side in [-1.0, 1.0] {
            self.brow(mesh, side);
            self.lashes(mesh, side);
        }
        self.beard(mesh);
    }

    fn brow(&self, mesh: &mut Mesh, side: f32) {
        const STRANDS: u32 = 44;
        let brow = &self.anatomy.brow;
        for i in 0..STRANDS {
            let t = (i as f32 + 0.5) / STRANDS as f32 * 0.95;
            let half = brow.half_thickness(t);
            let off = (2.0 * hash(i * 3 + 1) - 1.0) * half * 0.75;
            let line = brow.line(t) + Vec2::new(0.0, off);
            let next = brow.line(t + 0.05) - brow.line(t);
            // Hairs lie along the brow and rise at its inner end.
            let rise = (0.9 - 1.1 * t) - 0.5 * off / half.max(0.01);
            let along = (next.normalize_or(Vec2::X) + Vec2::new(0.0, 0.8 * rise)).normalize();
            let length = 0.05 + 1.1 * half;
            let path: [Vec3; JOINTS] = std::array::from_fn(|j| {
                let s = j as f32 / (JOINTS - 1) as f32;
                let q = line + along * (length * (s - 0.3));
                let height = 0.012 + 0.35 * half * (1.0 - (2.0 * s - 1.0).powi(2));
                self.head.front(side * q.x, q.y) + Vec3::Z * height
            });
            let shade = 0.75 + 0.5 * hash(i * 3 + 2);
            mesh.strand(
                Material::Brow,
                &path,
                self.view,
                0.028 + 0.12 * half,
                |_| Vec3::Z,
                |_| shade,
            );
        }
    }

    fn lashes(&self, mesh: &mut Mesh, side: f32) {
        const STRANDS: u32 = 13;
        let (a, eye) = (self.anatomy, &self.anatomy.eye);
        let paint = self.face.makeup.eyes.clamp(0.0, 1.0);
        let length = (0.022 + 0.068 * (1.0 - a.male) + 0.06 * paint) * (1.0 - 0.4 * a.old);
        for i in 0..STRANDS {
            let across = -0.75 + 1.72 * (i as f32 + 0.5) / STRANDS as f32;
            let root = eye.place(Vec2::new(across, eye.upper_lid(across)));
            let root = self.head.front(side * root.x, root.y);
            let outer = smoothstep(-0.6, 0.9, across);
            let reach = length * (0.45 + 0.75 * outer);
            let lift = 1.0 - 1.5 * a.eye_closed();
            let path: [Vec3; JOINTS] = std::array::from_fn(|j| {
                let s = j as f32 / (JOINTS - 1) as f32;
                let out = Vec3::new(
                    side * (0.15 + 0.75 * across) * s,
                    lift * s * (0.35 + 0.65 * s),
                    0.75 * s,
                );
                root + out * reach + Vec3::Z * 0.008
            });
            mesh.strand(
                Material::Lash,
                &path,
                self.view,
                0.014 + 0.009 * (1.0 - a.male) + 0.012 * paint,
                |_| Vec3::Z,
                |_| 1.0,
            );
        }
    }

    fn beard(&self, mesh: &mut Mesh) {
        const COLUMNS: u32 = 44;
        const ROWS: u32 = 30;
        let beard = &self.face.beard;
        let any = beard
            .full
            .max(beard.mustache)
            .max(beard.goatee)
            .max(beard.sideburns);
        if any < 0.01 {
            return;
        }
        let (top, bottom) = (0.42, -self.anatomy.chin + 0.015);
        for row in 0..ROWS {
            for column in 0..COLUMNS {
                let seed = (row * COLUMNS + column) * 5 + 90_001;
                let u = (column as f32 + hash(seed)) / COLUMNS as f32 * 2.0 - 1.0;
                let y = (row as f32 + hash(seed + 1)) / ROWS as f32;
                let y = top.lerp(bottom, y);
                let x = 0.98 * u * self.anatomy.ring_at(y).half_width;
                let root = Vec3::new(x, y, 0.4 * (1.0 - u * u).sqrt() + 0.05);
                let full = beard.full * self.scalp.beard_zone(root);
                let mustache = beard.mustache * self.scalp.mustache_zone(root);
                let goatee = beard.goatee * self.scalp.goatee_zone(root);
                let sideburns = beard.sideburns * self.scalp.sideburn_zone(root);
                let amount = full
                    .max(mustache)
                    .max(goatee)
                    .max(sideburns)
                    .clamp(0.0, 1.0);
                if amount < 0.04 {
                    continue;
                }
                let low = smoothstep(self.anatomy.mouth.y + 0.05, bottom + 0.1, y);
                let grown = beard.length.clamp(0.0, 1.1) * full * (0.2 + 0.8 * low);
                let length =
                    0.10 + 0.04 * full * low + 0.07 * goatee * low + 0.04 * mustache + 0.80 * grown;
                let path = self.whisker(
                    x,
                    y,
                    length * amount * (0.8 + 0.4 * hash(seed + 2)),
                    mustache,
                    grown,
                );
                let shade = 0.75 + 0.5 * hash(seed + 3);
                let width = (0.042 + 0.03 * grown) * (0.3 + 0.7 * amount);
                let out = Vec3::new(1.1 * u, -0.25, 0.9);
                mesh.strand(
                    Material::Beard,
                    &path,
                    self.view,
                    width,
                    |_| out,
                    |t| shade * (0.7 + 0.4 * t),
                );
            }
        }
    }

    fn whisker(&self, x: f32, y: f32, length: f32, mustache: f32, grown: f32) -> [Vec3; JOINTS] {
        let root = self.head.front(x, y);
        let out = self.head.front_normal(x, y);
        let side = (x / 0.05).tanh();
        let down = Vec3::new(0.25 * x, -1.0, 0.12);
        let sweep = Vec3::new(0.95 * side, -0.42, 0.1);
        let comb = down.lerp(sweep, mustache.clamp(0.0, 1.0));
        let step = length / (JOINTS - 1) as f32;
        let mut p = root;
        let mut path = [root; JOINTS];
        for (joint, place) in path.iter_mut().enumerate().skip(1) {
            let t = joint as f32 / (JOINTS - 1) as f32;
            let heading = comb + out * (0.85 * (1.0 - t)) - Vec3::X * (0.55 * x * grown * t);
            p += heading.normalize_or(Vec3::NEG_Y) * step;
            let wave = 0.03 * grown * (9.0 * t + 8.0 * x).sin();
            *place = p + Vec3::new(wave, 0.0, 0.0);
        }
        path
    }
}
