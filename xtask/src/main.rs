//! Project chores: `cargo xtask check` before each commit.

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

/// Every check, in the order that fails soonest.
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
        "licences and advisories",
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
    match args {
        [command] if command == "check" => {
            CHECKS.iter().try_for_each(|(name, args)| check(name, args))
        }
        _ => bail!("usage: cargo xtask check"),
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
