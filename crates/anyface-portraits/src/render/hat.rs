//! Hats: knitted cap, brimmed hat, baseball cap. The coordinate is (angle, height, part).

use std::f32::consts::{PI, TAU};

use glam::{FloatExt, Vec3};

use super::anatomy::Anatomy;
use super::curve::{bump, noise, smoothstep};
use super::mesh::{Material, Mesh};
use crate::face::{Hat, Wear};

/// Appends `hat` on a head of that anatomy.
pub(super) fn build(mesh: &mut Mesh, hat: Hat, anatomy: &Anatomy) {
    match hat {
        Hat::KnittedCap => knitted_cap(mesh, anatomy),
        Hat::Brimmed => brimmed(mesh, anatomy),
        Hat::BaseballCap => baseball_cap(mesh, anatomy),
    }
}

/// Half axes of the section of a head on which hats sit, grown by `gap`.
fn girth(anatomy: &Anatomy, gap: f32) -> (f32, f32) {
    (anatomy.width + gap, 0.90 + gap)
}

/// The surface of a dome from its rim (v = 0) at `rim` to `top` (v = 1).
fn dome(
    anatomy: &Anatomy,
    gap: f32,
    rim: f32,
    top: f32,
    theta: f32,
    v: f32,
    fullness: f32,
) -> Vec3 {
    let (rx, rz) = girth(anatomy, gap);
    let (sin_v, cos_v) = (v * PI / 2.0).sin_cos();
    let r = cos_v.max(0.0).powf(fullness);
    Vec3::new(
        rx * theta.sin() * r,
        rim.lerp(top, sin_v),
        rz * theta.cos() * r - 0.06,
    )
}

/// Lowers the back of a hat and raises its front.
fn tilted(p: Vec3, slope: f32) -> Vec3 {
    p + Vec3::Y * (slope * p.z)
}

fn knitted_cap(mesh: &mut Mesh, anatomy: &Anatomy) {
    let top = anatomy.crown + 0.20;
    mesh.sheet(Material::Hat, (48, 18), |u, v| {
        let theta = (2.0 * u - 1.0) * PI;
        let p = dome(anatomy, 0.13, 0.40, top, theta, v, 0.75);
        (tilted(p, 0.13), Vec3::new(theta, v, 0.0))
    });
    // The turned-up rim.
    mesh.sheet(Material::Hat, (48, 8), |u, v| {
        let theta = (2.0 * u - 1.0) * PI;
        let swell = (v * PI).sin().max(0.0).sqrt();
        let (rx, rz) = girth(anatomy, 0.09 + 0.11 * swell - 0.03 * v);
        let p = Vec3::new(
            rx * theta.sin(),
            0.32.lerp(0.66, v),
            rz * theta.cos() - 0.06,
        );
        (tilted(p, 0.13), Vec3::new(theta, 0.5 * v, 1.0))
    });
}

fn brimmed(mesh: &mut Mesh, anatomy: &Anatomy) {
    let top = anatomy.crown + 0.30;
    let rim = 0.50;
    mesh.sheet(Material::Hat, (48, 20), |u, v| {
        let theta = (2.0 * u - 1.0) * PI;
        let p = dome(anatomy, 0.07, rim, top, theta, v, 0.38);
        let dent = 0.10 * smoothstep(0.6, 1.0, v) * bump(p.x / 0.2);
        let band = 2.0 * smoothstep(0.25, 0.23, v);
        (
            tilted(p - Vec3::Y * dent, 0.05),
            Vec3::new(theta, p.y, band),
        )
    });
    mesh.sheet(Material::Hat, (48, 10), |u, v| {
        let theta = (2.0 * u - 1.0) * PI;
        let (rx, rz) = girth(anatomy, 0.05 + 0.56 * (1.0 - v));
        let curl =
            0.16 * (1.0 - v).powi(2) * theta.sin().powi(2) - 0.06 * (1.0 - v) * theta.cos().powi(2);
        let p = Vec3::new(rx * theta.sin(), rim + 0.02 + curl, rz * theta.cos() - 0.06);
        (tilted(p, 0.05), Vec3::new(theta, 1.0 - v, 0.0))
    });
}

fn baseball_cap(mesh: &mut Mesh, anatomy: &Anatomy) {
    let top = anatomy.crown + 0.17;
    let rim = 0.44;
    mesh.sheet(Material::Hat, (48, 18), |u, v| {
        let theta = (2.0 * u - 1.0) * PI;
        let p = dome(anatomy, 0.09, rim, top, theta, v, 0.78);
        (tilted(p, 0.08), Vec3::new(theta, v, 0.0))
    });
    let button = tilted(Vec3::new(0.0, top, -0.06), 0.08);
    let range = mesh.ellipsoid(Material::Hat, button, Vec3::new(0.07, 0.04, 0.07), 5);
    for vertex in &mut mesh.vertices[range] {
        vertex.coord = Vec3::new(0.5, 0.0, 1.0);
    }
    // The visor, thick enough to show an edge.
    for (sheet, drop) in [(1.0f32, 0.0), (-1.0, 0.035)] {
        mesh.sheet(Material::Hat, (24, 8), |u, v| {
            let theta = sheet * (2.0 * u - 1.0) * 1.15;
            let out = 1.0 - v;
            let (rx, rz) = girth(anatomy, 0.085);
            let reach = 0.62 * out * (theta * 1.15).cos().max(0.0).powf(0.45);
            let arch = -0.16 * (theta / 1.15).powi(2) - 0.13 * out;
            let base = Vec3::new(
                rx * theta.sin(),
                rim + 0.03 + arch - drop,
                rz * theta.cos() - 0.06,
            );
            (
                tilted(base + Vec3::new(0.0, 0.0, reach), 0.08),
                Vec3::new(theta, out, 1.0),
            )
        });
    }
}

/// Linear RGB at `coord` of the hat worn: knitted ribs, a cap's seams and badge, or felt with a
/// band.
pub(super) fn color(wear: &Wear, coord: Vec3) -> Vec3 {
    let base = Vec3::from(wear.hat_color);
    let [around, up, part] = coord.to_array();
    match wear.hat {
        Some(Hat::KnittedCap) => {
            let ribs = (around * if part > 0.5 { 62.0 } else { 44.0 }).sin();
            let rows = (up * 46.0 + 1.6 * ribs).sin();
            base * (1.0 + 0.20 * ribs + 0.12 * rows) * 0.9.lerp(1.12, part)
        }
        Some(Hat::BaseballCap) => {
            let crown = smoothstep(0.5, 0.0, part);
            let panel = (around / TAU * 6.0 + 0.5).fract() - 0.5;
            let seam = 1.0 - 0.45 * bump(panel / 0.018) * crown;
            let from_badge = (around / 0.27).powi(2) + ((up - 0.36) / 0.14).powi(2);
            let badge = smoothstep(1.1, 0.9, from_badge) * crown;
            base.lerp(Vec3::splat(0.85), 0.9 * badge) * seam
        }
        _ => {
            let weave = noise(Vec3::new(around * 40.0, up * 40.0, part * 7.0)) - 0.5;
            let band = smoothstep(1.5, 1.6, part);
            base.lerp(base * 0.12 + Vec3::splat(0.01), band) * (1.0 + 0.12 * weave)
        }
    }
}
