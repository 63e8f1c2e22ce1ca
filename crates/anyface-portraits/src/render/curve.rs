//! The scalar curves from which shapes and colours are built, and fixed noise.

use glam::{FloatExt, Vec3};

/// Hermite step from 0 at `from` to 1 at `to`; `from > to` steps down.
pub(super) fn smoothstep(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// A bump of height 1 at 0: within 0.04 of the Gaussian of standard deviation 1, but 0 beyond 4 and
/// much cheaper.
pub(super) fn bump(x: f32) -> f32 {
    kernel(x * x)
}

/// [`bump`] of the distance from the origin of the plane.
pub(super) fn bump2(x: f32, y: f32) -> f32 {
    kernel(x * x + y * y)
}

fn kernel(squared: f32) -> f32 {
    let k = (1.0 - squared / 16.0).max(0.0);
    let k = k * k;
    let k = k * k;
    k * k
}

/// The greater of two values with the corner rounded over a width of `radius`.
pub(super) fn smooth_max(a: f32, b: f32, radius: f32) -> f32 {
    let h = (radius - (a - b).abs()).max(0.0) / radius;
    a.max(b) + h * h * radius * 0.25
}

/// A fixed number in [0, 1) for each seed.
pub(super) fn hash(seed: u32) -> f32 {
    let mut h = seed.wrapping_mul(0x9E37_79B9) ^ 0x85EB_CA6B;
    h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
    h ^= h >> 15;
    (h >> 8) as f32 / (1 << 24) as f32
}

fn lattice(x: i32, y: i32, z: i32) -> f32 {
    hash(x as u32 ^ (y as u32).wrapping_mul(0x1F12_3BB5) ^ (z as u32).wrapping_mul(0x5F35_6495))
}

/// Value noise in [0, 1], smooth at a scale of one unit.
pub(super) fn noise(p: Vec3) -> f32 {
    let cell = p.floor();
    let f = p - cell;
    let f = f * f * (3.0 - 2.0 * f);
    let [x, y, z] = [cell.x as i32, cell.y as i32, cell.z as i32];
    let edge = |y, z| lattice(x, y, z).lerp(lattice(x + 1, y, z), f.x);
    let face = |z| edge(y, z).lerp(edge(y + 1, z), f.y);
    face(z).lerp(face(z + 1), f.z)
}
