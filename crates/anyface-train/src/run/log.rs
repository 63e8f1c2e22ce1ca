//! The log of a run: `log.jsonl`, and event files for TensorBoard.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::events::EventFile;
use crate::error::{Result, TrainError};

/// Writes the named values of each step to both logs.
pub(super) struct Log {
    path: PathBuf,
    lines: File,
    events: EventFile,
}

impl Log {
    /// Opens the logs in `out`. Removes lines after `step`, which a killed run wrote after its last
    /// checkpoint, because the resumed run writes them again.
    pub(super) fn open(out: &Path, step: u64) -> Result<Self> {
        let path = out.join("log.jsonl");
        drop_lines_after(&path, step).map_err(TrainError::io(&path))?;
        let lines = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(TrainError::io(&path))?;
        Ok(Self {
            path,
            lines,
            events: EventFile::create(out)?,
        })
    }

    /// Writes one line `{"step": 10, "loss/l1": 0.2, …}` and one TensorBoard event.
    pub(super) fn write(&mut self, step: u64, values: &[(String, f64)]) -> Result<()> {
        let mut line = Map::new();
        line.insert("step".to_owned(), step.into());
        for (name, value) in values {
            line.insert(name.clone(), Value::from(*value));
        }
        self.events.scalars(step, values)?;
        writeln!(self.lines, "{}", Value::Object(line)).map_err(TrainError::io(&self.path))
    }
}

fn drop_lines_after(path: &Path, step: u64) -> std::io::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let is_kept = |line: &&str| {
        serde_json::from_str::<Value>(line)
            .ok()
            .and_then(|line| line.get("step")?.as_u64())
            .is_some_and(|at| at <= step)
    };
    let text = fs::read_to_string(path)?;
    let kept: String = text
        .lines()
        .filter(is_kept)
        .flat_map(|line| [line, "\n"])
        .collect();
    fs::write(path, kept)
}
