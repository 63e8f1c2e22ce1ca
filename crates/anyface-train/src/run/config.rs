//! Reads configuration files.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::bounds;
use crate::error::{Result, TrainError};

/// Configuration keys of earlier versions and their current names.
const RENAMED: [(&str, &str); 5] = [
    ("average_decay", "ema_decay"),
    ("critic", "attribute_loss"),
    ("idle_texts", "neutral_texts"),
    ("judge", "probe_bundle"),
    ("shown", "image_prompt_probability"),
];

/// The `[run]` table of a training configuration: settings that all stages share.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Directory for checkpoints, logs and samples.
    pub out: PathBuf,
    /// Seed of the initial weights and of every batch.
    pub seed: u64,
    /// Number of optimiser steps.
    pub steps: u64,
    /// Time limit in minutes of this process. The run then writes a checkpoint and stops.
    pub max_minutes: Option<f64>,
    /// Optimiser.
    #[serde(default)]
    pub optimizer: OptimizerKind,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Learning rate of the parameters that Muon leaves to Adam: vectors and thin matrices.
    /// Default: the rate of their group.
    pub adam_learning_rate: Option<f64>,
    /// Decay rates of Adam's first and second moments.
    #[serde(default = "default_betas")]
    pub betas: [f32; 2],
    /// Steps of linear warm-up.
    #[serde(default)]
    pub warmup_steps: u64,
    /// Learning rate at the last step as a fraction of the peak, at the end of the cosine schedule.
    #[serde(default)]
    pub final_fraction: f64,
    /// Maximum norm of the whole gradient. Larger gradients are scaled down to it.
    pub clip_norm: Option<f32>,
    /// Decay of the exponential moving average of the weights.
    #[serde(
        default = "default_ema_decay",
        alias = "average_decay",
        deserialize_with = "bounds::fraction"
    )]
    pub ema_decay: f64,
    /// Half-life of the EMA in thousands of images, instead of `ema_decay`. It ramps up with the
    /// images seen, like NVIDIA's `ema_kimg` and `ema_rampup`.
    pub ema_kimg: Option<f64>,
    /// Steps between checkpoints. Each checkpoint includes an evaluation.
    #[serde(deserialize_with = "bounds::positive")]
    pub checkpoint_every: u64,
    /// Steps between sample pictures.
    #[serde(deserialize_with = "bounds::positive")]
    pub sample_every: u64,
    /// Steps between log lines.
    #[serde(default = "default_log_every", deserialize_with = "bounds::positive")]
    pub log_every: u64,
    /// Parameter groups with their own learning rate.
    #[serde(default, rename = "group")]
    pub groups: Vec<GroupConfig>,
}

/// Optimiser of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Adam.
    #[default]
    Adam,
    /// Muon for matrices and convolutions, Adam for other parameters.
    Muon,
}

/// A `[[run.group]]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupConfig {
    /// Substring of the module path of each parameter in the group, for example `mapping.`.
    pub path: String,
    /// Peak learning rate of the group. The schedule is shared.
    pub learning_rate: f64,
    /// Optimiser of the group. Default: the optimiser of the run.
    pub optimizer: Option<OptimizerKind>,
    /// Decay rates of the two moments. Default: those of the run.
    pub betas: Option<[f32; 2]>,
}

fn default_betas() -> [f32; 2] {
    [0.9, 0.99]
}

fn default_ema_decay() -> f64 {
    0.999
}

fn default_log_every() -> u64 {
    10
}

/// Key with the path of a base configuration, relative to the file. Tables are merged. Other keys
/// of the file override those of the base.
const BASE: &str = "base";

/// Maximum number of nested bases. A longer chain is circular.
const MAX_BASES: usize = 8;

/// Reads a TOML configuration, merged with its `base`.
///
/// # Errors
/// The file or its base cannot be read, or a field is unknown, missing or of the wrong type. The
/// message is one line that names the field, and the line in the file if there is no base.
pub fn load_config<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path).map_err(TrainError::io(path))?;
    let table: Table = parse(path, &text)?;
    match table.contains_key(BASE) {
        false => {
            note_old_keys(path, &table);
            parse(path, &text)
        }
        true => {
            let merged = merged(path, table, MAX_BASES)?;
            note_old_keys(path, &merged);
            serde_path_to_error::deserialize(Value::Table(merged))
                .map_err(|error| TrainError::config(path, with_field(error)))
        }
    }
}

fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| TrainError::config(path, one_line(text, &error)))
}

/// `table`, read from `path`, merged over its base.
fn merged(path: &Path, mut table: Table, bases: usize) -> Result<Table> {
    let Some(base) = table.remove(BASE) else {
        return Ok(table);
    };
    let Some(base) = base.as_str().filter(|_| bases > 0) else {
        return Err(TrainError::config(
            path,
            "`base` is not a path, or the bases form a cycle",
        ));
    };
    let base = path.parent().unwrap_or(Path::new("")).join(base);
    let text = std::fs::read_to_string(&base).map_err(TrainError::io(&base))?;
    let below = merged(&base, parse(&base, &text)?, bases - 1)?;
    Ok(over(below, table))
}

/// Merges two tables. Keys of `above` take precedence.
fn over(mut below: Table, above: Table) -> Table {
    for (key, value) in above {
        let value = match (below.remove(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => Value::Table(over(below, above)),
            (_, value) => value,
        };
        below.insert(key, value);
    }
    below
}

/// Whether a TOML configuration has a table of this name. False if it cannot be read.
pub fn has_table(path: &Path, name: &str) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let table = text.parse().unwrap_or_default();
    merged(path, table, MAX_BASES).is_ok_and(|table| table.contains_key(name))
}

/// `run.steps: invalid type: string "ten", expected u64`.
fn with_field(error: serde_path_to_error::Error<toml::de::Error>) -> String {
    let field = error.path().to_string();
    let message = error.inner().message().replace('\n', " ");
    match &field[..] {
        "." => message,
        field => format!("{field}: {message}"),
    }
}

/// Prints a notice about keys that have a new name. Old names still work.
fn note_old_keys(path: &Path, table: &Table) {
    let renamed: Vec<String> = RENAMED
        .iter()
        .filter(|(old, _)| has_key(table, old))
        .map(|(old, new)| format!("`{old}` is now `{new}`"))
        .collect();
    if !renamed.is_empty() {
        eprintln!("{}: {}", path.display(), renamed.join(", "));
    }
}

/// Whether the table or a nested table has the key.
fn has_key(table: &Table, key: &str) -> bool {
    table.contains_key(key)
        || table
            .values()
            .filter_map(Value::as_table)
            .any(|table| has_key(table, key))
}

/// `line 3: invalid type: string "x", expected u64 (steps = "x")`.
fn one_line(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().replace('\n', " ");
    let Some(span) = error.span() else {
        return message;
    };
    let line = text[..span.start].matches('\n').count();
    let source = text.lines().nth(line).unwrap_or_default().trim();
    format!("line {}: {message} ({source})", line + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "out = 'runs/x'\nseed = 1\nsteps = 10\nlearning_rate = 0.1\ncheckpoint_every = 5\nsample_every = 5\n";

    fn error_of(text: &str) -> String {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), text).expect("written");
        load_config::<RunConfig>(file.path())
            .expect_err("a bad configuration")
            .to_string()
    }

    #[test]
    fn a_good_file_is_read() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let text = format!("{GOOD}[[group]]\npath = 'mapping.'\nlearning_rate = 0.01\n");
        std::fs::write(file.path(), text).expect("written");
        let config: RunConfig = load_config(file.path()).expect("a good configuration");
        assert_eq!(config.groups[0].path, "mapping.");
        assert_eq!(config.betas, [0.9, 0.99]);
    }

    #[test]
    fn old_keys_are_read_and_found() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), format!("{GOOD}average_decay = 0.5\n")).expect("written");
        let config: RunConfig = load_config(file.path()).expect("a good configuration");
        assert_eq!(config.ema_decay, 0.5);
        let table: Table = "[data]\njudge = 'x'\n".parse().expect("a table");
        assert!(has_key(&table, "judge"));
        assert!(!has_key(&table, "critic"));
    }

    #[test]
    fn a_base_provides_missing_keys() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            path
        };
        write("faces.toml", "[portraits]\nseed = 1\nsize = 64\n");
        write(
            "first.toml",
            "base = 'faces.toml'\n[run]\nsteps = 5\n[learning]\nbatch = 8\n",
        );
        let path = write(
            "again.toml",
            "base = 'first.toml'\n[portraits]\nsize = 32\n",
        );
        let config: Table = load_config(&path).expect("a configuration");
        let expected =
            "[portraits]\nseed = 1\nsize = 32\n[run]\nsteps = 5\n[learning]\nbatch = 8\n";
        assert_eq!(config, expected.parse::<Table>().expect("a table"));
        assert!(has_table(&path, "portraits") && !has_table(&path, "images"));

        let path = write("circle.toml", "base = 'circle.toml'\n");
        let error = load_config::<Table>(&path).expect_err("a cycle");
        assert!(error.to_string().contains("`base`"), "{error}");
        let path = write("lost.toml", "base = 'none.toml'\n");
        let error = load_config::<Table>(&path).expect_err("no base");
        assert!(error.to_string().contains("none.toml"), "{error}");
        write("run.toml", GOOD);
        let path = write("late.toml", "base = 'run.toml'\nsteps = 'ten'\n");
        let error = load_config::<RunConfig>(&path)
            .expect_err("no number")
            .to_string();
        assert!(error.contains("late.toml: steps: invalid type"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }

    #[test]
    fn numbers_out_of_range_give_one_line_errors() {
        for (right, wrong) in [
            ("checkpoint_every = 5", "checkpoint_every = 0"),
            ("sample_every = 5", "sample_every = -1"),
            ("seed = 1", "seed = 1\nema_decay = 1.5"),
        ] {
            let message = error_of(&GOOD.replace(right, wrong));
            let value = wrong.rsplit(' ').next().expect("a value");
            assert!(message.contains(&format!("not {value}")), "{message}");
            assert!(message.contains("line "), "{message}");
            assert_eq!(message.lines().count(), 1, "{message}");
        }
    }

    #[test]
    fn errors_are_one_line_that_names_the_field() {
        let unknown = error_of(&format!("{GOOD}stepz = 3\n"));
        assert!(
            unknown.contains("line 7") && unknown.contains("stepz"),
            "{unknown}"
        );
        let wrong = error_of(&GOOD.replace("steps = 10", "steps = 'ten'"));
        assert!(
            wrong.contains("line 3") && wrong.contains("steps = 'ten'"),
            "{wrong}"
        );
        let missing = error_of(&GOOD.replace("seed = 1\n", ""));
        assert!(missing.contains("seed"), "{missing}");
        for message in [unknown, wrong, missing] {
            assert_eq!(message.lines().count(), 1, "{message}");
        }
    }
}
