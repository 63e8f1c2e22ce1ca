//! Neck, shoulders and what covers them: clothes, collar, necktie and necklace.

use std::f32::consts::{PI, TAU};
use std::ops::Range;

use glam::{FloatExt, Vec3};

use super::anatomy::Anatomy;
use super::curve::{bump, smoothstep};
use super::mesh::{Material, Mesh};
use crate::face::Face;

/// The body in the frame of the picture, before the head turns the top of the neck.
pub(super) struct Clothes<'a> {
    face: &'a Face,
    male: f32,
    neck: f32,
    shoulders: f32,
    double_chin: f32,
    chin: f32,
    tie: f32,
}

impl<'a> Clothes<'a> {
    pub(super) fn new(face: &'a Face, anatomy: &Anatomy) -> Self {
        let grown = 1.0 - anatomy.child;
        let weight = face.weight.clamp(-1.5, 1.8);
        Self {
            face,
            male: anatomy.male,
            neck: (0.33 + 0.14 * anatomy.male) * (1.0 - 0.25 * anatomy.child) + 0.055 * weight,
            shoulders: 1.05 + (0.16 * anatomy.male + 0.07 * face.build.shoulders) * grown
                - 0.33 * anatomy.child
                + 0.05 * weight,
            double_chin: face.shape.double_chin.clamp(0.0, 1.2),
            chin: anatomy.chin,
            tie: face.wear.necktie.clamp(0.0, 1.0),
        }
    }

    /// The surface of the body at `theta` (0 in front) and height `y`.
    fn at(&self, theta: f32, y: f32) -> Vec3 {
        let (sin, cos) = theta.sin_cos();
        let slope = smoothstep(-1.28, -1.95, y);
        let trapeze = smoothstep(-1.15, -1.62, y).powf(1.6);
        let rx =
            self.neck + 0.30 * trapeze + (self.shoulders - self.neck - 0.05) * slope.powf(1.15);
        let rz = self.neck + 0.12 * trapeze + 0.16 * slope;
        // The roll follows the jaw: lowest in front.
        let below = y + self.chin + 0.07 - 0.24 * (1.0 - cos.max(0.0));
        let roll = self.double_chin * 0.40 * bump(below / 0.10) * smoothstep(-0.1, 0.7, cos);
        let jowl = self.double_chin * 0.10 * bump(below / 0.14);
        let apple = 0.035
            * self.male
            * bump((y + 1.33) / 0.05)
            * bump(sin / 0.16)
            * smoothstep(0.0, 0.5, cos);
        let squareness = 1.0 - 0.22 * slope;
        let x = (rx + jowl) * sin.abs().powf(squareness).copysign(sin);
        let z = -0.16 + 0.10 * slope + (rz + if cos > 0.0 { roll + apple } else { 0.0 }) * cos;
        Vec3::new(x, y + 0.10 * cos * slope, z)
    }

    /// Height of the neckline in front, at the side or behind.
    fn neckline(&self, theta: f32) -> f32 {
        let front = smoothstep(-0.2, 1.0, theta.cos());
        let open = -1.36 - (0.10 + 0.16 * (1.0 - self.male)) * front;
        open.lerp(-1.33 - 0.04 * front, self.tie)
    }

    /// Colour of the clothes at rest position `p`, or nothing where the skin is bare.
    pub(super) fn at_rest(&self, p: Vec3) -> Option<Vec3> {
        let theta = p.x.atan2(p.z + 0.1);
        let below = self.neckline(theta) - p.y;
        if below < 0.0 {
            return None;
        }
        let cloth = Vec3::from(self.face.build.clothes);
        let knit = 1.0 + 0.06 * (p.x * 60.0).sin() * (1.0 - self.tie);
        let hem = 1.0
            - 0.22 * smoothstep(0.075, 0.06, below) * (1.0 - self.tie)
            - 0.3 * bump((below - 0.08) / 0.012) * (1.0 - self.tie);
        // The shirt in the opening of the jacket.
        let opening = self.tie * (0.46 - 0.62 * (below - 0.02).max(0.0));
        let shirt = smoothstep(opening + 0.01, opening - 0.01, p.x.abs())
            * smoothstep(0.02, 0.1, self.tie)
            * smoothstep(-0.1, 0.1, p.z);
        let lapel =
            1.0 - 0.45 * self.tie * bump((p.x.abs() - opening - 0.16 - 0.12 * below) / 0.015);
        let edge = 1.0 - 0.5 * self.tie * bump((p.x.abs() - opening) / 0.014);
        Some((cloth * (knit * hem * lapel)).lerp(Vec3::splat(0.82), shirt) * edge)
    }

    /// Colour of the necktie at rest position `p`: stripes.
    pub(super) fn tie(&self, p: Vec3) -> Vec3 {
        let stripe = smoothstep(-0.15, 0.15, ((p.x * 0.8 + p.y) * 34.0).sin() - 0.45);
        let base = Vec3::from(self.face.wear.necktie_color);
        base.lerp(base * 0.35 + Vec3::splat(0.16), 0.75 * stripe)
    }

    /// Appends the body and what it wears; returns the vertices of the neck, which the head turns.
    pub(super) fn build(&self, mesh: &mut Mesh) -> Range<usize> {
        let body = mesh.sheet(Material::Body, (56, 56), |u, v| {
            let theta = (2.0 * u - 1.0) * PI;
            let y = (-2.45).lerp(-0.55, v);
            let p = self.at(theta, y);
            let thick = 0.04 * smoothstep(-0.01, 0.025, self.neckline(theta) - p.y);
            let out = Vec3::new(theta.sin(), 0.25, theta.cos());
            (p + out * thick, p)
        });
        if self.tie > 0.01 {
            self.necktie(mesh);
        }
        let necklace = self.face.wear.necklace.clamp(0.0, 1.0);
        if necklace > 0.01 {
            self.necklace(mesh, necklace);
        }
        body.start..mesh.vertices.len()
    }

    fn necktie(&self, mesh: &mut Mesh) {
        let amount = self.tie;
        let front = |y: f32| self.at(0.0, y).z + 0.07;
        // Blade, then knot over it.
        mesh.sheet(Material::Tie, (6, 10), |u, v| {
            let y = (-2.4).lerp(-1.43, v);
            let half = amount * (0.085 + 0.10 * (-1.43 - y));
            let s = 2.0 * u - 1.0;
            let p = Vec3::new(s * half, y, front(y) + 0.035 * (1.0 - s * s));
            (p, p)
        });
        mesh.sheet(Material::Tie, (8, 6), |u, v| {
            let y = (-1.50).lerp(-1.33, v);
            let half = amount * (0.085 + 0.055 * v);
            let s = 2.0 * u - 1.0;
            let p = Vec3::new(s * half, y, front(y) + 0.03 + 0.08 * (1.0 - s * s).sqrt());
            (p, p)
        });
        for side in [-1.0f32, 1.0] {
            // A collar band with a pointed flap in front.
            mesh.sheet(Material::Collar, (18, 5), |u, v| {
                let theta = side * (0.12 + u * (PI - 0.12));
                let flap = bump((theta.abs() - 0.62) / 0.32);
                let top = -1.27 - 0.10 * smoothstep(1.2, 0.0, theta.abs());
                let bottom = top - 0.11 - 0.20 * flap * amount;
                let y = bottom.lerp(top, if side > 0.0 { v } else { 1.0 - v });
                let down = (top - y) / (top - bottom);
                let p = self.at(theta, top - 0.02);
                let out = Vec3::new(theta.sin(), 0.0, theta.cos());
                let p = p * Vec3::new(1.0, 0.0, 1.0)
                    + Vec3::Y * y
                    + out * (0.03 + amount * (0.03 + 0.16 * down * (0.4 + flap)));
                (p, p)
            });
        }
    }

    fn necklace(&self, mesh: &mut Mesh, amount: f32) {
        const BEADS: usize = 30;
        let hang = |theta: f32| {
            let front = smoothstep(-0.6, 1.0, theta.cos());
            let y = (-1.27).lerp(-1.56, front * front);
            let p = self.at(theta, y);
            p + Vec3::new(theta.sin(), 0.1, theta.cos()) * 0.065
        };
        for i in 0..BEADS {
            let theta = (i as f32 + 0.5) / BEADS as f32 * TAU - PI;
            if theta.cos() > -0.3 {
                mesh.ellipsoid(Material::Gold, hang(theta), Vec3::splat(0.042 * amount), 4);
            }
        }
        let pendant = hang(0.0) - Vec3::Y * 0.085 * amount;
        mesh.ellipsoid(
            Material::Gold,
            pendant,
            Vec3::new(0.075, 0.095, 0.05) * amount,
            6,
        );
    }
}
