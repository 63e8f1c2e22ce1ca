//! Light and colour of each sample.

use glam::{Mat3, Vec3};

use super::anatomy::Anatomy;
use super::cloth::Clothes;
use super::curve::{bump, smoothstep};
use super::hat;
use super::mesh::Material;
use super::raster::{Camera, Hit, ShadowMap};
use super::skin::{Complexion, Patch};
use crate::face::Face;

/// The lamps in the frame of the picture.
pub(super) struct Lamps {
    /// Direction to the key light.
    pub(super) key: Vec3,
    key_color: Vec3,
    fill: Vec3,
    fill_color: Vec3,
    sky: Vec3,
    ground: Vec3,
}

impl Lamps {
    pub(super) fn new(face: &Face) -> Self {
        let light = &face.light;
        let direction = |azimuth: f32, elevation: f32| {
            let (sin, cos) = azimuth.sin_cos();
            Vec3::new(
                sin * elevation.cos(),
                elevation.sin(),
                cos * elevation.cos(),
            )
        };
        let warm = light.warmth.clamp(-1.5, 1.5);
        let tint = Vec3::new(1.0 + 0.12 * warm, 1.0, 1.0 - 0.20 * warm);
        let against = Vec3::new(1.0 - 0.07 * warm, 1.0, 1.0 + 0.10 * warm);
        let fill = light.fill.clamp(0.1, 1.0);
        Self {
            key: direction(
                light.azimuth.clamp(-1.3, 1.3),
                light.elevation.clamp(0.05, 1.1),
            ),
            key_color: tint * (2.15 - 0.55 * fill),
            fill: direction(-0.9 * side_of(light.azimuth), 0.05),
            fill_color: against * (0.55 * fill),
            sky: against * (0.22 + 0.42 * fill),
            ground: tint * Vec3::new(1.0, 0.88, 0.80) * (0.10 + 0.26 * fill),
        }
    }

    fn ambient(&self, normal: Vec3) -> Vec3 {
        self.ground.lerp(self.sky, 0.5 + 0.5 * normal.y)
    }
}

/// The side on which something is, passing smoothly from −1 to 1.
fn side_of(x: f32) -> f32 {
    (x / 0.25).tanh()
}

/// Everything that the colour of a sample depends on.
pub(super) struct Shader<'a> {
    pub(super) face: &'a Face,
    pub(super) anatomy: &'a Anatomy,
    pub(super) complexion: Complexion<'a>,
    pub(super) clothes: Clothes<'a>,
    pub(super) lamps: Lamps,
    pub(super) shadows: ShadowMap,
    pub(super) camera: Camera,
    /// From the head's frame to the picture's.
    pub(super) turn: Mat3,
}

/// Geometry of a sample with the light that reaches it.
struct Site {
    normal: Vec3,
    view: Vec3,
    lit: f32,
    occlusion: f32,
}

impl Shader<'_> {
    /// Linear RGB of the backdrop at picture coordinates in ±1, y up.
    pub(super) fn background(&self, x: f32, y: f32) -> Vec3 {
        let base = Vec3::from(self.face.background.color);
        let away = self.lamps.key.x * 0.35;
        let glow = bump(((x + away).powi(2) + (y - 0.1).powi(2)).sqrt() / 0.85);
        let corner = smoothstep(0.5, 1.45, (x * x + y * y).sqrt());
        base * (0.82 + 0.38 * glow) * (1.0 - self.face.background.vignette * corner)
    }

    /// Linear RGB of what a sample sees, with `occlusion` the share of ambient light it gets.
    pub(super) fn color(&self, hit: &Hit, occlusion: f32) -> Vec3 {
        let v = &hit.vertex;
        let view = self.camera.view(v.position);
        let facing = v.normal.dot(view);
        // Thin sheets are seen from both sides.
        let thin = matches!(
            hit.material,
            Material::Hat | Material::Collar | Material::Tie | Material::Skin
        );
        let normal = if facing < 0.0 && thin {
            -v.normal
        } else {
            v.normal
        };
        let site = Site {
            normal,
            view,
            lit: self.shadows.lit(v.position, normal),
            occlusion,
        };
        match hit.material {
            Material::Skin | Material::SkinWithOpenings => {
                self.skin(&site, self.complexion.at(v.coord))
            }
            Material::Body => match self.clothes.at_rest(v.coord) {
                Some(color) => self.cloth(&site, color),
                None => self.skin(&site, self.complexion.plain()),
            },
            Material::Eye => self.eye(&site, v.coord),
            Material::Mouth => self.mouth(&site, v.coord),
            Material::Hair => self.strand(
                &site,
                v.coord,
                Vec3::from(self.face.hair.color) * v.tint,
                1.0,
            ),
            Material::Beard => self.strand(
                &site,
                v.coord,
                Vec3::from(self.face.beard.color) * v.tint,
                0.6,
            ),
            Material::Brow => {
                self.strand(&site, v.coord, self.complexion.brow_color() * v.tint, 0.35)
            }
            Material::Lash => Vec3::new(0.02, 0.012, 0.01),
            Material::Hat => self.cloth(&site, hat::color(&self.face.wear, v.coord)),
            Material::Frame => self.glossy(&site, Vec3::from(self.face.wear.frame_color), 0.6),
            Material::Gold => self.metal(&site, Vec3::new(0.95, 0.62, 0.18)),
            Material::Collar => self.cloth(&site, Vec3::splat(0.80)),
            Material::Tie => self.glossy(&site, self.clothes.tie(v.coord), 0.25),
            Material::Lens => Vec3::ZERO,
        }
    }

    fn diffuse(&self, site: &Site, wrap: Vec3) -> Vec3 {
        let lamps = &self.lamps;
        let wrapped = |n: f32, light: f32| ((n + wrap) / (1.0 + wrap)).max(Vec3::ZERO) * light;
        let key = wrapped(site.normal.dot(lamps.key), 1.0) * soften(site.lit, wrap);
        let fill = wrapped(site.normal.dot(lamps.fill), 1.0);
        let open = site.occlusion;
        lamps.key_color * key + lamps.fill_color * fill * open + lamps.ambient(site.normal) * open
    }

    fn highlight(&self, site: &Site, power: f32) -> f32 {
        let half = (self.lamps.key + site.view).normalize();
        site.normal.dot(half).max(0.0).powf(power) * site.lit
    }

    /// Light from behind along the outline.
    fn rim(&self, site: &Site) -> f32 {
        let edge = (1.0 - site.normal.dot(site.view)).clamp(0.0, 1.0);
        let side = 0.35
            + 0.65
                * smoothstep(
                    -0.2,
                    0.7,
                    site.normal.x * -side_of(self.lamps.key.x) + 0.45 * site.normal.y,
                );
        edge.powi(4) * side * site.occlusion
    }

    fn skin(&self, site: &Site, patch: Patch) -> Vec3 {
        let wrap = Vec3::new(0.42, 0.22, 0.15) * patch.soft;
        let mut color = patch.color * self.diffuse(site, wrap);
        let sheen = 0.10 * self.highlight(site, 14.0) + 0.16 * self.highlight(site, 48.0);
        color += self.lamps.key_color * (sheen * patch.gloss * 0.9);
        // Light from behind shines through thin, blood-filled edges.
        color + (patch.color * 0.8 + 0.10) * self.rim(site) * (0.5 + 0.5 * patch.soft)
    }

    fn cloth(&self, site: &Site, color: Vec3) -> Vec3 {
        color * self.diffuse(site, Vec3::splat(0.15)) + (color * 0.5 + 0.03) * self.rim(site)
    }

    fn glossy(&self, site: &Site, color: Vec3, gloss: f32) -> Vec3 {
        self.cloth(site, color) + self.lamps.key_color * (gloss * self.highlight(site, 60.0))
    }

    fn metal(&self, site: &Site, color: Vec3) -> Vec3 {
        let mirror = (2.0 * site.normal.dot(site.view) * site.normal - site.view).normalize();
        let sky = smoothstep(-0.3, 0.5, mirror.y) * 0.9 + 0.25;
        color * (self.diffuse(site, Vec3::splat(0.3)) * 0.5 + sky * 0.45)
            + self.lamps.key_color * self.highlight(site, 30.0) * 0.9
    }

    /// Kajiya and Kay, "Rendering fur with three dimensional textures", 1989, with the volume's
    /// normal for soft shade and two highlights as Marschner et al. 2003 saw them.
    fn strand(&self, site: &Site, tangent: Vec3, color: Vec3, gloss: f32) -> Vec3 {
        let tangent = (self.turn * tangent).normalize_or(Vec3::Y);
        let sine = |cos: f32| (1.0 - cos * cos).max(0.0).sqrt();
        let along_key = tangent.dot(self.lamps.key);
        let volume = self.diffuse(site, Vec3::splat(0.35));
        let across = 0.45 + 0.45 * sine(along_key);
        let half = (self.lamps.key + site.view).normalize();
        let lobe = |shift: f32, power: f32| {
            sine((tangent + site.normal * shift).normalize().dot(half)).powf(power)
        };
        let facing =
            smoothstep(-0.1, 0.5, site.normal.dot(self.lamps.key)) * (0.25 + 0.75 * site.lit);
        let first = lobe(-0.12, 70.0) * facing * gloss;
        let second = lobe(0.14, 22.0) * facing * gloss;
        let sheen = (color * 0.5 + 0.05) * first * 1.5 + color * second * 1.1;
        color * volume * across
            + self.lamps.key_color * sheen
            + (color * 0.7 + 0.015) * self.rim(site)
    }

    fn eye(&self, site: &Site, p: Vec3) -> Vec3 {
        let eye = &self.anatomy.eye;
        let side = if p.x < 0.0 { -1.0 } else { 1.0 };
        let direction = (p - eye.center(side)).normalize();
        let [right, up] = self.face.expression.gaze;
        let gaze = Vec3::new(right.sin() - 0.03 * side, up.sin(), 1.0).normalize();
        let angle = direction.dot(gaze).clamp(-1.0, 1.0).acos();
        let r = angle * eye.radius / eye.iris;
        let white = Vec3::new(0.86, 0.84, 0.82);
        let iris = iris_color(self.face.shape.eye_color);
        // Light gathers in the iris opposite to the lamp.
        let low = 0.5 - 0.5 * (direction - gaze).normalize_or_zero().dot(self.lamps.key);
        let ring = iris * (0.75 + 0.75 * low * smoothstep(0.3, 0.8, r));
        let ring = ring * (1.0 - 0.75 * smoothstep(0.78, 1.0, r));
        let disc = ring.lerp(Vec3::splat(0.006), smoothstep(0.47, 0.40, r));
        let color = disc.lerp(white, smoothstep(0.96, 1.06, r));
        // The lids cast a soft shade.
        let local = eye.local(p.x, p.y);
        let under = eye.upper_lid(local.x) - local.y;
        let shade = 0.45 + 0.55 * smoothstep(-0.01, 0.085, under);
        let corner = 1.0 - 0.30 * smoothstep(0.6, 1.0, local.x.abs());
        let lit = Site {
            lit: 0.45 + 0.55 * site.lit,
            occlusion: 1.0,
            ..*site
        };
        let light = self.diffuse(&lit, Vec3::splat(0.5)) * shade * corner;
        let glint = |towards: Vec3, sharp: f32| {
            let half = (towards.normalize() + site.view).normalize();
            // Half way to the iris, so that it looks alive at every turn of the head.
            let center = (half + self.turn * gaze).normalize();
            smoothstep(sharp - 0.006, sharp + 0.004, site.normal.dot(center))
        };
        let catch = glint(self.lamps.key + Vec3::new(0.0, 0.45, 0.0), 0.986);
        let second = 0.35 * glint(Vec3::new(-self.lamps.key.x, -0.5, 0.9), 0.990);
        color * light + Vec3::splat((1.5 * catch + second) * smoothstep(0.0, 0.03, under + 0.01))
    }

    fn mouth(&self, site: &Site, p: Vec3) -> Vec3 {
        let mouth = &self.anatomy.mouth;
        let s = mouth.across(p.x);
        let upper = mouth.upper_edge(s);
        let teeth_end = mouth.y + mouth.corners * (0.85 * s * s - 0.25) - 0.045 - 0.02 * mouth.open;
        let teeth = smoothstep(-0.008, 0.008, p.y - teeth_end) * smoothstep(1.02, 0.90, s.abs());
        let tooth = p.x / 0.062;
        let gap = 1.0 - 0.18 * bump((tooth - tooth.round()) / 0.07);
        let floor = mouth.lower_edge(0.0);
        let tongue = smoothstep(
            0.03,
            -0.03,
            (p.x / 0.19).powi(2) * 0.10 + p.y - floor - 0.42 * mouth.open,
        );
        let inside = Vec3::new(0.085, 0.016, 0.016).lerp(Vec3::new(0.46, 0.12, 0.11), tongue);
        let color = inside.lerp(Vec3::new(0.88, 0.85, 0.79) * gap, teeth);
        let depth = 0.45 + 0.55 * smoothstep(0.0, 0.05, upper - p.y).max(0.0);
        let lit = Site {
            lit: 0.4 + 0.6 * site.lit,
            occlusion: 0.9,
            normal: Vec3::Z,
            ..*site
        };
        color * self.diffuse(&lit, Vec3::splat(0.5)) * depth
    }

    /// Lays the lens over `behind`.
    pub(super) fn lens(&self, hit: &Hit, behind: Vec3) -> Vec3 {
        let wear = &self.face.wear;
        let amount = wear.glasses.clamp(0.0, 1.0);
        let (x, y) = (hit.vertex.coord.x, hit.vertex.coord.y);
        let tint = wear.tint.clamp(0.0, 1.0);
        let dark = Vec3::new(0.016, 0.015, 0.02) * (1.0 - 0.6 * y).max(0.3);
        let alpha = amount * (0.05 + 0.91 * tint);
        let streak = bump((x + 0.55 * y + 0.25) / 0.16) + 0.6 * bump((x + 0.55 * y - 0.22) / 0.07);
        let sky = smoothstep(0.1, 1.0, y);
        let mirror = (0.07 + 0.14 * tint) * streak + (0.03 + 0.10 * tint) * sky;
        behind.lerp(dark, alpha) + self.lamps.key_color * (amount * mirror)
    }
}

/// A shadow whose edge is wider where light soaks in further.
fn soften(lit: f32, wrap: Vec3) -> Vec3 {
    if lit == 0.0 || lit == 1.0 {
        return Vec3::splat(lit);
    }
    Vec3::from_array(wrap.to_array().map(|w| lit.powf(1.0 / (1.0 + 1.2 * w))))
}

/// Linear RGB of an iris: 0 brown, 1 blue, 2 green.
fn iris_color(kind: f32) -> Vec3 {
    const KEYS: [Vec3; 3] = [
        Vec3::new(0.24, 0.095, 0.025),
        Vec3::new(0.07, 0.30, 0.85),
        Vec3::new(0.09, 0.46, 0.12),
    ];
    let kind = kind.clamp(0.0, 2.0);
    let first = (kind as usize).min(1);
    KEYS[first].lerp(KEYS[first + 1], kind - first as f32)
}
