//! Triangle meshes: what every part of the portrait is built of.

use std::ops::Range;

use glam::{Mat3, Vec3};

/// What a triangle is made of; the shader chooses colour and gloss by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Material {
    /// Head, ears. The coordinate is the position in the head's own frame.
    Skin,
    /// Head around eyes and mouth, where openings are cut out.
    SkinWithOpenings,
    /// Neck, shoulders and what covers them. The coordinate is the position at rest.
    Body,
    /// Eyeball. The coordinate is the position in the head's own frame.
    Eye,
    /// Teeth, tongue and the dark behind. The coordinate is the position in the head's own frame.
    Mouth,
    /// Strand of hair. The coordinate is the tangent in the head's frame, as for all strands.
    Hair,
    /// Strand of beard.
    Beard,
    /// Strand of brow.
    Brow,
    /// Eyelash.
    Lash,
    /// Hat. The coordinate is (angle, height, part).
    Hat,
    /// Spectacle frame.
    Frame,
    /// Spectacle lens, drawn over the finished picture. The coordinate is (across, up, 0) in ±1.
    Lens,
    /// Earring and necklace.
    Gold,
    /// Shirt collar.
    Collar,
    /// Necktie. The coordinate is the position at rest.
    Tie,
}

/// A corner of triangles.
#[derive(Debug, Clone, Copy)]
pub(super) struct Vertex {
    pub(super) position: Vec3,
    pub(super) normal: Vec3,
    /// Meaning by [`Material`].
    pub(super) coord: Vec3,
    /// Factor on the colour.
    pub(super) tint: f32,
}

/// Three vertices and what is between them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Triangle {
    pub(super) corners: [u32; 3],
    pub(super) material: Material,
}

/// Vertices and the triangles between them.
#[derive(Debug, Default)]
pub(super) struct Mesh {
    pub(super) vertices: Vec<Vertex>,
    pub(super) triangles: Vec<Triangle>,
}

impl Mesh {
    /// Appends a sheet of `nu` × `nv` cells whose points and coordinates `at(u, v)` gives for
    /// u, v in [0, 1]. The outside is where ∂u × ∂v points. Returns the new vertices.
    pub(super) fn sheet(
        &mut self,
        material: Material,
        (nu, nv): (usize, usize),
        mut at: impl FnMut(f32, f32) -> (Vec3, Vec3),
    ) -> Range<usize> {
        let first = self.vertices.len();
        let row = nu + 1;
        for j in 0..=nv {
            for i in 0..=nu {
                let (position, coord) = at(i as f32 / nu as f32, j as f32 / nv as f32);
                self.vertices.push(Vertex {
                    position,
                    normal: Vec3::ZERO,
                    coord,
                    tint: 1.0,
                });
            }
        }
        for j in 0..nv {
            for i in 0..nu {
                let a = (first + j * row + i) as u32;
                let [b, c, d] = [a + 1, a + row as u32, a + row as u32 + 1];
                self.triangles.push(Triangle {
                    corners: [a, b, d],
                    material,
                });
                self.triangles.push(Triangle {
                    corners: [a, d, c],
                    material,
                });
            }
        }
        let point = |i: usize, j: usize| self.vertices[first + j * row + i].position;
        let normals: Vec<Vec3> = (0..=nv)
            .flat_map(|j| (0..=nu).map(move |i| (i, j)))
            .map(|(i, j)| {
                let closed = point(0, j).distance_squared(point(nu, j)) < 1e-8;
                let (left, right) = match i {
                    0 if closed => (nu - 1, 1),
                    i if i == nu && closed => (nu - 1, 1),
                    _ => (i.saturating_sub(1), (i + 1).min(nu)),
                };
                let du = point(right, j) - point(left, j);
                let dv = point(i, (j + 1).min(nv)) - point(i, j.saturating_sub(1));
                du.cross(dv).normalize_or_zero()
            })
            .collect();
        for (vertex, normal) in self.vertices[first..].iter_mut().zip(normals) {
            vertex.normal = normal;
        }
        first..self.vertices.len()
    }

    /// Appends an ellipsoid.
    pub(super) fn ellipsoid(
        &mut self,
        material: Material,
        center: Vec3,
        radii: Vec3,
        cells: usize,
    ) -> Range<usize> {
        let range = self.sheet(material, (2 * cells, cells), |u, v| {
            let (sin_v, cos_v) = (v * std::f32::consts::PI).sin_cos();
            let (sin_u, cos_u) = (u * std::f32::consts::TAU).sin_cos();
            let d = Vec3::new(sin_u * sin_v, -cos_v, cos_u * sin_v);
            (center + radii * d, d)
        });
        for vertex in &mut self.vertices[range.clone()] {
            vertex.normal = (vertex.coord / radii).normalize();
        }
        range
    }

    /// Appends a tube of elliptic section along `path`: radius `radius(t)` for t in [0, 1] along
    /// the path, with `flat` the ratio of the section's axis towards `up` to the other.
    pub(super) fn tube(
        &mut self,
        material: Material,
        path: &[Vec3],
        up: Vec3,
        flat: f32,
        radius: impl Fn(f32) -> f32,
    ) -> Range<usize> {
        let last = path.len() - 1;
        let closed = path[0].distance_squared(path[last]) < 1e-8;
        self.sheet(material, (8, last), |u, v| {
            let i = (v * last as f32).round() as usize;
            let (before, after) = match i {
                i if closed && (i == 0 || i == last) => (last - 1, 1),
                _ => (i.saturating_sub(1), (i + 1).min(last)),
            };
            let along = (path[after] - path[before]).normalize_or_zero();
            let side = along.cross(up).normalize_or_zero();
            let over = side.cross(along);
            let (sin, cos) = (u * std::f32::consts::TAU).sin_cos();
            let offset = (side * cos + over * (sin * flat)) * radius(v);
            (path[i] + offset, Vec3::new(u, v, 0.0))
        })
    }

    /// Appends a strand: a ribbon along `path` which faces `view` and tapers from `width` to a
    /// point. `outward` is the direction away from what the strand grows on.
    pub(super) fn strand(
        &mut self,
        material: Material,
        path: &[Vec3],
        view: Vec3,
        width: f32,
        outward: impl Fn(Vec3) -> Vec3,
        tint: impl Fn(f32) -> f32,
    ) {
        let first = self.vertices.len() as u32;
        let last = path.len() - 1;
        for (i, &p) in path.iter().enumerate() {
            let t = i as f32 / last as f32;
            let tangent = (path[(i + 1).min(last)] - path[i.saturating_sub(1)]).normalize_or_zero();
            let side = tangent.cross(view).normalize_or_zero();
            let half = side * (0.5 * width * (1.0 - 0.85 * t * t));
            let bend = 0.5 * side;
            let normal = outward(p);
            for (position, normal) in [(p - half, normal - bend), (p + half, normal + bend)] {
                let normal = normal.normalize_or_zero();
                self.vertices.push(Vertex {
                    position,
                    normal,
                    coord: tangent,
                    tint: tint(t),
                });
            }
        }
        for i in 0..last as u32 {
            let a = first + 2 * i;
            self.triangles.push(Triangle {
                corners: [a, a + 1, a + 3],
                material,
            });
            self.triangles.push(Triangle {
                corners: [a, a + 3, a + 2],
                material,
            });
        }
    }

    /// Turns the vertices of `range` about `pivot` by as much of `turn` as `share` of the position
    /// says, and moves them by `shift`.
    pub(super) fn turn(
        &mut self,
        range: Range<usize>,
        turn: Mat3,
        pivot: Vec3,
        shift: Vec3,
        share: impl Fn(Vec3) -> f32,
    ) {
        for vertex in &mut self.vertices[range] {
            let part = share(vertex.position);
            let moved = turn * (vertex.position - pivot) + pivot;
            vertex.position = vertex.position.lerp(moved, part) + shift;
            vertex.normal = vertex.normal.lerp(turn * vertex.normal, part);
        }
    }
}
