//! Hair as strands that follow a combed flow over the skull.

use std::f32::consts::{PI, TAU};

use glam::{FloatExt, Vec3};

use super::anatomy::Anatomy;
use super::curve::{bump, hash, smoothstep};
use super::head::Head;
use super::mesh::{Material, Mesh};
use super::scalp::Scalp;
use crate::face::{Face, Hat};

/// Points tried over the whole head.
const SITES: u32 = 1500;
/// Joints of a strand.
const JOINTS: usize = 15;

/// Combs, bends and draws the hair of one head.
pub(super) struct Hairdo<'a> {
    face: &'a Face,
    anatomy: &'a Anatomy,
    scalp: &'a Scalp,
    /// Direction to the camera in the head's frame.
    view: Vec3,
}

impl<'a> Hairdo<'a> {
    pub(super) fn new(face: &'a Face, anatomy: &'a Anatomy, scalp: &'a Scalp, view: Vec3) -> Self {
        Self {
            face,
            anatomy,
            scalp,
            view,
        }
    }

    /// Appends all strands.
    pub(super) fn build(&self, mesh: &mut Mesh, head: &Head<'_>) {
        let hair = &self.face.hair;
        let golden = PI * (3.0 - 5f32.sqrt());
        for site in 0..SITES {
            // A Fibonacci spiral spreads the sites evenly.
            let height = 1.0 - 1.55 * (site as f32 + 0.5) / SITES as f32;
            let theta = (site as f32 * golden).rem_euclid(TAU) - PI;
            let root = head.skull(theta, height.acos());
            let amount = self.scalp.amount(root);
            if amount < 0.02 {
                continue;
            }
            let seed = site * 7;
            let path = self.strand(root, amount, seed);
            let clump = 0.78 + 0.44 * hash(seed + 1);
            let behind = smoothstep(0.0, -0.5, root.z);
            let width =
                (0.07 + 0.03 * hair.curl + 0.09 * behind * smoothstep(0.3, 0.7, hair.length))
                    * amount
                    * (0.8 + 0.4 * hash(seed + 2));
            let tint = |t: f32| clump * (0.45 + 0.6 * smoothstep(0.0, 0.35, t));
            mesh.strand(
                Material::Hair,
                &path,
                self.view,
                width,
                |p| self.outward(p),
                tint,
            );
        }
    }

    /// Direction away from the volume of the hair.
    fn outward(&self, p: Vec3) -> Vec3 {
        let below = p.y.min(0.0);
        (Vec3::new(p.x, p.y - below, p.z + 0.05) / self.radii(p)).normalize_or(Vec3::Y)
    }

    fn radii(&self, p: Vec3) -> Vec3 {
        let depth = 0.93.lerp(0.80, smoothstep(-0.3, 0.3, p.z));
        Vec3::new(self.anatomy.width, self.anatomy.crown, depth)
    }

    /// Pushes `p` out of the head grown by `offset`.
    fn clear(&self, p: Vec3, offset: f32) -> Vec3 {
        let low = if p.y < 0.0 { 0.55 } else { 1.0 };
        let scaled = Vec3::new(p.x, p.y * low, p.z + 0.03) / (self.radii(p) + offset);
        let level = scaled.length();
        if level >= 1.0 || p.y < -1.2 {
            return p;
        }
        let out = Vec3::new(p.x, 0.35 * p.y.max(0.0), p.z + 0.03);
        Vec3::new(p.x, p.y, p.z) + out * (1.0 / level.max(0.3) - 1.0)
    }

    /// Where a hat ends, and how far it holds hair down at `p`.
    fn under_hat(&self, p: Vec3) -> f32 {
        match self.face.wear.hat {
            None => 0.0,
            Some(Hat::KnittedCap) => smoothstep(0.28, 0.44, p.y + 0.12 * p.z),
            Some(_) => smoothstep(0.34, 0.50, p.y + 0.10 * p.z),
        }
    }

    fn strand(&self, root: Vec3, amount: f32, seed: u32) -> [Vec3; JOINTS] {
        let hair = &self.face.hair;
        let volume = (0.32 * hair.volume).clamp(-0.8, 0.8).exp();
        let long = smoothstep(0.2, 0.75, hair.length);
        let curl = hair.curl.clamp(0.0, 1.0);
        let cropped = hair.length.clamp(0.0, 1.1);
        let bare = 1.0 - smoothstep(0.1, 0.7, hair.cover);
        let front = smoothstep(0.25, 0.6, root.z)
            * smoothstep(0.45, 0.66, root.y)
            * smoothstep(0.62, 0.42, root.x.abs());
        let bangs = hair.bangs.clamp(0.0, 1.0) * front;

        let base =
            0.13 + 0.42 * smoothstep(0.0, 0.35, cropped) + 1.55 * smoothstep(0.25, 1.05, cropped);
        let reach = root.y + 1.75;
        let length = base.min(reach + 0.25).lerp(0.20, 0.9 * bare);
        let length =
            length.lerp(0.50, bangs) * (0.85 + 0.25 * hash(seed + 3)) * (0.4 + 0.6 * amount);
        let step = length / (JOINTS - 1) as f32;
        let layer = (0.035 + 0.13 * hash(seed + 4))
            * volume
            * (0.45 + 0.55 * smoothstep(0.0, 0.4, cropped))
            * (1.0 + 0.7 * curl);

        let part = hair.part.clamp(-1.3, 1.3);
        let side = ((root.x - 0.30 * part) / 0.10).tanh();
        let outward = self.outward(root);
        let comb = combed(root, part, side, cropped, bangs);
        let lift = (0.55 * volume + 0.5 * curl) * (1.0 - 0.75 * long) + 0.25;
        let quiff = 0.8 * front * (1.0 - bangs) * (1.0 - long) * (1.0 - curl);

        let binormal = outward.cross(Vec3::Y).normalize_or(Vec3::X);
        let wave = 0.16 * smoothstep(0.08, 0.5, curl);
        let coil = smoothstep(0.5, 0.95, curl);
        let turns = TAU * length.max(0.3) * (1.35 + 1.6 * coil);
        let phase = 2.5 * root.y + 1.2 * root.x + hash(seed + 5) * (0.45 + 5.0 * coil);

        let mut p = root;
        let mut path = [root; JOINTS];
        for (joint, place) in path.iter_mut().enumerate().skip(1) {
            let t = joint as f32 / (JOINTS - 1) as f32;
            let travelled = t * length;
            let up = self.outward(p);
            let along = comb - up * comb.dot(up);
            let fall = smoothstep(0.15, 0.75, travelled) * (1.0 - 0.35 * coil * (1.0 - long));
            let rise = up * lift * (1.0 - t).powi(2)
                + Vec3::new(0.0, 1.0, 0.25) * (quiff * (1.0 - t).powi(2));
            let heading = (along.normalize_or_zero() + rise)
                .lerp(Vec3::new(0.12 * side * (1.0 - bangs), -1.0, 0.0), fall);
            p += heading.normalize_or(Vec3::NEG_Y) * step;
            p = self.clear(p, layer * smoothstep(0.0, 0.25, t.max(bangs * 0.5)));
            p = self.off_face(p, bangs);
            p = on_shoulders(p);
            let bend = wave * smoothstep(0.0, 0.3, t) * (1.0 + 0.3 * coil) * (1.0 - 0.5 * bangs);
            let angle = phase + turns * t;
            let swing = binormal * angle.sin() * bend
                + up * (angle + 1.3).cos() * bend * (0.35 + 0.5 * coil);
            let free = p + swing;
            let held = self.under_hat(free);
            let flat = root.lerp(free, 0.15);
            *place = if held > 0.0 {
                free.lerp(flat, held)
            } else {
                free
            };
        }
        path
    }

    /// Keeps hair that hangs down behind the ears and off the face, but for bangs.
    fn off_face(&self, p: Vec3, bangs: f32) -> Vec3 {
        let limit = 0.75.lerp(-0.10, smoothstep(0.62, 0.15, p.y));
        let limit = limit + 2.0 * bangs;
        let forward = 0.42 * smoothstep(-0.75, -1.35, p.y);
        if p.z <= limit + forward {
            return p;
        }
        let pushed = p.z.lerp(limit + forward, 0.75);
        let widen = (p.z - pushed) * 0.35;
        Vec3::new(p.x + widen * (p.x / 0.1).tanh(), p.y, pushed)
    }
}

/// Hair that reaches the shoulders lies on them.
fn on_shoulders(p: Vec3) -> Vec3 {
    let ground = -1.52 - 0.28 * smoothstep(0.5, 1.2, p.x.abs());
    let sunk = (ground - p.y).max(0.0);
    Vec3::new(p.x, p.y, p.z + 0.55 * sunk * bump((p.x.abs() - 0.7) / 0.6))
}

/// The way that hair is combed at `root`: to the sides of the parting, or back; bangs to the front.
fn combed(root: Vec3, part: f32, side: f32, cropped: f32, bangs: f32) -> Vec3 {
    let parted = smoothstep(0.15, 0.6, part.abs());
    let sideways = Vec3::new(
        side * (0.35 + 0.65 * parted),
        -0.25,
        -0.30 - 0.6 * (1.0 - parted),
    );
    let crop = Vec3::new(
        side * (0.35 + 0.4 * parted),
        0.35,
        0.25 - 0.55 * (1.0 - parted),
    );
    let comb = crop.lerp(sideways, smoothstep(0.1, 0.45, cropped));
    let fringe = Vec3::new(0.22 * (root.x - 0.35 * part), -1.0, 0.35);
    comb.lerp(fringe, bangs)
}
