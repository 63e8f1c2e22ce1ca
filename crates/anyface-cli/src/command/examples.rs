//! Examples at the end of each command's help. A test parses all of them.

/// The examples of each command, one per line.
const EXAMPLES: &[(&str, &str)] = &[
    (
        "generate",
        r#"anyface generate "an old sailor with a white beard" -o sailor.png
anyface generate "my grandmother" -n 4 -o faces/
anyface generate "a ginger-haired lad" --background transparent -o lad.webp
anyface generate --prompts - -n 4 -o faces/ --json < descriptions.txt"#,
    ),
    (
        "edit",
        r#"anyface edit photo.jpg "smiling" -o smiling.jpg
anyface edit seed:7 "wearing sunglasses" --strength 0.5
anyface edit photo.jpg "old" --latent old.safetensors
anyface edit old.safetensors "bald" "with a moustache" -o - > bald.png"#,
    ),
    (
        "describe",
        r#"anyface describe photo.jpg
anyface describe face.png --json"#,
    ),
    (
        "invert",
        r#"anyface invert photo.jpg --refine 100 -o latent.safetensors --reconstruction again.png"#,
    ),
    ("prepare", r#"anyface prepare directions --model ffhq"#),
    (
        "interpolate",
        r#"anyface interpolate seed:1 "an old man with a beard" -o ageing.gif
anyface interpolate photo.jpg latent.safetensors --steps 5 -o strip.png"#,
    ),
    (
        "train",
        r#"anyface train generator --config configs/portraits/generator.toml
anyface train generator --config configs/portraits/generator.toml --resume"#,
    ),
    (
        "eval",
        r#"anyface eval faithfulness --samples 500
anyface eval fid --json"#,
    ),
    (
        "portraits",
        r#"anyface portraits -n 100 --resolution 256 -o portraits/"#,
    ),
    (
        "convert",
        r#"anyface convert stylegan2-ffhq.pkl generator.safetensors"#,
    ),
    (
        "models",
        r#"anyface models list
anyface models inspect stylegan2-ffhq.pkl"#,
    ),
    ("pull", r#"anyface pull stylegan2-ffhq-256"#),
    (
        "bench",
        r#"anyface bench synthesis --resolution 256 --dtype bf16"#,
    ),
    (
        "serve",
        r#"anyface serve
anyface serve --model portraits --model photographs
anyface serve --bind 0.0.0.0:8080 --keys keys.txt --rate 120"#,
    ),
    (
        "health",
        r#"anyface health
anyface health http://127.0.0.1:9000"#,
    ),
    (
        "verify",
        r#"anyface verify sailor.png
anyface verify sailor.png --json"#,
    ),
    (
        "completions",
        r#"anyface completions bash > ~/.local/share/bash-completion/completions/anyface"#,
    ),
    (
        "man",
        r#"anyface man | man -l -
anyface man -o ~/.local/share/man/man1"#,
    ),
];

/// Appends the examples to the help of each command.
pub(crate) fn add_to(command: clap::Command) -> clap::Command {
    EXAMPLES.iter().fold(command, |command, (name, lines)| {
        let lines = lines.replace('\n', "\n  ");
        let text = format!("Examples:\n  {lines}");
        command.mut_subcommand(name, |subcommand| subcommand.after_help(text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Splits a line into arguments, as a shell does.
    fn words(line: &str) -> Vec<String> {
        let line = line.split(['|', '>', '<']).next().unwrap_or_default();
        let parts = line.split('"').enumerate().flat_map(|(i, part)| {
            let quoted = i % 2 == 1;
            match quoted {
                true => vec![part.to_owned()],
                false => part.split_whitespace().map(str::to_owned).collect(),
            }
        });
        parts.collect()
    }

    #[test]
    fn every_command_has_examples_that_parse() {
        for (name, lines) in EXAMPLES {
            for line in lines.lines() {
                assert!(line.starts_with(&format!("anyface {name}")), "{line}");
                let read = crate::command_line().try_get_matches_from(words(line));
                read.unwrap_or_else(|error| panic!("{line}: {error}"));
            }
        }
        for command in crate::command_line().get_subcommands() {
            assert!(command.get_after_help().is_some(), "{}", command.get_name());
        }
    }
}
