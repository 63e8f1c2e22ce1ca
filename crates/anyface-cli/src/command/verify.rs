//! `anyface verify`: reads the provenance of an image and checks its signature.

use std::fmt::Write as _;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyface::provenance::{Credentials, Evidence, Verdict};
use anyhow::{Context, Result};
use serde_json::json;

/// Exit code for an unreadable file; clap uses the same for invalid arguments.
const UNREADABLE: u8 = 2;

/// Read the provenance of an image and check its signature
///
/// Exit codes: 0 if the image is marked as AI-generated, 1 if it has no mark, 3 if it was changed
/// after it was signed, 2 if the file cannot be read. Marks can be removed, so an image without a
/// mark may still be generated. The signer is printed but not verified.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// PNG, JPEG, WebP or GIF file
    file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Prints the evidence; the exit code is the verdict.
    pub(crate) fn run(self) -> ExitCode {
        let code = self.print();
        code.unwrap_or_else(|error| crate::fail(&error, ExitCode::from(UNREADABLE)))
    }

    fn print(&self) -> Result<ExitCode> {
        let file = fs::read(&self.file).with_context(|| self.file.display().to_string())?;
        let evidence = Evidence::of(&file);
        let verdict = evidence.verdict();
        let report = match self.json {
            true => self.json(verdict, &evidence),
            false => self.text(verdict, &evidence),
        };
        match std::io::stdout().write_all(report.as_bytes()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("stdout")?,
            _ => {}
        }
        Ok(ExitCode::from(match verdict {
            Verdict::Marked => 0,
            Verdict::Unmarked => 1,
            Verdict::Tampered => 3,
        }))
    }

    fn json(&self, verdict: Verdict, evidence: &Evidence) -> String {
        let report = json!({
            "path": self.file,
            "verdict": verdict,
            "mark": evidence.mark,
            "credentials": evidence.credentials,
        });
        format!("{report}\n")
    }

    fn text(&self, verdict: Verdict, evidence: &Evidence) -> String {
        let verdict = match verdict {
            Verdict::Marked => "marked: AI-generated",
            Verdict::Unmarked => "unmarked: nothing says whether it is AI-generated",
            Verdict::Tampered => "tampered: it was changed after it was signed",
        };
        let mut rows = vec![];
        if let Some(mark) = &evidence.mark {
            rows.push(("software", mark.software.clone()));
            rows.push(("model", mark.model.clone()));
            rows.extend(mark.prompt.clone().map(|prompt| ("prompt", prompt)));
            rows.extend(mark.seed.map(|seed| ("seed", seed.to_string())));
        }
        match &evidence.credentials {
            Some(credentials) => signature(credentials, &mut rows),
            None => rows.push(("signature", "none".to_owned())),
        }
        let mut text = format!("{}  {verdict}\n", self.file.display());
        for (name, value) in rows {
            // Writing to a string never fails.
            writeln!(text, "{name:11}{value}").ok();
        }
        text
    }
}

/// Appends the statements of a signature to the rows of a report.
fn signature(credentials: &Credentials, rows: &mut Vec<(&str, String)>) {
    let algorithm = credentials.algorithm.as_deref().unwrap_or("unknown");
    rows.push(match credentials.is_intact() {
        true => ("signature", format!("intact, {algorithm}")),
        false => ("signature", credentials.problems.join(", ")),
    });
    let certificates = credentials.certificates.iter();
    rows.extend(certificates.map(|link| ("signed by", link.subject.clone())));
    let claims = [
        ("claimed by", &credentials.software),
        ("title", &credentials.title),
        ("source", &credentials.digital_source_type),
    ];
    rows.extend(
        claims
            .into_iter()
            .filter_map(|(name, claim)| Some((name, claim.clone()?))),
    );
    for ingredient in &credentials.ingredients {
        let title = ingredient.title.as_deref().unwrap_or("a file");
        let format = ingredient.format.as_deref().unwrap_or("unknown");
        let own = match ingredient.has_credentials {
            true => ", with credentials of its own",
            false => "",
        };
        rows.push(("made from", format!("{title} ({format}){own}")));
    }
}
