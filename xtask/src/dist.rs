//! `cargo xtask dist`: a release as one archive.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::packages::{Package, Packages};
use crate::sbom::sbom;

/// Files of the repository that the archive contains under the same names.
const DOCUMENTS: [&str; 4] = ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];

/// Notices of the networks inside the binary.
const NOTICES: [&str; 2] = [
    "crates/anyface/assets/README.md",
    "models/portraits/README.md",
];

/// Completion scripts: the shell's name for `anyface completions`, and the file.
const COMPLETIONS: [(&str, &str); 4] = [
    ("bash", "anyface.bash"),
    ("zsh", "_anyface"),
    ("fish", "anyface.fish"),
    ("powershell", "anyface.ps1"),
];

/// Prefixes of the names of licence files, in upper case.
const LICENSE_FILES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"];

/// Files by path in the archive.
type Files = BTreeMap<String, File>;

/// A file in the archive.
#[derive(Debug, PartialEq)]
struct File {
    bytes: Vec<u8>,
    is_program: bool,
}

/// Builds the command and packs it with completions, manual pages, licences, a bill of materials
/// and checksums. Returns the path of the archive, in the folder `dist` of cargo's target folder.
pub(crate) fn dist(root: &Path) -> Result<PathBuf> {
    let target = host()?;
    let packages = Packages::read(root, &target)?;
    build(root)?;
    let program = packages.target_directory.join("release/anyface");
    let mut files = Files::new();
    files.insert("anyface".to_owned(), File::program(fs::read(&program)?));
    for name in DOCUMENTS {
        files.insert(name.to_owned(), File::read(&root.join(name))?);
    }
    for (shell, name) in COMPLETIONS {
        let script = File::text(output(&program, &["completions", shell])?);
        files.insert(format!("completions/{name}"), script);
    }
    let pages = packages.target_directory.join("dist/man1");
    fs::create_dir_all(&pages)?;
    output(
        &program,
        &["man".as_ref(), "--output".as_ref(), pages.as_os_str()],
    )?;
    add_folder(&mut files, "man/man1", &pages, |_| true)?;
    add_licenses(&mut files, root, &packages)?;
    let bill = serde_json::to_vec_pretty(&sbom(&packages))?;
    files.insert("sbom.cdx.json".to_owned(), File::text(bill));
    let sums = checksums(&files);
    files.insert("SHA256SUMS".to_owned(), File::text(sums.into_bytes()));

    let name = format!("anyface-{}-{target}", packages.command().version);
    let archive = archive(&name, &files)?;
    let path = packages
        .target_directory
        .join(format!("dist/{name}.tar.gz"));
    fs::write(&path, &archive)?;
    let sum = format!("{}  {name}.tar.gz\n", hex(&archive));
    fs::write(path.with_extension("gz.sha256"), sum)?;
    Ok(path)
}

/// Builds the command with the same features as the tests, so that nothing is built twice.
fn build(root: &Path) -> Result<()> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--locked", "--workspace", "--bins"]);
    match cargo.current_dir(root).status()?.success() {
        true => Ok(()),
        false => bail!("cargo build failed"),
    }
}

/// The target triple of this machine.
fn host() -> Result<String> {
    let version = String::from_utf8(output("rustc".as_ref(), &["-vV"])?)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}

/// The standard output of a program.
fn output<S: AsRef<OsStr>>(program: &Path, arguments: &[S]) -> Result<Vec<u8>> {
    let output = Command::new(program).args(arguments).output();
    let output = output.with_context(|| program.display().to_string())?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => bail!(
            "{}: {}",
            program.display(),
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}

/// Adds the licences of all linked packages and the notices of the networks.
fn add_licenses(files: &mut Files, root: &Path, packages: &Packages) -> Result<()> {
    for Package {
        name,
        version,
        folder,
        ..
    } in packages.all.values()
    {
        let place = format!("licenses/{name}-{version}");
        add_folder(files, &place, folder, is_license)?;
    }
    for notice in NOTICES {
        let file = File::read(&root.join(notice))?;
        files.insert(format!("licenses/{}", notice.replace('/', "-")), file);
    }
    Ok(())
}

/// Whether a file with this name contains a licence.
fn is_license(name: &str) -> bool {
    let name = name.to_uppercase();
    LICENSE_FILES.iter().any(|start| name.starts_with(start))
}

/// Adds the files of a folder, without subfolders, whose names satisfy `is_wanted`.
fn add_folder(
    files: &mut Files,
    place: &str,
    folder: &Path,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_file() && is_wanted(&name) {
            files.insert(format!("{place}/{name}"), File::read(&path)?);
        }
    }
    Ok(())
}

/// The checksums of the files in the format of `sha256sum -c`.
fn checksums(files: &Files) -> String {
    let lines = files
        .iter()
        .map(|(path, file)| format!("{}  {path}\n", hex(&file.bytes)));
    lines.collect()
}

/// SHA-256 in hexadecimal.
fn hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A tar archive, compressed by gzip, with the files in a folder of this name. The same files give
/// the same bytes: the archive contains no times and no owners.
fn archive(folder: &str, files: &Files) -> Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    for (path, file) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(file.bytes.len() as u64);
        header.set_mode(if file.is_program { 0o755 } else { 0o644 });
        let place = format!("{folder}/{path}");
        archive.append_data(&mut header, place, file.bytes.as_slice())?;
    }
    let mut gzip = archive.into_inner()?;
    gzip.flush()?;
    Ok(gzip.finish()?)
}

impl File {
    const fn program(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            is_program: true,
        }
    }

    const fn text(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            is_program: false,
        }
    }

    fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| path.display().to_string())?;
        Ok(Self::text(bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    fn files() -> Files {
        Files::from([
            ("anyface".to_owned(), File::program(vec![1, 2, 3])),
            ("man/a.1".to_owned(), File::text(b"page".to_vec())),
        ])
    }

    #[test]
    fn an_archive_contains_its_files_and_no_times() {
        let packed = archive("anyface-1", &files()).unwrap();
        assert_eq!(packed, archive("anyface-1", &files()).unwrap());
        let mut archive = tar::Archive::new(GzDecoder::new(packed.as_slice()));
        let mut found = Files::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let header = entry.header();
            assert_eq!(header.mtime().unwrap(), 0);
            let is_program = header.mode().unwrap() & 0o111 != 0;
            let path = entry.path().unwrap().to_string_lossy().into_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            let path = path.strip_prefix("anyface-1/").unwrap().to_owned();
            found.insert(path, File { bytes, is_program });
        }
        assert_eq!(found, files());
    }

    #[test]
    fn checksums_have_the_format_of_sha256sum() {
        // printf page | sha256sum
        let page = "3660315a9af3df255d8f19ab077e4797822b41488a0e2a04bc6af71213c23274";
        let sums = checksums(&files());
        assert!(sums.contains(&format!("{page}  man/a.1\n")), "{sums}");
    }

    #[test]
    fn licence_files_are_recognised_by_name() {
        for name in [
            "LICENSE",
            "LICENSE-MIT",
            "license.txt",
            "COPYING",
            "NOTICE.md",
        ] {
            assert!(is_license(name), "{name}");
        }
        assert!(!is_license("README.md"));
    }
}
