//! Visibility: which triangle each sample of the picture sees, and what the key light sees.

use glam::{Mat3, Vec2, Vec3};

use super::mesh::{Material, Mesh, Vertex};

/// Distance of the camera from the head's centre, in head units: a long, portrait lens.
const CAMERA_DISTANCE: f32 = 9.0;
/// Head units that the picture spans at the head's centre.
const SPAN: f32 = 3.10;
/// Height in head units of the middle of the picture.
const MIDDLE: f32 = -0.14;

/// The camera: looks along −z at the head's centre.
#[derive(Debug, Clone, Copy)]
pub(super) struct Camera {
    scale: f32,
    half: f32,
}

impl Camera {
    /// For a picture of `samples`² samples.
    pub(super) fn new(samples: usize) -> Self {
        Self {
            scale: CAMERA_DISTANCE * samples as f32 / SPAN,
            half: samples as f32 / 2.0,
        }
    }

    /// Sample coordinates and nearness (greater is nearer).
    fn project(&self, p: Vec3) -> Vec3 {
        let near = 1.0 / (CAMERA_DISTANCE - p.z);
        let y = p.y - MIDDLE;
        Vec3::new(
            self.half + p.x * near * self.scale,
            self.half - y * near * self.scale,
            near,
        )
    }

    /// Direction from `p` to the eye of the camera.
    pub(super) fn view(&self, p: Vec3) -> Vec3 {
        (Vec3::new(0.0, MIDDLE, CAMERA_DISTANCE) - p).normalize()
    }
}

/// No triangle.
const NOTHING: u32 = u32::MAX;

/// For each sample the nearest triangle.
pub(super) struct Visibility {
    samples: usize,
    nearness: Vec<f32>,
    triangle: Vec<u32>,
    /// The nearest lens before it.
    lens: Vec<u32>,
    screen: Vec<Vec3>,
}

/// A point of a triangle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) material: Material,
    pub(super) vertex: Vertex,
}

impl Visibility {
    /// Draws `mesh` for `samples`² samples. `is_opening` cuts holes in
    /// [`Material::SkinWithOpenings`] by their coordinate.
    pub(super) fn new(
        mesh: &Mesh,
        camera: &Camera,
        samples: usize,
        is_opening: impl Fn(Vec3) -> bool,
    ) -> Self {
        let screen: Vec<Vec3> = mesh
            .vertices
            .iter()
            .map(|v| camera.project(v.position))
            .collect();
        let mut nearness = vec![0.0f32; samples * samples];
        let mut triangle = vec![NOTHING; samples * samples];
        for (index, t) in mesh.triangles.iter().enumerate() {
            if t.material == Material::Lens {
                continue;
            }
            let cut = t.material == Material::SkinWithOpenings;
            scan(
                t.corners.map(|c| screen[c as usize]),
                samples,
                |at, weights, near| {
                    if near <= nearness[at] {
                        return;
                    }
                    if cut {
                        let [a, b, c] = t.corners.map(|c| mesh.vertices[c as usize].coord);
                        if is_opening(a * weights.x + b * weights.y + c * weights.z) {
                            return;
                        }
                    }
                    nearness[at] = near;
                    triangle[at] = index as u32;
                },
            );
        }
        let mut lens = vec![NOTHING; samples * samples];
        for (index, t) in mesh.triangles.iter().enumerate() {
            if t.material == Material::Lens {
                scan(
                    t.corners.map(|c| screen[c as usize]),
                    samples,
                    |at, _, near| {
                        if near > nearness[at] {
                            lens[at] = index as u32;
                        }
                    },
                );
            }
        }
        Self {
            samples,
            nearness,
            triangle,
            lens,
            screen,
        }
    }

    /// What sample `at` (row-major) sees, if not the background.
    pub(super) fn hit(&self, mesh: &Mesh, at: usize) -> Option<Hit> {
        self.point(mesh, self.triangle[at], at)
    }

    /// The lens before it, if any.
    pub(super) fn lens(&self, mesh: &Mesh, at: usize) -> Option<Hit> {
        self.point(mesh, self.lens[at], at)
    }

    /// Distance from the camera of each sample; the background is far.
    pub(super) fn depths(&self) -> Vec<f32> {
        self.nearness
            .iter()
            .map(|&n| {
                if n > 0.0 {
                    1.0 / n
                } else {
                    CAMERA_DISTANCE + 1.0
                }
            })
            .collect()
    }

    fn point(&self, mesh: &Mesh, index: u32, at: usize) -> Option<Hit> {
        let triangle = mesh.triangles.get(index as usize)?;
        let p = Vec2::new(
            (at % self.samples) as f32 + 0.5,
            (at / self.samples) as f32 + 0.5,
        );
        let weights = barycentric(triangle.corners.map(|c| self.screen[c as usize]), p)?;
        let [a, b, c] = triangle.corners.map(|c| &mesh.vertices[c as usize]);
        let blend = |x: Vec3, y: Vec3, z: Vec3| x * weights.x + y * weights.y + z * weights.z;
        let vertex = Vertex {
            position: blend(a.position, b.position, c.position),
            normal: blend(a.normal, b.normal, c.normal).normalize_or(Vec3::Z),
            coord: blend(a.coord, b.coord, c.coord),
            tint: Vec3::new(a.tint, b.tint, c.tint).dot(weights),
        };
        Some(Hit {
            material: triangle.material,
            vertex,
        })
    }
}

fn barycentric([a, b, c]: [Vec3; 3], p: Vec2) -> Option<Vec3> {
    let (a, b, c) = (a.truncate(), b.truncate(), c.truncate());
    let area = (b - a).perp_dot(c - a);
    if area.abs() < 1e-9 {
        return None;
    }
    let wa = (b - p).perp_dot(c - p) / area;
    let wb = (c - p).perp_dot(a - p) / area;
    Some(Vec3::new(wa, wb, 1.0 - wa - wb))
}

/// Visits the samples of a `size`² raster whose centres lie in a triangle with (index, barycentric
/// weights, interpolated third coordinate).
fn scan(corners: [Vec3; 3], size: usize, mut visit: impl FnMut(usize, Vec3, f32)) {
    let [a, b, c] = corners;
    let area = (b - a).truncate().perp_dot((c - a).truncate());
    if area.abs() < 1e-9 {
        return;
    }
    let low = a.min(b).min(c);
    let high = a.max(b).max(c);
    let limit = size as i32 - 1;
    let (x0, x1) = (ceil(low.x - 0.5).max(0), floor(high.x - 0.5).min(limit));
    let (y0, y1) = (ceil(low.y - 0.5).max(0), floor(high.y - 0.5).min(limit));
    if x0 > x1 || y0 > y1 {
        return;
    }
    // Each weight is linear: its value at the centre of sample (0, y) and its slope along x.
    let step_a = Vec2::new(b.y - c.y, c.x - b.x) / area;
    let step_b = Vec2::new(c.y - a.y, a.x - c.x) / area;
    let slope = Vec3::new(step_a.x, step_b.x, -step_a.x - step_b.x);
    let inverse = slope.recip();
    let depths = Vec3::new(a.z, b.z, c.z);
    for y in y0..=y1 {
        let d = Vec2::new(0.5 - c.x, y as f32 + 0.5 - c.y);
        let (wa, wb) = (step_a.dot(d), step_b.dot(d));
        let start = Vec3::new(wa, wb, 1.0 - wa - wb);
        let (mut from, mut to) = (x0, x1);
        for edge in 0..3 {
            let zero = -start[edge] * inverse[edge];
            if slope[edge] > 0.0 {
                from = from.max(ceil(zero));
            } else if slope[edge] < 0.0 {
                to = to.min(floor(zero));
            } else if start[edge] < 0.0 {
                to = -1;
            }
        }
        for x in from..=to {
            let weights = start + slope * x as f32;
            visit(y as usize * size + x as usize, weights, depths.dot(weights));
        }
    }
}

/// Least integer not below `x`, without the library call of [`f32::ceil`].
fn ceil(x: f32) -> i32 {
    let whole = x as i32;
    whole.saturating_add(i32::from(x > whole as f32))
}

/// Greatest integer not above `x`.
fn floor(x: f32) -> i32 {
    let whole = x as i32;
    whole.saturating_sub(i32::from(x < whole as f32))
}

/// Depth of the scene as the key light sees it.
pub(super) struct ShadowMap {
    /// Rows: right, up, towards the light.
    frame: Mat3,
    depth: Vec<f32>,
}

impl ShadowMap {
    const SIZE: usize = 224;
    /// Half the extent that the map covers, in head units.
    const REACH: f32 = 1.9;
    /// Height of the middle of the map.
    const CENTER: Vec3 = Vec3::new(0.0, -0.2, 0.0);
    /// Radius of the penumbra, in texels.
    const SOFTNESS: f32 = 2.2;
    const BIAS: f32 = 0.035;

    /// Draws `mesh` from the direction `light`.
    pub(super) fn new(mesh: &Mesh, light: Vec3) -> Self {
        let right = Vec3::Y.cross(light).normalize();
        let frame = Mat3::from_cols(right, light.cross(right), light).transpose();
        let texel = Self::SIZE as f32 / (2.0 * Self::REACH);
        let half = Vec3::new(Self::SIZE as f32 / 2.0, Self::SIZE as f32 / 2.0, 0.0);
        let projected: Vec<Vec3> = mesh
            .vertices
            .iter()
            .map(|v| frame * (v.position - Self::CENTER) * Vec3::new(texel, texel, 1.0) + half)
            .collect();
        let mut depth = vec![f32::NEG_INFINITY; Self::SIZE * Self::SIZE];
        for t in &mesh.triangles {
            if t.material != Material::Lens {
                scan(
                    t.corners.map(|c| projected[c as usize]),
                    Self::SIZE,
                    |at, _, near| {
                        depth[at] = depth[at].max(near);
                    },
                );
            }
        }
        Self { frame, depth }
    }

    /// Share of the key light that reaches `p`, from 0 to 1, with a soft edge.
    pub(super) fn lit(&self, p: Vec3, normal: Vec3) -> f32 {
        /// A disc of taps.
        const TAPS: [(f32, f32); 9] = [
            (0.0, 0.0),
            (0.5, 0.2),
            (-0.2, 0.5),
            (-0.5, -0.2),
            (0.2, -0.5),
            (0.75, 0.65),
            (-0.65, 0.75),
            (-0.75, -0.65),
            (0.65, -0.75),
        ];
        let q = self.frame * (p + normal * Self::BIAS - Self::CENTER);
        let texel = Self::SIZE as f32 / (2.0 * Self::REACH);
        let half = Self::SIZE as f32 / 2.0;
        let lit = TAPS.iter().filter(|(dx, dy)| {
            let x = q.x * texel + half + dx * Self::SOFTNESS;
            let y = q.y * texel + half + dy * Self::SOFTNESS;
            let inside = x >= 0.0 && y >= 0.0 && x < Self::SIZE as f32 && y < Self::SIZE as f32;
            !inside || self.depth[y as usize * Self::SIZE + x as usize] < q.z + Self::BIAS
        });
        lit.count() as f32 / TAPS.len() as f32
    }
}
