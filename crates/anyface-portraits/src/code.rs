//! A face as a vector: what a generator network is told of a portrait.
//!
//! The latent decides a face by steep thresholds, which depend on each other; the picture depends on what they
//! decided. The code holds the latter, in numbers to which the picture answers as plainly as can be: colours as
//! they appear and only where there is something to colour, kinds as indicators, and a number for each regime of
//! what changes its effect on the way (age, smile, curl). Entries are about −1 to 1, and 0 for what is absent.

use crate::face::{Face, Hat};

/// Length of a code.
pub const CODE_DIM: usize = 99;

impl Face {
    /// The visible parameters, `[CODE_DIM]`: the same code, the same picture.
    pub fn code(&self) -> [f32; CODE_DIM] {
        let mut code = Code::default();
        self.encode_scene(&mut code);
        self.encode_build(&mut code);
        self.encode_skin_and_shape(&mut code);
        self.encode_expression(&mut code);
        self.encode_hair(&mut code);
        self.encode_wear(&mut code);
        code.0.try_into().expect("a code has CODE_DIM entries")
    }

    fn encode_scene(&self, code: &mut Code) {
        let (pose, light, gaze) = (&self.pose, &self.light, self.expression.gaze);
        code.push([pose.yaw / 0.17, pose.pitch / 0.07]);
        code.push([gaze[0] / 0.1, gaze[1] / 0.06]);
        code.push([
            light.azimuth / 0.55,
            (light.elevation - 0.5) / 0.23,
            light.warmth,
            (light.fill - 0.52) / 0.16,
        ]);
        code.color(self.background.color, 1.0);
        code.push([(self.background.vignette - 0.3) / 0.17]);
    }

    fn encode_build(&self, code: &mut Code) {
        let build = &self.build;
        code.push([
            build.skull_height,
            build.eye_distance,
            build.eye_height,
            build.eye_tilt,
            build.nose_length,
            build.mouth_height,
            build.mouth_width,
            build.shoulders,
        ]);
        code.color(build.clothes, 1.0);
    }

    fn encode_skin_and_shape(&self, code: &mut Code) {
        let (skin, shape) = (&self.skin, &self.shape);
        code.push([
            2.0 * self.age - 1.0,
            ramp(0.19, 0.11, self.age),
            ramp(0.37, 0.45, self.age),
            ramp(0.61, 0.72, self.age),
            2.0 * self.masculinity - 1.0,
            self.weight,
            self.weight.max(0.0),
        ]);
        code.push([
            2.0 * skin.tone - 1.0,
            ramp(0.6, 0.8, skin.tone),
            skin.undertone,
            skin.rosy,
            skin.freckles,
            skin.wrinkles,
            skin.eye_bags,
        ]);
        code.push([
            shape.oval,
            shape.jaw,
            shape.double_chin,
            shape.cheekbones,
            shape.nose_size,
            shape.nose_point,
            shape.lips,
            shape.eye_size,
            shape.brow_arch,
            shape.brow_thickness,
            shape.ears,
        ]);
        let blue = 1.0 - (shape.eye_color - 1.0).abs();
        let green = (shape.eye_color - 1.0).max(0.0);
        let open = 1.0 - self.expression.eyes_closed;
        code.push([blue * open, green * open]);
    }

    fn encode_expression(&self, code: &mut Code) {
        let act = &self.expression;
        code.push([
            act.smile,
            act.smile.max(0.0),
            act.mouth_open,
            act.mouth_open * act.smile.max(0.0),
            act.surprise,
            act.scowl,
            act.eyes_closed,
        ]);
    }

    fn encode_hair(&self, code: &mut Code) {
        let (hair, beard) = (&self.hair, &self.beard);
        code.push([
            2.0 * hair.cover - 1.0,
            hair.receding,
            2.0 * hair.length - 1.0,
            ramp(0.6, 1.0, hair.length),
            2.0 * hair.curl - 1.0,
            ramp(0.5, 1.0, hair.curl),
            hair.bangs,
            hair.volume,
            hair.part,
        ]);
        code.color(hair.color, 1.0);
        code.push([
            beard.stubble,
            beard.mustache,
            beard.goatee,
            beard.full,
            beard.full * (2.0 * beard.length - 1.0),
            beard.sideburns,
        ]);
    }

    fn encode_wear(&self, code: &mut Code) {
        let (makeup, wear) = (&self.makeup, &self.wear);
        code.push([makeup.lipstick, makeup.eyes, makeup.blush]);
        code.color(makeup.lipstick_color, makeup.lipstick);
        code.push([
            wear.glasses,
            wear.glasses * wear.tint,
            wear.glasses * (2.0 * wear.frame_round - 1.0),
        ]);
        code.color(wear.frame_color, wear.glasses);
        let wears = |hat| f32::from(u8::from(wear.hat == Some(hat)));
        code.push([Hat::KnittedCap, Hat::Brimmed, Hat::BaseballCap].map(wears));
        code.color(wear.hat_color, f32::from(u8::from(wear.hat.is_some())));
        code.push([wear.earrings, wear.necklace, wear.necktie]);
        code.color(wear.necktie_color, wear.necktie);
    }
}

/// A code in the making.
#[derive(Default)]
struct Code(Vec<f32>);

impl Code {
    fn push<const N: usize>(&mut self, values: [f32; N]) {
        self.0.extend(values);
    }

    /// A linear colour by its display values, as far as there is something that has it.
    fn color(&mut self, linear: [f32; 3], amount: f32) {
        self.push(linear.map(|v| amount * (3.0 * v.max(0.0).sqrt() - 1.5)));
    }
}

/// From 0 at `from` to 1 at `to`.
fn ramp(from: f32, to: f32, x: f32) -> f32 {
    ((x - from) / (to - from)).clamp(0.0, 1.0)
}
