//! The renderer: meshes from a [`Face`], visibility, then deferred shading.

mod anatomy;
mod cloth;
mod curve;
mod hair;
mod hat;
mod head;
mod mesh;
mod raster;
mod scalp;
mod shade;
mod skin;
mod trinkets;
mod whiskers;

use glam::{Mat3, Vec3};
use image::{Rgb, RgbImage};

use crate::face::Face;
use anatomy::Anatomy;
use cloth::Clothes;
use curve::smoothstep;
use hair::Hairdo;
use head::Head;
use mesh::Mesh;
use raster::{Camera, ShadowMap, Visibility};
use scalp::Scalp;
use shade::{Lamps, Shader};
use skin::Complexion;
use whiskers::Whiskers;

/// Samples along each side of a pixel.
const SUPERSAMPLING: usize = 2;
/// The joint of head and neck.
const PIVOT: Vec3 = Vec3::new(0.0, -0.75, -0.2);

/// Draws `face` on `size`² pixels. The same face always gives the same bytes; a small change of a
/// parameter makes a small change of the picture.
pub fn render(face: &Face, size: u32) -> RgbImage {
    let samples = size as usize * SUPERSAMPLING;
    let anatomy = Anatomy::new(face);
    let scalp = Scalp::new(face, &anatomy);
    let camera = Camera::new(samples);
    let turn = Mat3::from_rotation_y(-face.pose.yaw) * Mat3::from_rotation_x(face.pose.pitch);
    let mesh = assemble(face, &anatomy, &scalp, turn);

    let lamps = Lamps::new(face);
    let shadows = ShadowMap::new(&mesh, lamps.key);
    let opening = |p: Vec3| {
        p.z > 0.2 && (anatomy.eye.opening(p.x, p.y) > 0.0 || anatomy.mouth.opening(p.x, p.y) > 0.0)
    };
    let visibility = Visibility::new(&mesh, &camera, samples, opening);
    let shader = Shader {
        face,
        anatomy: &anatomy,
        complexion: Complexion::new(face, &anatomy, &scalp),
        clothes: Clothes::new(face, &anatomy),
        lamps,
        shadows,
        camera,
        turn,
    };
    resolve(&shader, &visibility, &mesh, size)
}

/// All meshes of the portrait in the frame of the picture.
fn assemble(face: &Face, anatomy: &Anatomy, scalp: &Scalp, turn: Mat3) -> Mesh {
    let mut mesh = Mesh::default();
    let head = Head::new(face, anatomy);
    let view = turn.transpose() * Vec3::Z;
    head.build(&mut mesh);
    Hairdo::new(face, anatomy, scalp, view).build(&mut mesh, &head);
    Whiskers {
        face,
        anatomy,
        scalp,
        head: &head,
        view,
    }
    .build(&mut mesh);
    if let Some(hat) = face.wear.hat {
        hat::build(&mut mesh, hat, anatomy);
    }
    trinkets::glasses(&mut mesh, &face.wear, anatomy, &head);
    trinkets::earrings(&mut mesh, &face.wear, &head);
    // Old people stoop: the head sits lower between the shoulders.
    let stoop = Vec3::NEG_Y * (0.07 * anatomy.old);
    let end = mesh.vertices.len();
    mesh.turn(0..end, turn, PIVOT, stoop, |_| 1.0);
    let body = Clothes::new(face, anatomy).build(&mut mesh);
    mesh.turn(body, turn, PIVOT, -0.3 * stoop, |p| {
        smoothstep(-1.5, -0.85, p.y)
    });
    mesh
}

/// Shades every sample and averages them to pixels.
fn resolve(shader: &Shader<'_>, visibility: &Visibility, mesh: &Mesh, size: u32) -> RgbImage {
    let samples = size as usize * SUPERSAMPLING;
    let occlusion = occlusion(&visibility.depths(), samples);
    let half = samples as f32 / 2.0;
    let sample = |x: usize, y: usize| {
        let at = y * samples + x;
        let color = match visibility.hit(mesh, at) {
            Some(hit) => shader.color(&hit, occlusion[at]),
            None => shader.background((x as f32 + 0.5) / half - 1.0, 1.0 - (y as f32 + 0.5) / half),
        };
        let color = match visibility.lens(mesh, at) {
            Some(lens) => shader.lens(&lens, color),
            None => color,
        };
        film(color)
    };
    RgbImage::from_fn(size, size, |px, py| {
        let mut sum = Vec3::ZERO;
        for sy in 0..SUPERSAMPLING {
            for sx in 0..SUPERSAMPLING {
                let x = px as usize * SUPERSAMPLING + sx;
                sum += sample(x, py as usize * SUPERSAMPLING + sy);
            }
        }
        let mean = sum / (SUPERSAMPLING * SUPERSAMPLING) as f32;
        Rgb(mean
            .to_array()
            .map(|v| (v * 255.0 + 0.5).clamp(0.0, 255.0) as u8))
    })
}

/// Film-like response to linear light, in display values from 0 to 1.
fn film(color: Vec3) -> Vec3 {
    let x = color.max(Vec3::ZERO) * 0.76;
    // Linear in the shadows, a soft shoulder above; the root stands for sRGB's curve.
    let mapped = x * (1.0 + x * 0.18) / (1.0 + 0.62 * x);
    Vec3::from_array(mapped.to_array().map(|v| v.min(1.0).sqrt()))
}

/// Share of ambient light at each sample by unsharp masking of depth (Luft, Colditz and Deussen
/// 2006): what lies behind its surroundings is dark.
fn occlusion(depths: &[f32], samples: usize) -> Vec<f32> {
    let radius = samples / 22;
    let blurred = box_blur(&box_blur(depths, samples, radius), samples, radius);
    let share = |(&depth, &mean): (&f32, &f32)| {
        let behind = (depth - mean).clamp(-0.15, 0.45);
        1.0 - 0.75 * (behind - 0.01).max(0.0) / 0.30
    };
    depths
        .iter()
        .zip(&blurred)
        .map(|pair| share(pair).clamp(0.35, 1.0))
        .collect()
}

/// Running mean along rows, transposed: twice gives a box in both directions.
fn box_blur(values: &[f32], side: usize, radius: usize) -> Vec<f32> {
    let mut out = vec![0.0; values.len()];
    for (y, row) in values.chunks_exact(side).enumerate() {
        let clamped = |i: isize| row[i.clamp(0, side as isize - 1) as usize];
        let r = radius as isize;
        let mut sum: f32 = (-r..=r).map(clamped).sum();
        for x in 0..side {
            out[x * side + y] = sum / (2 * radius + 1) as f32;
            sum += clamped(x as isize + r + 1) - clamped(x as isize - r);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::latent::LATENT_DIM;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn geometry_is_finite_and_near(z in vec(-8.0f32..8.0, LATENT_DIM)) {
            let face = Face::from_latent(&z);
            let anatomy = Anatomy::new(&face);
            let scalp = Scalp::new(&face, &anatomy);
            for vertex in assemble(&face, &anatomy, &scalp, Mat3::IDENTITY).vertices {
                prop_assert!(vertex.position.length() < 4.0, "{vertex:?}");
                prop_assert!(vertex.normal.is_finite() && vertex.coord.is_finite());
            }
        }
    }
}
