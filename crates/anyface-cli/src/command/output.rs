//! Where a command writes its pictures. Nothing that is there is overwritten unless `--force` says so.

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
    /// Overwrite files that are there; in a folder, number from 0 again
    #[arg(long)]
    force: bool,
}

/// Where pictures go.
#[derive(Debug)]
pub(crate) enum Output {
    /// A single picture to stdout.
    Stdout,
    /// A single picture to a file of the kind that its extension names.
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
    /// Refuses a file that is there, so that it is not overwritten.
    pub(crate) fn check(self, file: &Path) -> Result<()> {
        match !self.force && file.exists() {
            true => bail!("{} exists: --force overwrites it", file.display()),
            false => Ok(()),
        }
    }

    /// The file of a name, else of one that is free: `edited.png`, `edited-2.png`.
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
    /// The place that `-o` names: `-`, a picture file, or a folder.
    ///
    /// # Errors
    /// For an extension that no kind of picture has, and a file that is there.
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
                "{}: a picture is written as {}; a new folder with a dot in its name has a / behind it",
                path.display(),
                PictureFormat::EXTENSIONS
            );
        }
        force.check(path)?;
        Ok(Self::File(path.to_owned()))
    }

    /// Refuses several pictures where there is room for one.
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

    /// Refuses what must be transparent where that cannot be.
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

    /// Writes the next picture, signed; returns its place.
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

    /// Prints a line of the report, where stdout is not for the picture. That nobody reads it any
    /// more, as behind `head`, is no reason to leave pictures out.
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
    /// A folder whose numbering goes on behind the files that are there.
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

    /// The contact sheet of what was written: `sheet.png`, or `sheet-0004.png` where the numbers
    /// start at 4.
    pub(crate) fn sheet(&self) -> PathBuf {
        let plain = self.path.join("sheet.png");
        match self.force.force || (self.first == 0 && !plain.exists()) {
            true => plain,
            false => self.path.join(format!("sheet-{:04}.png", self.first)),
        }
    }
}

/// The greatest number that a file of a folder is called by.
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
    fn numbering_goes_on_behind_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["0002.png", "0010.webp", "sheet.png", "notes.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let Output::Folder(mut files) = Output::new(folder.path(), KEEP).unwrap() else {
            panic!("a folder is no file");
        };
        assert!(files.sheet().ends_with("sheet-0011.png"));
        assert!(files.next_file().ends_with("0011.png"));
        assert!(files.next_file().ends_with("0012.png"));
        let Output::Folder(mut files) = Output::new(folder.path(), FORCE).unwrap() else {
            panic!("a folder is no file");
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
