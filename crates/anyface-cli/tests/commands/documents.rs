//! Runs the quick commands of the README in their order, as in a clone of the repository.

use std::path::Path;

use assert_cmd::Command;

use crate::shell_commands::{arguments, commands, read, root};

/// Subcommands that finish within seconds and download nothing.
const QUICK: [&str; 8] = [
    "generate",
    "edit",
    "invert",
    "interpolate",
    "portraits",
    "convert",
    "models",
    "verify",
];

/// Files in the README that the repository does not contain.
const OWN: [&str; 1] = ["ffhq.pkl"];

#[cfg(unix)]
#[test]
fn the_readme_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["configs", "docs", "examples", "models"] {
        let target = root().canonicalize().expect("the root").join(name);
        std::os::unix::fs::symlink(target, folder.path().join(name)).expect("a link");
    }
    let mut ran = Vec::new();
    for command in commands(&read(Path::new("README.md"))) {
        let Some(arguments) = arguments(&command) else {
            continue;
        };
        let is_quick = arguments
            .first()
            .is_some_and(|name| QUICK.contains(&&name[..]));
        if !is_quick || arguments.iter().any(|word| OWN.contains(&&word[..])) {
            continue;
        }
        Command::cargo_bin("anyface")
            .expect("the binary is built with its tests")
            .current_dir(folder.path())
            .env_remove("ANYFACE_DETECTOR")
            // Signs with a key of the tests, not the user's.
            .env("XDG_DATA_HOME", env!("CARGO_TARGET_TMPDIR"))
            .args(arguments)
            .assert()
            .success();
        ran.push(arguments[0].clone());
    }
    for name in ["generate", "edit", "invert", "interpolate", "portraits"] {
        assert!(ran.iter().any(|ran| ran == name), "no `anyface {name}` ran");
    }
}
