//! The destination of the pictures of a command. Only `--force` overwrites files.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyface::image::{JPEG_QUALITY, Mark, PictureFormat};
use anyface::provenance::Seal;
use anyhow::{Context, Result, bail};
use image::{ImageBuffer, Pixel};

/// Whether files may be overwritten.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct ForceArgs {
    /// Overwrite existing files; in a folder, restart the numbering at 0
    #[arg(long)]
    force: bool,
}

/// The destination of pictures.
#[derive(Debug)]
pub(crate) enum Output {
    /// A single picture to stdout.
    Stdout,
    /// A single picture to a file. The extension determines the format.
    File(PathBuf),
    /// Numbered files.
    Folder(Folder),
}

/// A folder of numbered files.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Number of the first file that this command writes.
    first: usize,
    next: usize,
    force: ForceArgs,
}

impl ForceArgs {
    /// Fails if `file` exists and may not be overwritten.
    pub(crate) fn check(self, file: &Path) -> Result<()> {
        match !self.force && file.exists() {
            true => bail!("{} exists: --force overwrites it", file.display()),
            false => Ok(()),
        }
    }

    /// The file `name.extension`, or the first free numbered name: `edited.png`, `edited-2.png`.
    pub(crate) fn free(self, name: &str, extension: &str) -> PathBuf {
        let numbered = (2..).map(|i| format!("{name}-{i}.{extension}"));
        std::iter::once(format!("{name}.{extension}"))
            .chain(numbered)
            .map(PathBuf::from)
            .find(|file| self.force || !file.exists())
            .expect("some number is free")
    }
}

impl Output {
    /// Parses the value of `-o`: `-`, a picture file, or a folder.
    ///
    /// # Errors
    /// If no picture format has the extension, or the file exists and `--force` is not set.
    pub(crate) fn new(path: &Path, force: ForceArgs) -> Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Stdout);
        }
        let named_folder = path.as_os_str().to_string_lossy().ends_with(['/', '\\']);
        if path.is_dir() || named_folder || path.extension().is_none() {
            return Folder::new(path, force).map(Self::Folder);
        }
        if PictureFormat::of_path(path).is_none() {
            bail!(
                "{}: expected {}; the path of a new folder with a dot in its name must end in /",
                path.display(),
                PictureFormat::EXTENSIONS
            );
        }
        force.check(path)?;
        Ok(Self::File(path.to_owned()))
    }

    /// Fails for several pictures if the destination is not a folder.
    pub(crate) fn check_number(&self, pictures: usize) -> Result<()> {
        match self {
            Self::Folder(_) => Ok(()),
            _ if pictures == 1 => Ok(()),
            Self::File(path) => bail!(
                "{}: {pictures} faces need a folder, not one file",
                path.display()
            ),
            Self::Stdout => bail!("-o -: {pictures} faces need a folder, not stdout"),
        }
    }

    /// Fails if the file format has no alpha channel.
    pub(crate) fn check_alpha(&self) -> Result<()> {
        match self {
            Self::File(path) if PictureFormat::of_path(path).is_some_and(|f| !f.has_alpha()) => {
                bail!(
                    "{}: a JPEG file cannot be transparent: write .png or .webp",
                    path.display()
                )
            }
            _ => Ok(()),
        }
    }

    /// Signs and writes the next picture; returns its path, `-` for stdout.
    pub(crate) fn write<P: Pixel<Subpixel = u8>>(
        &mut self,
        picture: &ImageBuffer<P, Vec<u8>>,
        mark: &Mark,
        seal: &Seal<'_>,
    ) -> Result<PathBuf> {
        let path = match self {
            Self::Stdout => {
                let file = PictureFormat::Png.encode(picture, mark, JPEG_QUALITY)?;
                io::stdout()
                    .write_all(&seal.sign(&file, mark)?)
                    .context("stdout")?;
                return Ok("-".into());
            }
            Self::File(path) => path.clone(),
            Self::Folder(folder) => folder.next_file(),
        };
        seal.save(picture, mark, &path)?;
        Ok(path)
    }

    /// Prints a line of the report, unless stdout receives the picture. A closed pipe, for example
    /// to `head`, is not an error: the remaining pictures are still written.
    pub(crate) fn say(&self, line: &str) -> Result<()> {
        if matches!(self, Self::Stdout) {
            return Ok(());
        }
        match writeln!(io::stdout(), "{line}") {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("stdout"),
            _ => Ok(()),
        }
    }
}

impl Folder {
    /// A folder. Its numbering continues after the existing files.
    fn new(path: &Path, force: ForceArgs) -> Result<Self> {
        let last = match force.force {
            true => None,
            false => last_number(path).with_context(|| path.display().to_string())?,
        };
        let first = last.map_or(0, |last| last + 1);
        Ok(Self {
            path: path.to_owned(),
            first,
            next: first,
            force,
        })
    }

    fn next_file(&mut self) -> PathBuf {
        self.next += 1;
        self.path.join(format!("{:04}.png", self.next - 1))
    }

    /// The path of the contact sheet: `sheet.png`, or `sheet-0004.png` if the numbering of this
    /// command starts at 4.
    pub(crate) fn sheet(&self) -> PathBuf {
        let plain = self.path.join("sheet.png");
        match self.force.force || (self.first == 0 && !plain.exists()) {
            true => plain,
            false => self.path.join(format!("sheet-{:04}.png", self.first)),
        }
    }
}

/// The greatest number among the file names of a folder.
fn last_number(folder: &Path) -> io::Result<Option<usize>> {
    let files = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        files => files?,
    };
    let mut last = None;
    for file in files {
        let path = file?.path();
        let number = path
            .file_stem()
            .and_then(|stem| stem.to_str()?.parse().ok());
        last = last.max(number);
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: ForceArgs = ForceArgs { force: false };
    const FORCE: ForceArgs = ForceArgs { force: true };

    #[test]
    fn numbering_continues_after_existing_files() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["0002.png", "0010.webp", "sheet.png", "notes.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let Output::Folder(mut files) = Output::new(folder.path(), KEEP).unwrap() else {
            panic!("expected a folder");
        };
        assert!(files.sheet().ends_with("sheet-0011.png"));
        assert!(files.next_file().ends_with("0011.png"));
        assert!(files.next_file().ends_with("0012.png"));
        let Output::Folder(mut files) = Output::new(folder.path(), FORCE).unwrap() else {
            panic!("expected a folder");
        };
        assert!(files.sheet().ends_with("sheet.png"));
        assert!(files.next_file().ends_with("0000.png"));
    }

    #[test]
    fn a_name_says_whether_it_is_a_file_or_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let open = |name: &str, force| Output::new(&folder.path().join(name), force);
        fs::write(folder.path().join("there.png"), "").unwrap();
        fs::create_dir(folder.path().join("a.jpg")).unwrap();
        assert!(matches!(open("face.JPG", KEEP), Ok(Output::File(_))));
        assert!(matches!(open("there.png", FORCE), Ok(Output::File(_))));
        for name in ["faces", "faces.v2/", "a.jpg"] {
            assert!(matches!(open(name, KEEP), Ok(Output::Folder(_))), "{name}");
        }
        for (name, says) in [("there.png", "--force"), ("face.bmp", ".webp")] {
            let refused = open(name, KEEP).unwrap_err().to_string();
            assert!(
                refused.contains(name) && refused.contains(says),
                "{refused}"
            );
        }
    }
}
