//! Tests of stopped, killed and diverging runs.

use std::fs;
use std::path::Path;

use anyface_train::TrainError;
use anyface_train::run::{Evaluation, RunConfig, Stage, StepOutput, load_ema, train};
use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Two layers. The first is used twice, so that its gradients are summed.
#[derive(Module, Debug)]
struct Net {
    inner: Linear,
    outer: Linear,
}

/// Learns `y = mean(x)` from random `x`. The loss is not finite at step `breaks_at`.
struct Regression {
    breaks_at: Option<usize>,
    steps: usize,
}

impl Regression {
    fn new() -> Self {
        Self {
            breaks_at: None,
            steps: 0,
        }
    }
}

impl Stage for Regression {
    type Model = Net;

    fn init(&self, device: &Device) -> anyface_train::Result<Net> {
        Ok(Net {
            inner: LinearConfig::new(6, 6).init(device),
            outer: LinearConfig::new(6, 1).init(device),
        })
    }

    fn step(&mut self, net: &Net, rng: &mut ChaCha8Rng) -> anyface_train::Result<StepOutput> {
        let device = net.inner.weight.device();
        let values: Vec<f32> = (0..4 * 6).map(|_| rng.random()).collect();
        let x = Tensor::<2>::from_data(TensorData::new(values, [4, 6]), &device);
        let hidden = net.inner.forward(net.inner.forward(x.clone()).tanh());
        let mut loss = (net.outer.forward(hidden) - x.mean_dim(1)).square().mean();
        if self.breaks_at == Some(self.steps) {
            loss = loss / 0.0;
        }
        self.steps += 1;
        Ok(StepOutput::backward(net, &loss, &[], 4))
    }

    fn evaluate(&mut self, _: &Net) -> anyface_train::Result<Evaluation> {
        Ok(Evaluation {
            score: -(self.steps as f64),
            metrics: vec![("steps".to_owned(), self.steps as f64)],
        })
    }
}

fn config(out: &Path, steps: u64) -> RunConfig {
    let text = format!(
        "out = '{}'\nseed = 5\nsteps = {steps}\nlearning_rate = 0.01\nwarmup_steps = 3\nclip_norm = 0.1\n\
         checkpoint_every = 5\nsample_every = 1000\nlog_every = 1\n\
         [[group]]\npath = 'outer.'\nlearning_rate = 0.03",
        out.display()
    );
    toml::from_str(&text).expect("a configuration")
}

fn run(out: &Path, steps: u64, resume: bool) -> Vec<f32> {
    let ema = train(
        &mut Regression::new(),
        &config(out, steps),
        &Device::flex(),
        resume,
    )
    .expect("a run");
    weights(&ema)
}

fn weights(net: &Net) -> Vec<f32> {
    struct Values(Vec<f32>);
    impl ModuleVisitor for Values {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.extend(param.val().into_data().iter::<f32>());
        }
    }
    let mut values = Values(Vec::new());
    net.visit(&mut values);
    values.0
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_directory(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("copied");
        }
    }
}

/// Steps of the checkpoints in `out`.
fn checkpoints(out: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(out.join("checkpoints"))
        .expect("a directory")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    names
}

#[test]
fn a_killed_run_resumes_to_the_same_weights() {
    let temporary = tempfile::tempdir().expect("a directory");
    let (whole, killed) = (
        temporary.path().join("whole"),
        temporary.path().join("killed"),
    );
    let never_stopped = run(&whole, 20, false);
    // State after a kill during the checkpoint of step 20: the checkpoint of step 15, an incomplete
    // one, and a log that is ahead.
    copy_directory(&whole, &killed);
    fs::remove_dir_all(killed.join("checkpoints/00000020")).expect("removed");
    let torn = killed.join("checkpoints/.partial-x");
    fs::create_dir(&torn).expect("a directory");
    fs::write(torn.join("model.bpk"), b"half").expect("written");

    assert_eq!(run(&killed, 20, true), never_stopped);
    let model = |out: &Path| fs::read(out.join("checkpoints/00000020/model.bpk")).expect("a file");
    assert_eq!(model(&killed), model(&whole));
    assert!(!torn.exists());
    let log = fs::read_to_string(killed.join("log.jsonl")).expect("a log");
    assert_eq!(
        log.matches("loss/total").count(),
        20,
        "every step is logged once"
    );
}

#[test]
fn a_run_of_an_earlier_version_resumes() {
    let temporary = tempfile::tempdir().expect("a directory");
    let (whole, old) = (temporary.path().join("whole"), temporary.path().join("old"));
    let never_stopped = run(&whole, 20, false);
    copy_directory(&whole, &old);
    fs::remove_dir_all(old.join("checkpoints/00000020")).expect("removed");
    let checkpoint = old.join("checkpoints/00000015");
    let [new_name, old_name] = ["ema.bpk", "average.bpk"].map(|name| checkpoint.join(name));
    fs::rename(new_name, old_name).expect("renamed");
    assert_eq!(run(&old, 20, true), never_stopped);
}

#[test]
fn the_best_and_the_last_two_checkpoints_are_kept() {
    let temporary = tempfile::tempdir().expect("a directory");
    run(temporary.path(), 20, false);
    assert_eq!(
        checkpoints(temporary.path()),
        ["00000005", "00000015", "00000020"]
    );
    let net = Regression::new().init(&Device::flex());
    let net = net.expect("fresh weights");
    let best = load_ema(temporary.path(), net).expect("a best checkpoint");
    let newest = run(temporary.path(), 20, true);
    assert_ne!(weights(&best), newest);
}

#[test]
fn a_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint() {
    let temporary = tempfile::tempdir().expect("a directory");
    let mut stage = Regression::new();
    stage.breaks_at = Some(7);
    let config = config(temporary.path(), 20);
    let error =
        train(&mut stage, &config, &Device::flex(), false).expect_err("a loss that is not finite");
    assert!(
        matches!(error, TrainError::NotFinite { step: 7, .. }),
        "{error}"
    );
    assert_eq!(checkpoints(temporary.path()), ["00000005"]);
    run(temporary.path(), 20, true);
}

#[test]
fn a_new_run_does_not_overwrite_an_old_one() {
    let temporary = tempfile::tempdir().expect("a directory");
    run(temporary.path(), 5, false);
    let config = config(temporary.path(), 5);
    let error = train(&mut Regression::new(), &config, &Device::flex(), false)
        .expect_err("an occupied folder");
    assert!(matches!(error, TrainError::Occupied { .. }), "{error}");
}
