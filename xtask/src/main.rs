//! Project tasks. Run `cargo xtask check` before each commit, `cargo xtask dist` for a release.

mod dist;
mod modules;
mod packages;
mod sbom;

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

/// All checks. Those that fail fastest come first.
const CHECKS: &[(&str, &[&str])] = &[
    ("format", &["fmt", "--all", "--check"]),
    (
        "clippy",
        &[
            "clippy",
            "--release",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ],
    ),
    ("tests", &["test", "--release", "--workspace"]),
    ("docs", &["doc", "--release", "--workspace", "--no-deps"]),
    (
        "licences",
        &[
            "deny",
            "--workspace",
            "check",
            "bans",
            "licenses",
            "sources",
        ],
    ),
];

/// Messages of cargo-deny if the advisory database can neither be fetched nor read from the cache.
const NO_DATABASE: [&str; 3] = [
    "failed to fetch advisory database",
    "failed to open advisory database",
    "failed to load advisory database",
];

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let root = root.context("a workspace")?;
    match args {
        [command] if command == "check" => {
            eprintln!("== modules: no cycle in any crate");
            modules::check(&root.join("crates"))?;
            CHECKS
                .iter()
                .try_for_each(|(name, args)| check(name, args))?;
            check_advisories()
        }
        [command] if command == "dist" => {
            let archive = dist::dist(root)?;
            Ok(writeln!(io::stdout(), "{}", archive.display())?)
        }
        _ => bail!("usage: cargo xtask check|dist"),
    }
}

fn check(name: &str, args: &[&str]) -> Result<()> {
    eprintln!("== {name}: cargo {}", args.join(" "));
    let status = Command::new(env!("CARGO"))
        .args(args)
        .env("RUSTDOCFLAGS", "-D warnings")
        .status()?;
    if !status.success() {
        bail!("{name} failed");
    }
    Ok(())
}

/// Checks the RustSec advisories. Uses the cached database if it cannot be fetched. Prints a line
/// if there is no database at all.
fn check_advisories() -> Result<()> {
    for args in [
        ["deny", "--workspace", "check", "advisories"].as_slice(),
        &["deny", "--workspace", "--offline", "check", "advisories"],
    ] {
        eprintln!("== advisories: cargo {}", args.join(" "));
        let output = Command::new(env!("CARGO")).args(args).output()?;
        let report = String::from_utf8_lossy(&output.stderr);
        if NO_DATABASE.iter().any(|line| report.contains(line)) {
            continue;
        }
        eprint!("{report}");
        return match output.status.success() {
            true => Ok(()),
            false => bail!("advisories failed"),
        };
    }
    eprintln!("advisories not checked: no advisory database");
    Ok(())
}
