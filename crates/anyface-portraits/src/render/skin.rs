//! Colour, gloss and fine relief of the skin as functions of the place on the face.

use glam::{FloatExt, Vec2, Vec3};

use super::anatomy::Anatomy;
use super::curve::{bump, bump2, hash, noise, smoothstep};
use super::scalp::Scalp;
use crate::face::Face;

/// Skin at one point.
pub(super) struct Patch {
    /// Linear RGB.
    pub(super) color: Vec3,
    /// Gloss from 0 to 1.
    pub(super) gloss: f32,
    /// Amount of skin; 1 − that is hair or paint, which light does not soak into.
    pub(super) soft: f32,
}

/// Complexion of a face.
pub(super) struct Complexion<'a> {
    face: &'a Face,
    anatomy: &'a Anatomy,
    scalp: &'a Scalp,
    base: Vec3,
    lip: Vec3,
}

/// Linear RGB of skin of `tone` from 0 to 1.
fn tone_color(tone: f32) -> Vec3 {
    const KEYS: [(f32, Vec3); 5] = [
        (0.0, Vec3::new(0.90, 0.70, 0.62)),
        (0.35, Vec3::new(0.80, 0.50, 0.37)),
        (0.6, Vec3::new(0.55, 0.29, 0.17)),
        (0.8, Vec3::new(0.27, 0.125, 0.068)),
        (1.0, Vec3::new(0.105, 0.046, 0.026)),
    ];
    let tone = tone.clamp(0.0, 1.0);
    let above = KEYS
        .iter()
        .position(|k| k.0 >= tone)
        .unwrap_or(KEYS.len() - 1)
        .max(1);
    let ((t0, c0), (t1, c1)) = (KEYS[above - 1], KEYS[above]);
    c0.lerp(c1, (tone - t0) / (t1 - t0))
}

impl<'a> Complexion<'a> {
    pub(super) fn new(face: &'a Face, anatomy: &'a Anatomy, scalp: &'a Scalp) -> Self {
        let under = face.skin.undertone;
        let hue = Vec3::new(1.0, 1.0 + 0.05 * under, 1.0 - 0.14 * under);
        let base = tone_color(face.skin.tone) * hue;
        let blood =
            Vec3::new(0.86, 0.56, 0.56).lerp(Vec3::new(0.88, 0.42, 0.46), 1.0 - anatomy.male);
        let natural = base * blood + Vec3::new(0.02, 0.0, 0.003);
        let paint = Vec3::from(face.makeup.lipstick_color);
        let lip = natural.lerp(paint, face.makeup.lipstick.clamp(0.0, 1.0));
        Self {
            face,
            anatomy,
            scalp,
            base,
            lip,
        }
    }

    /// Linear RGB of the brows.
    pub(super) fn brow_color(&self) -> Vec3 {
        self.scalp.brow_color
    }

    /// Skin of neck and ears.
    pub(super) fn plain(&self) -> Patch {
        Patch {
            color: self.base,
            gloss: 0.25,
            soft: 1.0,
        }
    }

    /// Skin of the head at `p` in the head's frame.
    pub(super) fn at(&self, p: Vec3) -> Patch {
        let (a, skin, makeup) = (self.anatomy, &self.face.skin, &self.face.makeup);
        let front = smoothstep(0.05, 0.35, p.z);
        let (m, y) = (p.x.abs(), p.y);
        let mut color = self.base;
        // Blood shows in cheeks, nose and ears; the brow is yellower.
        let warm = 0.5 * bump2((m - 0.45) / 0.2, (y + 0.25) / 0.18)
            + 0.65 * bump2(m / 0.14, (y - a.nose.tip) / 0.11);
        color *= Vec3::ONE.lerp(Vec3::new(1.02, 0.86, 0.84), warm * front);
        let cheek = bump2((m - 0.47) / 0.17, (y + 0.27) / 0.14) * front;
        let rosy = 1.15 * skin.rosy + 0.35 * makeup.blush;
        let flush = self.base * Vec3::new(1.12, 0.42, 0.42) + Vec3::new(0.05, 0.0, 0.008);
        color = color.lerp(flush, (cheek * rosy * 0.8).clamp(0.0, 0.9));
        let mottle = noise(p * 9.0) - 0.5;
        color *= 1.0 + mottle * (0.05 + 0.10 * a.old) * (1.0 - 0.8 * makeup.blush);
        color = self.age_spots(p, color);
        color = self.freckles(p, color, front);
        color *= self.creases(p, front);
        color = self.eyes(p, color, front);
        let lip = a.mouth.lip(p.x, y) * front;
        let grooves = 1.0 + 0.10 * ((p.x * 95.0).sin() * lip);
        // The upper lip turns up to the light, yet looks the darker one.
        let upper = smoothstep(-0.01, 0.02, y - a.mouth.line(a.mouth.across(p.x)));
        let grooves = grooves * (1.0 - 0.22 * upper);
        color = color.lerp(self.lip * grooves, lip);
        let s = a.mouth.across(p.x);
        let seam = bump((y - a.mouth.line(s)) / 0.013)
            * smoothstep(1.08, 0.9, s.abs())
            * bump(a.mouth.open / 0.03);
        color *= 1.0 - 0.75 * seam * front;
        let (color, hair) = self.hair(p, color, front);
        color_patch(
            color * (1.0 - self.nose_shade(m, y) * front),
            lip,
            hair,
            makeup.lipstick,
        )
    }

    /// Darkness of the nostrils and of the folds around tip and wings.
    fn nose_shade(&self, m: f32, y: f32) -> f32 {
        let nose = &self.anatomy.nose;
        let low = nose.wing_y - 0.55 * nose.wing;
        let nostril = bump2(
            (m - 0.62 * nose.wing_x) / (0.42 * nose.wing),
            (y - low) / 0.020,
        );
        let ring = ((m - nose.wing_x).hypot(y - nose.wing_y) / nose.wing - 1.05) / 0.22;
        let outside = smoothstep(-0.3, 0.4, (m - nose.wing_x) / nose.wing);
        let under = bump2(
            m / nose.wing_x,
            (y - nose.wing_y + 1.15 * nose.wing) / 0.035,
        );
        (0.72 * nostril)
            .max(0.34 * bump(ring) * outside)
            .max(0.30 * under)
    }

    /// Old skin is grayer, with brown spots on forehead and temples.
    fn age_spots(&self, p: Vec3, color: Vec3) -> Vec3 {
        let old = self.anatomy.old.min(1.0);
        if old == 0.0 {
            return color;
        }
        let gray = Vec3::splat(color.dot(Vec3::new(0.35, 0.5, 0.15)));
        let zone = smoothstep(0.15, 0.5, p.y).max(0.8 * smoothstep(0.45, 0.65, p.x.abs()));
        let spot = 0.5 * spots(p.x - 0.2 * p.y, p.y + 3.1, 5.2) * zone;
        color.lerp(gray, 0.22 * old) * Vec3::ONE.lerp(Vec3::new(0.74, 0.64, 0.55), old * spot)
    }

    fn freckles(&self, p: Vec3, color: Vec3, front: f32) -> Vec3 {
        let amount = self.face.skin.freckles.clamp(0.0, 1.2);
        if amount <= 0.0 || front == 0.0 {
            return color;
        }
        let y = p.y - self.anatomy.eye.center.y;
        let zone = bump2((p.x.abs() - 0.30) / 0.30, (y + 0.28) / 0.17)
            + 0.35 * bump2(p.x / 0.5, (y - 0.5) / 0.2);
        let spot = spots(p.x + 0.3 * p.y, p.y, 12.0)
            .max(0.8 * spots(p.x + 7.3, p.y - 0.4 * p.x, 17.0))
            * (1.3 * zone).min(1.0)
            * front
            * amount;
        color.lerp(color * Vec3::new(0.44, 0.28, 0.21), 0.9 * spot)
    }

    /// Shading of wrinkles, folds and bags under the eyes.
    fn creases(&self, p: Vec3, front: f32) -> f32 {
        let (a, skin) = (self.anatomy, &self.face.skin);
        let (m, y) = (p.x.abs(), p.y);
        let eye = a.eye.center;
        let wrinkles = skin.wrinkles.clamp(0.0, 1.2);
        let mut dark = 0.0;
        // Furrows of the brow.
        let brow = a.brow.line(0.3).y + 0.16;
        for k in 0..3 {
            let line = brow + 0.105 * k as f32 + 0.018 * (p.x * 6.0 + k as f32).sin();
            dark += 0.55 * wrinkles * bump((y - line) / 0.014) * smoothstep(0.52, 0.3, m);
        }
        // From nose to mouth.
        let fold_t = ((a.nose.tip + 0.02 - y) / (a.nose.tip - a.mouth.y + 0.12)).clamp(-0.3, 1.4);
        let fold_x = 0.19 + 0.155 * fold_t + 0.35 * (a.mouth.half_width - 0.285);
        let along = smoothstep(-0.12, 0.15, fold_t) * smoothstep(1.3, 0.9, fold_t);
        let smile = self.face.expression.smile.max(0.0);
        let fold = 0.45 * wrinkles + 0.16 * smile + 0.38 * a.mature + 0.05;
        dark += 0.75 * fold * bump((m - fold_x) / 0.026) * along;
        // The trough under the eye and the jowl deepen with age.
        let trough =
            bump((m - 0.24 + 0.5 * (y - eye.y + 0.2)) / 0.02) * bump((y - eye.y + 0.19) / 0.05);
        dark += 0.32 * a.mature * trough;
        dark += (0.08 * a.mature + 0.10 * a.old)
            * bump2((m - 0.36) / 0.04, (y - a.mouth.y + 0.24) / 0.08);
        dark += 0.30 * a.old * bump2((m - 0.58) / 0.08, (y + 0.44) / 0.15);
        dark += 0.18 * a.old * bump2((m - 0.66) / 0.07, (y - eye.y - 0.22) / 0.14);
        // High cheekbones stand over a hollow.
        let bone = self.face.shape.cheekbones.clamp(-0.5, 1.6);
        let hollow = bump((y + 0.46 - 0.60 * (m - 0.45)) / 0.06) * bump((m - 0.54) / 0.12);
        let ridge = bump((y + 0.24 - 0.35 * (m - 0.45)) / 0.05) * bump((m - 0.48) / 0.11);
        dark += bone * (0.42 * hollow - 0.14 * ridge);
        // Crow's feet.
        for k in -1i32..=1 {
            let t = m - eye.x - 0.22;
            let line = eye.y + 0.02 + k as f32 * (0.035 + 0.45 * t.max(0.0));
            dark += 0.6
                * wrinkles
                * bump((y - line) / 0.011)
                * smoothstep(0.0, 0.04, t)
                * smoothstep(0.19, 0.1, t);
        }
        // Marionette lines.
        dark += 0.22
            * wrinkles
            * bump((m - a.mouth.half_width - 0.05) / 0.02)
            * bump((y - a.mouth.y + 0.14) / 0.07);
        // Bags: a swelling with a crease under it.
        let local = a.eye.local(p.x, y);
        let under = local.y - a.eye.lower_lid(local.x);
        let bags = skin.eye_bags.clamp(0.0, 1.2) + 0.1 * a.old;
        let span = smoothstep(1.05, 0.6, local.x.abs());
        dark += bags * span * bump((under + 0.115) / 0.022);
        let light = 0.12 * bags * span * bump((under + 0.06) / 0.03);
        // Frown between the brows.
        let scowl = self.face.expression.scowl.max(0.0) + 0.4 * wrinkles;
        dark +=
            0.55 * scowl * bump((m - 0.055) / 0.016) * bump((y - a.brow.line(0.0).y - 0.02) / 0.07);
        // The crease above the eye.
        let above = local.y - a.eye.upper_lid(local.x);
        let crease = 0.30 * (1.0 - a.eye_closed()) + 0.12;
        dark += crease * smoothstep(1.1, 0.7, local.x.abs()) * bump((above - 0.065) / 0.013);
        1.0 - (dark.clamp(-0.25, 0.9) - light) * front
    }

    fn eyes(&self, p: Vec3, color: Vec3, front: f32) -> Vec3 {
        let a = self.anatomy;
        let paint = self.face.makeup.eyes.clamp(0.0, 1.0);
        let local = a.eye.local(p.x, p.y);
        let above = local.y - a.eye.upper_lid(local.x);
        let below = a.eye.lower_lid(local.x) - local.y;
        let span = smoothstep(1.35, 0.95, local.x.abs());
        let shadow =
            paint * front * span * smoothstep(-0.02, 0.0, above) * smoothstep(0.19, 0.05, above);
        let smoke = paint
            * front
            * span
            * 0.7
            * smoothstep(-0.01, 0.0, below)
            * smoothstep(0.075, 0.01, below);
        let color = color.lerp(Vec3::new(0.10, 0.035, 0.13), (0.85 * shadow).max(smoke));
        let bags = self.face.skin.eye_bags.clamp(0.0, 1.0);
        let bruise = bags
            * front
            * smoothstep(1.15, 0.6, local.x.abs())
            * smoothstep(0.0, 0.03, below)
            * smoothstep(0.15, 0.08, below);
        let color = color * Vec3::ONE.lerp(Vec3::new(0.55, 0.42, 0.52), bruise);
        let width = 0.017 + 0.012 * (1.0 - a.male) + 0.022 * paint;
        let upper = smoothstep(width + 0.008, width - 0.008, above)
            * smoothstep(-0.03, -0.01, above)
            * smoothstep(1.12, 1.02, local.x.abs());
        let lower = smoothstep(0.014 + 0.012 * paint, 0.002, below)
            * smoothstep(-0.02, -0.005, below)
            * smoothstep(1.05, 0.95, local.x.abs());
        let line = (0.92 * upper).max(lower * (0.30 + 0.55 * paint)) * front;
        color.lerp(Vec3::new(0.025, 0.014, 0.012), line)
    }

    /// Roots of hair, brows and beard on the skin, with the amount of hair.
    fn hair(&self, p: Vec3, color: Vec3, front: f32) -> (Vec3, f32) {
        let (hair, beard) = (&self.face.hair, &self.face.beard);
        let scalp = self.scalp.amount(p);
        let color = color.lerp(Vec3::from(hair.color) * 0.55, 0.92 * scalp);
        let whiskers = self.scalp.whiskers(p, beard) * front;
        let color = color.lerp(Vec3::from(beard.color) * 0.6, 0.8 * whiskers);
        let stubble =
            beard.stubble.clamp(0.0, 1.0) * self.scalp.shadow_zone(p) * smoothstep(-0.1, 0.15, p.z);
        let grain = 0.62 + 0.55 * noise(p * 42.0);
        let shade = Vec3::from(beard.color) * 0.25 + Vec3::new(0.02, 0.022, 0.026);
        let color = color.lerp(shade, (0.74 * stubble * grain).min(0.85));
        let brow = self.anatomy.brow.amount(p.x, p.y) * front;
        let color = color.lerp(self.scalp.brow_color, 0.85 * brow);
        (color, scalp.max(whiskers).max(brow))
    }
}

/// Round spots of varied size on a jittered grid of `density` cells a unit.
fn spots(x: f32, y: f32, density: f32) -> f32 {
    let p = Vec2::new(x, y) * density;
    let cell = p.floor();
    let seed =
        (cell.x as i32 as u32).wrapping_mul(7919) ^ (cell.y as i32 as u32).wrapping_mul(104_729);
    let center = cell + 0.22 + 0.56 * Vec2::new(hash(seed), hash(seed + 1));
    let radius = 0.36 * hash(seed + 2);
    smoothstep(radius + 0.10, radius - 0.06, p.distance(center))
}

fn color_patch(color: Vec3, lip: f32, hair: f32, lipstick: f32) -> Patch {
    let gloss = 0.25.lerp(0.22 + 0.38 * lipstick, lip) * (1.0 - 0.85 * hair);
    Patch {
        color,
        gloss,
        soft: 1.0 - (0.8 * hair).max(0.6 * lip),
    }
}
