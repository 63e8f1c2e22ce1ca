//! The surface of head and ears, the eyeballs and the inside of the mouth.

use std::f32::consts::PI;

use glam::{FloatExt, Vec3};

use super::anatomy::Anatomy;
use super::curve::{bump, bump2, smooth_max, smoothstep};
use super::mesh::{Material, Mesh};
use crate::face::Face;

/// The head's surface as a function of direction or of a point of the face.
pub(super) struct Head<'a> {
    face: &'a Face,
    anatomy: &'a Anatomy,
    /// z of the face behind the tip of the nose.
    nose_base: f32,
}

/// z of a sphere whose front is at `front`, at (x, y) from its middle; far behind beside it.
fn sphere(x: f32, y: f32, radius: f32, front: f32) -> f32 {
    let d2 = (x * x + y * y) / (radius * radius);
    if d2 < 1.0 {
        front - radius * (1.0 - (1.0 - d2).sqrt())
    } else {
        front - radius - 1.5 * radius * (d2.sqrt() - 1.0)
    }
}

impl<'a> Head<'a> {
    pub(super) fn new(face: &'a Face, anatomy: &'a Anatomy) -> Self {
        Self {
            face,
            anatomy,
            nose_base: anatomy.ring_at(anatomy.nose.tip).front_z(0.0),
        }
    }

    /// The skull without features, at polar angles `theta` (0 in front) and `phi` (0 at the top).
    pub(super) fn skull(&self, theta: f32, phi: f32) -> Vec3 {
        self.anatomy.ring(phi).at(theta)
    }

    /// The surface at polar angles.
    fn at(&self, theta: f32, phi: f32) -> Vec3 {
        let p = self.skull(theta, phi);
        let front = smoothstep(0.0, 0.35, theta.cos());
        if front == 0.0 {
            return p;
        }
        let z = self.featured_z(p.x, p.y, p.z);
        Vec3::new(p.x, p.y, p.z.lerp(z, front))
    }

    /// The surface seen from the front at (x, y).
    pub(super) fn front(&self, x: f32, y: f32) -> Vec3 {
        let ring = self.anatomy.ring_at(y);
        let z = ring.front_z(x / ring.half_width.max(1e-3));
        Vec3::new(x, y, self.featured_z(x, y, z))
    }

    /// Outward normal of [`Head::front`].
    pub(super) fn front_normal(&self, x: f32, y: f32) -> Vec3 {
        let e = 0.02;
        let dx = self.front(x + e, y) - self.front(x - e, y);
        let dy = self.front(x, y + e) - self.front(x, y - e);
        dx.cross(dy).normalize_or(Vec3::Z)
    }

    /// Height field of the face: features on top of the skull's `z`.
    fn featured_z(&self, x: f32, y: f32, z: f32) -> f32 {
        let a = self.anatomy;
        let face = z + self.bones(x.abs(), y) + self.lips(x, y);
        let face = self.nose(x.abs(), y, face);
        let side = if x < 0.0 { -1.0 } else { 1.0 };
        let center = a.eye.center(side);
        let reach = a.eye.radius * 1.07;
        let d2 = (x - center.x).powi(2) + (y - center.y).powi(2);
        if d2 >= reach * reach {
            return face;
        }
        smooth_max(face, center.z + (reach * reach - d2).sqrt(), 0.15)
    }

    fn bones(&self, m: f32, y: f32) -> f32 {
        let a = self.anatomy;
        let (shape, act) = (&self.face.shape, &self.face.expression);
        let eye = a.eye.center;
        let smile = act.smile.max(0.0);
        let brow_y = eye.y + 0.27;
        let ridge = 0.025 + 0.055 * a.male + 0.03 * act.scowl;
        let cheekbone = (0.055 * shape.cheekbones).clamp(-0.06, 0.12);
        let apple = 0.035 + 0.045 * smile + 0.03 * a.child + 0.05 * self.face.weight.max(-0.6);
        let sag = 0.02 * a.mature + 0.025 * a.old;
        ridge * bump2((m - 0.28) / 0.20, (y - brow_y) / 0.075)
            - 0.075 * bump2((m - eye.x) / 0.20, (y - eye.y - 0.03) / 0.14)
            - 0.07 * bump2(m / 0.12, (y - eye.y - 0.08) / 0.12)
            + (0.03 + cheekbone) * bump2((m - 0.50) / 0.13, (y - eye.y + 0.27) / 0.09)
            - (0.02 + 1.3 * cheekbone.max(0.0)) * bump2((m - 0.54) / 0.12, (y + 0.56) / 0.13)
            + apple * bump2((m - 0.40) / 0.17, (y + 0.33 - 0.05 * smile) / 0.15)
            + sag * bump2((m - 0.42) / 0.10, (y + 0.80) / 0.12)
            + 0.036
                * (1.0 - 0.7 * self.face.skin.eye_bags.clamp(0.0, 1.0))
                * bump2((m - eye.x) / 0.17, (y - eye.y + 0.21) / 0.075)
            + 0.06 * bump2(m / 0.28, (y - a.mouth.y) / 0.18)
            - 0.035
                * bump2(
                    m / 0.16,
                    (y - a.mouth.y + 0.215 + a.mouth.open * 0.75) / 0.05,
                )
            + (0.075 + 0.03 * a.male)
                * bump2(m / (0.17 + 0.05 * a.male), (y + a.chin - 0.13) / 0.11)
    }

    /// Lays the nose over `face`: a ridge, and spheres for tip and wings.
    fn nose(&self, m: f32, y: f32, face: f32) -> f32 {
        let a = self.anatomy;
        let nose = &a.nose;
        let (size, tip) = (nose.size, nose.tip);
        let top = a.eye.center.y + 0.16;
        if m > 0.6 || !(tip - 0.4..top + 0.2).contains(&y) {
            return face;
        }
        let t = (top - y) / (top - tip);
        let down = t.clamp(0.0, 1.0);
        let profile = (0.20 + 0.80 * down.powf(1.4)) * smoothstep(-0.25, 0.25, t);
        let under = if t > 1.0 { bump((y - tip) / 0.06) } else { 1.0 };
        let width = (0.056 + 0.022 * down * down * (1.0 - nose.point)) * size.powf(0.7);
        let face = face + 0.78 * nose.height * profile * under * bump(m / width);
        let tip_z = self.nose_base + nose.height * (1.0 + 0.38 * nose.point);
        let spike = 0.13
            * size
            * nose.point.max(0.0)
            * bump2(m / (0.045 * size), (y - tip) / (0.055 * size));
        let wing_z = self.nose_base + 0.42 * nose.height;
        let face = smooth_max(face, sphere(m, y - tip - 0.01, nose.ball, tip_z), 0.06);
        smooth_max(
            face,
            sphere(m - nose.wing_x, y - nose.wing_y, nose.wing, wing_z),
            0.04,
        ) + spike
    }

    fn lips(&self, x: f32, y: f32) -> f32 {
        let mouth = &self.anatomy.mouth;
        let s = mouth.across(x);
        if s.abs() > 1.3 || (y - mouth.y).abs() > 0.6 {
            return 0.0;
        }
        let ends = (1.0 - s * s).max(0.0).sqrt();
        let swell = |edge: f32, outline: f32, height: f32| {
            let thickness = (outline - edge).abs().max(0.02);
            let along = (y - edge) / (outline - edge).signum() / thickness;
            height * bump((along - 0.42) / 0.48)
        };
        let upper = swell(
            mouth.upper_edge(s),
            mouth.upper_outline(s),
            0.25 * mouth.upper_lip + 0.03,
        );
        let lower = swell(
            mouth.lower_edge(s),
            mouth.lower_outline(s),
            0.30 * mouth.lower_lip + 0.035,
        );
        let crease = -0.03 * bump((y - mouth.line(s)) / 0.018) * bump(mouth.open / 0.02);
        let corner = -0.035 * bump2((s.abs() - 1.0) / 0.12, (y - mouth.line(1.0)) / 0.04);
        ends * (upper.max(lower) + crease) + corner
    }

    /// Appends head, ears, eyeballs and the inside of the mouth.
    pub(super) fn build(&self, mesh: &mut Mesh) {
        self.surface(mesh);
        for side in [-1.0, 1.0] {
            self.ear(mesh, side);
            let center = self.anatomy.eye.center(side);
            let radius = self.anatomy.eye.radius;
            let range = mesh.ellipsoid(Material::Eye, center, Vec3::splat(radius), 14);
            for vertex in &mut mesh.vertices[range] {
                vertex.coord = vertex.position;
            }
        }
        self.mouth_inside(mesh);
    }

    fn surface(&self, mesh: &mut Mesh) {
        const CELLS: (usize, usize) = (112, 112);
        let first = mesh.triangles.len();
        mesh.sheet(Material::Skin, CELLS, |u, v| {
            let s = 2.0 * u - 1.0;
            let theta = PI * (0.38 * s + 0.62 * s * s * s);
            // Few rings for the skull's top, which hair covers; many for the face.
            let phi = PI
                * if v > 0.85 {
                    (1.0 - v) / 0.15 * 0.32
                } else {
                    1.0 - v / 0.85 * 0.68
                };
            let p = self.at(theta, phi.clamp(0.002, PI - 0.002));
            (p, p)
        });
        let (eye, mouth) = (&self.anatomy.eye, &self.anatomy.mouth);
        for t in &mut mesh.triangles[first..] {
            let p = mesh.vertices[t.corners[0] as usize].position;
            let near = eye.opening(p.x, p.y) > -0.05 || mouth.opening(p.x, p.y) > -0.05;
            if near && p.z > 0.2 {
                t.material = Material::SkinWithOpenings;
            }
        }
    }

    fn ear_size(&self) -> f32 {
        let a = self.anatomy;
        (0.9 + 0.05 * a.male + 0.12 * a.old + 0.12 * a.child)
            * (0.38 * self.face.shape.ears).clamp(-0.8, 0.9).exp()
    }

    /// Middle of the line where the ear on `side` meets the head.
    fn ear_root(&self, side: f32) -> Vec3 {
        let x = self.anatomy.ring_at(-0.08).half_width - 0.05;
        Vec3::new(x * side, -0.10 + 0.12 * (self.ear_size() - 0.9), -0.06)
    }

    /// Direction from the root of the ear on `side` to its rim.
    fn ear_out(&self, side: f32) -> Vec3 {
        let (sin, cos) = (0.5 + 0.17 * self.face.shape.ears.clamp(-1.5, 2.0)).sin_cos();
        Vec3::new(side * sin, 0.0, -cos)
    }

    /// Where an earring hangs on `side`.
    pub(super) fn ear_lobe(&self, side: f32) -> Vec3 {
        let size = self.ear_size();
        self.ear_root(side)
            + self.ear_out(side) * (0.13 * size)
            + Vec3::new(0.05 * side, -0.25 * size, 0.05)
    }

    fn ear(&self, mesh: &mut Mesh, side: f32) {
        let size = self.ear_size();
        let root = self.ear_root(side);
        let out = self.ear_out(side);
        let face = out.cross(Vec3::Y) * -side;
        let range = mesh.sheet(Material::Skin, (28, 10), |u, v| {
            // Rings from the edge behind (v = 0) over the rim to the middle of the shell (v = 1).
            let angle = side * u * 2.0 * PI;
            let (sin, cos) = angle.sin_cos();
            let radius = 1.0 - (2.0 * v - 0.45).clamp(0.0, 1.0) * 0.98 - 0.06 * bump(v / 0.12);
            let lobe = 1.0 - 0.28 * smoothstep(0.1, -1.0, cos);
            let across = (0.5 + 0.5 * side * sin * lobe) * 0.30 - 0.02;
            let across = 0.13 + (across - 0.13) * radius;
            let up = 0.27 * cos * radius;
            let rim = 0.055 * bump((v - 0.25) / 0.14)
                - 0.055 * smoothstep(0.4, 0.8, v)
                - 0.03 * smoothstep(0.15, 0.0, v);
            let inner_fold = 0.035 * bump((v - 0.62) / 0.07) * smoothstep(-0.3, 0.3, side * sin);
            let p = root + (out * across + Vec3::Y * up + face * (rim + inner_fold)) * size;
            (p, p)
        });
        for vertex in &mut mesh.vertices[range] {
            // Skin colour of the ear is that of the side of the head.
            vertex.coord = Vec3::new(side * 0.95, vertex.position.y * 0.2, -0.2);
        }
    }

    fn mouth_inside(&self, mesh: &mut Mesh) {
        let mouth = &self.anatomy.mouth;
        let (top, bottom) = (mouth.y + 0.20, mouth.y - 0.75 * mouth.open - 0.15);
        mesh.sheet(Material::Mouth, (14, 14), |u, v| {
            let y = bottom.lerp(top, v);
            let room = 0.85 * self.anatomy.ring_at(y).half_width;
            let x = (2.0 * u - 1.0) * (1.15 * mouth.half_width).min(room);
            let p = self.front(x, y) - Vec3::Z * 0.09;
            (p, p)
        });
    }
}
