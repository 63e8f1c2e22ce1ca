//! Checkpoints of a run, one directory each, written atomically.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::{ModuleRecord, RecordError};
use serde::{Deserialize, Serialize};

use super::config::RunConfig;
use super::optimizer::RunOptimizer;
use crate::error::{Result, TrainError};

const MODEL: &str = "model.bpk";
/// Exponential moving average of the weights.
const EMA: &str = "ema.bpk";
/// File name of [`EMA`] in earlier versions.
const OLD_EMA: &str = "average.bpk";
const OPTIMIZER: &str = "optimizer.bpk";
const POSITION: &str = "position.json";
/// Number of newest checkpoints kept, in addition to the best one.
const KEEP: usize = 2;

/// Progress of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Position {
    /// Number of optimiser steps.
    pub(super) step: u64,
    /// Number of images or other samples.
    pub(super) images: u64,
    /// Step and score of the best checkpoint.
    pub(super) best: Option<(u64, f64)>,
}

/// Full state to resume a run.
pub(super) struct RunState<M> {
    pub(super) model: M,
    pub(super) ema: M,
    pub(super) optimizer: RunOptimizer,
    pub(super) position: Position,
}

/// The `checkpoints` directory of a run.
pub(super) struct Checkpoints {
    directory: PathBuf,
}

impl Checkpoints {
    /// Creates or opens the directory under `out` and removes incomplete checkpoints of killed
    /// processes.
    pub(super) fn open(out: &Path, resume: bool) -> Result<Self> {
        let directory = out.join("checkpoints");
        fs::create_dir_all(&directory).map_err(TrainError::io(&directory))?;
        let checkpoints = Self { directory };
        if !resume && !checkpoints.steps()?.is_empty() {
            return Err(TrainError::Occupied {
                path: out.to_owned(),
            });
        }
        for entry in checkpoints.entries()? {
            if entry.to_string_lossy().starts_with(PARTIAL) {
                let path = checkpoints.directory.join(entry);
                fs::remove_dir_all(&path).map_err(TrainError::io(&path))?;
            }
        }
        Ok(checkpoints)
    }

    /// The newest checkpoint, if any, loaded into `model`.
    pub(super) fn load_latest<M: Module>(
        &self,
        model: &M,
        config: &RunConfig,
    ) -> Result<Option<RunState<M>>> {
        let Some(&step) = self.steps()?.last() else {
            return Ok(None);
        };
        let directory = self.path(step);
        let optimizer = directory.join(OPTIMIZER);
        Ok(Some(RunState {
            model: load_module(&directory.join(MODEL), model.clone())?,
            ema: load_module(&ema_path(&directory), model.clone().valid())?,
            optimizer: RunOptimizer::new(config)
                .load(&optimizer)
                .map_err(damaged(&optimizer))?,
            position: read_position(&directory)?,
        }))
    }

    /// Writes a checkpoint to a temporary directory, moves it into place, and removes old ones.
    pub(super) fn save<M: Module>(&self, state: &RunState<M>) -> Result<()> {
        let partial = tempfile::Builder::new()
            .prefix(PARTIAL)
            .tempdir_in(&self.directory)
            .map_err(TrainError::io(&self.directory))?;
        let file = |name: &str| partial.path().join(name);
        let record = |module: &M, name: &str| {
            let path = file(name);
            module
                .clone()
                .into_record()
                .save(&path)
                .map_err(damaged(&path))
        };
        record(&state.model, MODEL)?;
        record(&state.ema, EMA)?;
        state
            .optimizer
            .save(&file(OPTIMIZER))
            .map_err(damaged(&file(OPTIMIZER)))?;
        let position = serde_json::to_vec(&state.position).expect("a position is plain data");
        fs::write(file(POSITION), position).map_err(TrainError::io(file(POSITION)))?;
        for name in [MODEL, EMA, OPTIMIZER, POSITION] {
            File::open(file(name))
                .and_then(|written| written.sync_all())
                .map_err(TrainError::io(file(name)))?;
        }
        let place = self.path(state.position.step);
        fs::rename(partial.keep(), &place).map_err(TrainError::io(&place))?;
        self.prune(state.position.best.map(|(step, _)| step))
    }

    fn prune(&self, best: Option<u64>) -> Result<()> {
        let steps = self.steps()?;
        for &step in steps.iter().rev().skip(KEEP) {
            if Some(step) != best {
                let path = self.path(step);
                fs::remove_dir_all(&path).map_err(TrainError::io(&path))?;
            }
        }
        Ok(())
    }

    fn path(&self, step: u64) -> PathBuf {
        self.directory.join(format!("{step:08}"))
    }

    /// Steps of the complete checkpoints, ascending.
    fn steps(&self) -> Result<Vec<u64>> {
        let names = self.entries()?;
        let mut steps: Vec<u64> = names
            .iter()
            .filter_map(|name| name.to_str()?.parse().ok())
            .collect();
        steps.sort_unstable();
        Ok(steps)
    }

    fn entries(&self) -> Result<Vec<std::ffi::OsString>> {
        fs::read_dir(&self.directory)
            .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect())
            .map_err(TrainError::io(&self.directory))
    }
}

const PARTIAL: &str = ".partial-";

/// EMA weights of the best checkpoint of the run in `out`, or of the newest if the stage has no
/// score. They are loaded into `model`, which must be on a device without autodiff.
///
/// # Errors
/// The run has no checkpoint, or its weights do not match `model`.
pub fn load_ema<M: Module>(out: &Path, model: M) -> Result<M> {
    let (checkpoints, latest) = newest(out)?;
    let position = read_position(&checkpoints.path(latest))?;
    let step = position.best.map_or(latest, |(step, _)| step);
    load_module(&ema_path(&checkpoints.path(step)), model)
}

/// Number of images at the newest checkpoint of the run in `out`.
///
/// # Errors
/// The run has no checkpoint, or it cannot be read.
pub fn images_seen(out: &Path) -> Result<u64> {
    let (checkpoints, latest) = newest(out)?;
    Ok(read_position(&checkpoints.path(latest))?.images)
}

/// Loads the newest EMA weights of the run in `out` into the parameters of `model` with the same
/// path and shape. Other parameters stay unchanged.
///
/// # Errors
/// The run has no checkpoint, or it cannot be read.
pub fn load_fitting<M: Module>(out: &Path, model: M) -> Result<M> {
    let (checkpoints, latest) = newest(out)?;
    let path = ema_path(&checkpoints.path(latest));
    ModuleRecord::load(&path)
        .and_then(|record| model.try_load_record(what_fits(record)))
        .map_err(damaged(&path))
}

/// Copies the parameters of `other` with the same path and shape to `model`.
pub fn take_over<M: Module>(model: M, other: M) -> M {
    let record = what_fits(other.into_record());
    let taken = model.try_load_record(record);
    taken.expect("mismatched parameters are skipped")
}

fn what_fits(record: ModuleRecord) -> ModuleRecord {
    record
        .allow_partial(true)
        .allow_unused(true)
        .validate(false)
}

/// The checkpoints of the run in `out`, and the step of the newest one.
fn newest(out: &Path) -> Result<(Checkpoints, u64)> {
    let directory = out.join("checkpoints");
    let checkpoints = Checkpoints { directory };
    let latest = match checkpoints.directory.is_dir() {
        true => checkpoints.steps()?.last().copied(),
        false => None,
    };
    let latest = latest.ok_or_else(|| TrainError::Damaged {
        path: out.to_owned(),
        message: "has no checkpoints".to_owned(),
    })?;
    Ok((checkpoints, latest))
}

/// Path of the EMA weights of a checkpoint. Falls back to the file name of earlier versions.
fn ema_path(directory: &Path) -> PathBuf {
    let [new, old] = [EMA, OLD_EMA].map(|name| directory.join(name));
    match old.exists() && !new.exists() {
        true => old,
        false => new,
    }
}

fn load_module<M: Module>(path: &Path, module: M) -> Result<M> {
    ModuleRecord::load(path)
        .and_then(|record| module.try_load_record(record))
        .map_err(damaged(path))
}

fn read_position(directory: &Path) -> Result<Position> {
    let path = directory.join(POSITION);
    let bytes = fs::read(&path).map_err(TrainError::io(&path))?;
    serde_json::from_slice(&bytes).map_err(|error| TrainError::Damaged {
        path,
        message: error.to_string(),
    })
}

fn damaged(path: &Path) -> impl FnOnce(RecordError) -> TrainError {
    let path = path.to_owned();
    move |error| TrainError::Damaged {
        path,
        message: error.to_string(),
    }
}
