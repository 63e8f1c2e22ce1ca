//! Location of the generator in a file.

use super::Naming;

/// Naming of a file's tensors and their common prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Layout {
    pub(in super::super) naming: Naming,
    /// E.g. `G_ema.` or `g_ema.module.`; empty if the file is the generator's state dict.
    pub(in super::super) prefix: String,
}

/// Tensors that identify a generator: NVIDIA's StyleGAN2, NVIDIA's StyleGAN3, rosinality's
/// StyleGAN2.
const SIGNS: [(&str, Naming); 3] = [
    ("synthesis.b4.const", Naming::Nvidia),
    ("synthesis.input.freqs", Naming::Nvidia),
    ("to_rgb1.conv.weight", Naming::Rosinality),
];

impl Layout {
    /// Finds the generator among tensor names; prefers the EMA if there are several.
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

    /// The name in the file of a generator tensor.
    pub(super) fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

/// Why a part of a file outside its generator is not needed.
pub(super) fn part_beside(name: &str) -> &'static str {
    match name.to_lowercase().as_str() {
        "g" | "generator" => "the generator in training, not its EMA",
        "d" | "discriminator" => "the discriminator",
        "g_optim" | "d_optim" | "optimizer" => "optimiser state",
        "augment_pipe" | "ada_aug_p" => "training augmentation",
        _ => "not part of the generator",
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
    fn the_ema_is_found_under_any_prefix() {
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
