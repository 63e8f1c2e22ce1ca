//! Where a file has its generator.

use super::Naming;

/// Whose names a file uses, and what stands in front of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Layout {
    pub(in super::super) naming: Naming,
    /// `G_ema.`, `g_ema.module.`; nothing where the file is the generator's state dict.
    pub(in super::super) prefix: String,
}

/// Tensors by which a generator is known: NVIDIA's StyleGAN2, NVIDIA's StyleGAN3, rosinality's
/// StyleGAN2.
const SIGNS: [(&str, Naming); 3] = [
    ("synthesis.b4.const", Naming::Nvidia),
    ("synthesis.input.freqs", Naming::Nvidia),
    ("to_rgb1.conv.weight", Naming::Rosinality),
];

impl Layout {
    /// The generator among tensors of these names: the moving average of one where there are
    /// several.
    pub(in super::super) fn of<'n>(names: impl Iterator<Item = &'n str>) -> Option<Self> {
        let found = names.filter_map(|name| {
            SIGNS.into_iter().find_map(|(sign, naming)| {
                let prefix = name.strip_suffix(sign)?;
                (prefix.is_empty() || prefix.ends_with('.')).then(|| Self {
                    naming,
                    prefix: prefix.to_owned(),
                })
            })
        });
        found.min_by_key(|layout| {
            let is_average = layout.prefix.to_lowercase().contains("ema");
            (!is_average, layout.prefix.len())
        })
    }

    /// The name in the file of a tensor of the generator.
    pub(super) fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

/// Why a part of a file beside its generator is not needed.
pub(super) fn part_beside(name: &str) -> &'static str {
    match name.to_lowercase().as_str() {
        "g" | "generator" => "the generator in training, not its average",
        "d" | "discriminator" => "the discriminator",
        "g_optim" | "d_optim" | "optimizer" => "the state of an optimiser",
        "augment_pipe" | "ada_aug_p" => "the augmentation of training",
        _ => "not of the generator",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(names: &[&str]) -> Option<(Naming, String)> {
        let layout = Layout::of(names.iter().copied())?;
        Some((layout.naming, layout.prefix))
    }

    #[test]
    fn the_average_is_found_behind_any_prefix() {
        let nvidia = |prefix: &str| Some((Naming::Nvidia, prefix.to_owned()));
        let rosinality = |prefix: &str| Some((Naming::Rosinality, prefix.to_owned()));
        assert_eq!(prefix(&["synthesis.b4.const"]), nvidia(""));
        assert_eq!(
            prefix(&["G.synthesis.b4.const", "G_ema.synthesis.b4.const"]),
            nvidia("G_ema.")
        );
        assert_eq!(prefix(&["to_rgb1.conv.weight"]), rosinality(""));
        assert_eq!(
            prefix(&[
                "g.module.to_rgb1.conv.weight",
                "g_ema.module.to_rgb1.conv.weight"
            ]),
            rosinality("g_ema.module.")
        );
        assert_eq!(prefix(&["my_to_rgb1.conv.weight", "D.b4.const"]), None);
    }
}
