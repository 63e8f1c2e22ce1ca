//! The `anyface` command as a function. The binary and the Python package call it.

mod command;
#[cfg(test)]
mod documents;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// Describe a face in your own words and get one.
#[derive(Debug, Parser)]
#[command(name = "anyface", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Generate(command::generate::Args),
    Edit(command::edit::Args),
    Describe(command::describe::Args),
    Invert(command::invert::Args),
    Interpolate(command::interpolate::Args),
    #[cfg(feature = "train")]
    Train(command::train::Args),
    #[cfg(feature = "train")]
    Eval(command::eval::Args),
    Portraits(command::portraits::Args),
    Convert(command::convert::Args),
    Prepare(command::prepare::Args),
    Models(command::models::Args),
    Pull(command::pull::Args),
    Bench(command::bench::Args),
    Serve(Box<command::serve::Args>),
    Health(command::health::Args),
    Verify(command::verify::Args),
    Completions(command::completions::Args),
    Man(command::man::Args),
}

/// The command line. The help of each command ends with examples.
fn command_line() -> clap::Command {
    command::examples::add_to(Cli::command())
}

/// Runs the command. The first argument is the name of the program. An error is printed as one line
/// on stderr.
///
/// Exits the process if the arguments are invalid or ask for the help or the version.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let matches = command_line().get_matches_from(arguments);
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let done = match cli.command {
        Command::Generate(args) => args.run(),
        Command::Edit(args) => args.run(),
        Command::Describe(args) => args.run(),
        Command::Invert(args) => args.run(),
        Command::Interpolate(args) => args.run(),
        #[cfg(feature = "train")]
        Command::Train(args) => args.run(),
        #[cfg(feature = "train")]
        Command::Eval(args) => args.run(),
        Command::Portraits(args) => args.run(),
        Command::Convert(args) => args.run(),
        Command::Prepare(args) => args.run(),
        Command::Models(args) => args.run(),
        Command::Pull(args) => args.run(),
        Command::Bench(args) => args.run(),
        Command::Serve(args) => args.run(),
        Command::Health(args) => args.run(),
        // Its exit code is the verdict.
        Command::Verify(args) => return args.run(),
        Command::Completions(args) => args.run(command_line()),
        Command::Man(args) => args.run(command_line()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => fail(&error, ExitCode::FAILURE),
    }
}

/// Prints an error on stderr; returns `code`.
fn fail(error: &anyhow::Error, code: ExitCode) -> ExitCode {
    eprintln!("anyface: {}", line(error));
    code
}

/// An error and its causes in one line. A cause that an error already quotes is not repeated.
fn line(error: &anyhow::Error) -> String {
    let messages = error.chain().map(ToString::to_string);
    let line = messages.reduce(|line, cause| match line.contains(&cause) {
        true => line,
        false => format!("{line}: {cause}"),
    });
    line.unwrap_or_default()
}

/// Whether the reader of stdout, for example `head`, closed the pipe.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_cause_is_printed_once() {
        let error = std::io::Error::other("no space");
        let error = anyhow::Error::new(error).context("a.png: no space");
        assert_eq!(line(&error), "a.png: no space");
        assert_eq!(line(&error.context("b")), "b: a.png: no space");
    }
}
