//! Spectacles and earrings.

use std::f32::consts::{PI, TAU};

use glam::{FloatExt, Vec3};

use super::anatomy::Anatomy;
use super::head::Head;
use super::mesh::{Material, Mesh};
use crate::face::Wear;

/// Appends spectacles: two rims with lenses, a bridge and the temples.
pub(super) fn glasses(mesh: &mut Mesh, wear: &Wear, anatomy: &Anatomy, head: &Head<'_>) {
    let amount = wear.glasses.clamp(0.0, 1.0);
    if amount < 0.01 {
        return;
    }
    let tint = wear.tint.clamp(0.0, 1.0);
    let round = wear.frame_round.clamp(0.0, 1.0);
    let eye = anatomy.eye.center;
    let thick = 0.036 * amount;
    let z = (eye.z + anatomy.eye.radius * 1.12).max(head.front(0.0, eye.y + 0.02).z) + 0.07;
    let half_width = 0.29 + 0.02 * tint;
    let half_height = 0.20.lerp(0.27, round) + 0.03 * tint;
    let exponent = 5.0.lerp(2.0, round);
    let outline = |side: f32, angle: f32, scale: f32| {
        let (sin, cos) = angle.sin_cos();
        let r = (cos.abs().powf(exponent) + sin.abs().powf(exponent)).powf(-1.0 / exponent);
        let x = side * (eye.x + 0.01) + half_width * r * cos * scale;
        // The front curves around the face.
        Vec3::new(
            x,
            eye.y - 0.015 + half_height * r * sin * scale,
            z - 0.16 * x * x,
        )
    };
    for side in [-1.0f32, 1.0] {
        let rim: Vec<Vec3> = (0..=36)
            .map(|i| outline(side, i as f32 / 36.0 * TAU, 1.0))
            .collect();
        mesh.tube(Material::Frame, &rim, Vec3::Z, 1.0, |_| thick);
        mesh.sheet(Material::Lens, (36, 4), |u, v| {
            let p = outline(side, u * TAU, v);
            let (sin, cos) = (u * TAU).sin_cos();
            (p, Vec3::new(v * cos, v * sin, 0.0))
        });
        let hinge = outline(side, if side > 0.0 { 0.25 } else { PI - 0.25 }, 1.0);
        let ear = Vec3::new(side * (anatomy.width + 0.02), eye.y + 0.02, -0.12);
        let temple: Vec<Vec3> = (0..=6)
            .map(|i| {
                let t = i as f32 / 6.0;
                hinge.lerp(ear, t) + Vec3::X * (side * 0.10 * (t * PI).sin())
            })
            .collect();
        mesh.tube(Material::Frame, &temple, Vec3::Y, 1.3, |_| thick * 0.8);
    }
    let (left, right) = (outline(-1.0, 0.3, 1.0), outline(1.0, PI - 0.3, 1.0));
    let bridge: Vec<Vec3> = (0..=8)
        .map(|i| {
            let t = i as f32 / 8.0;
            left.lerp(right, t) + Vec3::new(0.0, 0.035, 0.03) * (t * PI).sin()
        })
        .collect();
    mesh.tube(Material::Frame, &bridge, Vec3::Z, 1.0, |_| thick * 0.9);
}

/// Appends earrings: a stud with a hoop and a bead under it, on both ears.
pub(super) fn earrings(mesh: &mut Mesh, wear: &Wear, head: &Head<'_>) {
    let amount = wear.earrings.clamp(0.0, 1.0);
    if amount < 0.01 {
        return;
    }
    for side in [-1.0, 1.0] {
        let lobe = head.ear_lobe(side);
        let radius = 0.115 * amount;
        let center = lobe - Vec3::Y * radius;
        let hoop: Vec<Vec3> = (0..=24)
            .map(|i| {
                let (sin, cos) = (i as f32 / 24.0 * TAU).sin_cos();
                center + Vec3::new(sin * 0.8, cos, sin * 0.6 * side) * radius
            })
            .collect();
        mesh.tube(Material::Gold, &hoop, Vec3::Z, 1.0, |_| 0.027 * amount);
        mesh.ellipsoid(Material::Gold, lobe, Vec3::splat(0.045 * amount), 5);
        mesh.ellipsoid(
            Material::Gold,
            center - Vec3::Y * radius * 1.25,
            Vec3::splat(0.062 * amount),
            6,
        );
    }
}
