//! Provenance: writes signed statements that a picture is AI-generated into files, and reads them.
//!
//! A [`Mark`] says how a picture was made, in text chunks and XMP that anybody can write. Content
//! credentials ([`Credentials`]) sign the same statement together with all bytes of the file.

use std::path::Path;

use image::{ImageBuffer, Pixel};
use serde::Serialize;

use crate::Error;
use crate::data_folder::data_folder;
use crate::image::{JPEG_QUALITY, Mark, PictureFormat, read_mark};
use crate::weights::write_atomically;

use anyface_credentials::Making;
pub use anyface_credentials::{
    Certificate, Credentials, Error as SigningError, Ingredient, Signer,
};

/// Name of the file with the user's key in the data folder.
const KEY_FILE: &str = "credentials.pem";

/// The user's own key, `credentials.pem` in the data folder, which is created if needed. Without a
/// data folder, creates a temporary key.
///
/// # Errors
/// If the file cannot be read or written, or does not contain a key that can sign. The error names
/// the file.
///
/// ```no_run
/// use anyface::image::Mark;
/// use anyface::provenance::{Evidence, Seal, Verdict, own_signer};
/// use image::RgbImage;
///
/// let signer = own_signer()?;
/// let seal = Seal { signer: &signer, parent: None };
/// let mark = Mark::new("portraits");
/// seal.save(&RgbImage::new(8, 8), &mark, "grey.webp".as_ref())?;
/// let file = std::fs::read("grey.webp")?;
/// assert_eq!(Evidence::of(&file).verdict(), Verdict::Marked);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn own_signer() -> Result<Signer, Error> {
    let kept = match data_folder() {
        Some(folder) => Signer::kept(&folder.join(KEY_FILE)),
        None => Signer::self_made(),
    };
    Ok(kept?)
}

/// Signs picture files.
#[derive(Debug, Clone, Copy)]
pub struct Seal<'a> {
    /// The key.
    pub signer: &'a Signer,
    /// The original file, if the picture is an edit.
    pub parent: Option<&'a [u8]>,
}

impl Seal<'_> {
    /// Signs a PNG, JPEG or WebP file with the statement of its mark. Pixels and metadata do not
    /// change.
    ///
    /// # Errors
    /// [`Error::Signing`] for other or damaged files.
    pub fn sign(&self, file: &[u8], mark: &Mark) -> Result<Vec<u8>, Error> {
        let making = Making {
            software: &mark.software,
            model: &mark.model,
            prompt: mark.prompt.as_deref(),
            seed: mark.seed,
            parent: self.parent,
        };
        Ok(self.signer.sign(file, &making)?)
    }

    /// Writes a picture with its mark as a signed file, atomically. The extension selects the
    /// format.
    ///
    /// # Errors
    /// The errors of [`Seal::sign`]; [`Error::Picture`] if no format has the extension;
    /// [`Error::Io`] if the file cannot be written.
    pub fn save<P: Pixel<Subpixel = u8>>(
        &self,
        image: &ImageBuffer<P, Vec<u8>>,
        mark: &Mark,
        path: &Path,
    ) -> Result<(), Error> {
        let file = PictureFormat::for_file(path)?
            .encode(image, mark, JPEG_QUALITY)
            .map_err(|source| Error::io(path, source))?;
        write_atomically(path, &self.sign(&file, mark)?).map_err(|source| Error::io(path, source))
    }
}

/// What a file says about how it was made. A new kind of evidence is a field, read by
/// [`Evidence::of`] and used by [`Evidence::verdict`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Evidence {
    /// The unsigned statement.
    pub mark: Option<Mark>,
    /// The signed statement.
    pub credentials: Option<Credentials>,
}

/// The conclusion from the evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The file says that it is AI-generated, and its signature, if any, is valid.
    Marked,
    /// The file does not say how it was made. It may still be AI-generated.
    Unmarked,
    /// The file has changed since it was signed, or its signature is invalid.
    Tampered,
}

impl Evidence {
    /// Reads the evidence in a file. A file that is not a picture has none.
    pub fn of(file: &[u8]) -> Self {
        Self {
            mark: read_mark(file),
            credentials: Credentials::read(file),
        }
    }

    /// Draws the conclusion.
    pub fn verdict(&self) -> Verdict {
        match &self.credentials {
            Some(credentials) if !credentials.is_intact() => Verdict::Tampered,
            Some(credentials) if credentials.says_ai_generated() => Verdict::Marked,
            _ if self.mark.is_some() => Verdict::Marked,
            _ => Verdict::Unmarked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::RgbImage;

    fn picture() -> RgbImage {
        RgbImage::from_fn(32, 32, |x, y| image::Rgb([7 * x as u8, 5 * y as u8, 90]))
    }

    fn signed(format: PictureFormat, parent: Option<&[u8]>) -> Vec<u8> {
        let signer = Signer::self_made().unwrap();
        let mark = Mark {
            prompt: Some("an old sailor".to_owned()),
            ..Mark::new("portraits")
        };
        let seal = Seal {
            signer: &signer,
            parent,
        };
        let file = format.encode(&picture(), &mark, 95).unwrap();
        seal.sign(&file, &mark).unwrap()
    }

    #[test]
    fn mark_and_credentials_agree() {
        for format in [PictureFormat::Png, PictureFormat::Jpeg, PictureFormat::WebP] {
            let evidence = Evidence::of(&signed(format, None));
            assert_eq!(evidence.verdict(), Verdict::Marked, "{evidence:?}");
            let (mark, credentials) = (evidence.mark.unwrap(), evidence.credentials.unwrap());
            assert_eq!(credentials.software.as_ref(), Some(&mark.software));
            assert_eq!(credentials.model.as_ref(), Some(&mark.model));
            assert_eq!(
                (credentials.prompt, credentials.seed),
                (mark.prompt, mark.seed)
            );
        }
    }

    #[test]
    fn a_changed_file_is_tampered_with() {
        let mut file = signed(PictureFormat::Png, None);
        let at = file.windows(3).rposition(|w| w == b"old").unwrap();
        file[at] = b'c';
        assert_eq!(Evidence::of(&file).verdict(), Verdict::Tampered);
    }

    #[test]
    fn an_unsigned_mark_counts() {
        let mark = Mark::new("portraits");
        let file = PictureFormat::Png.encode(&picture(), &mark, 95).unwrap();
        let evidence = Evidence::of(&file);
        assert_eq!(evidence.verdict(), Verdict::Marked);
        assert_eq!(evidence.credentials, None);
    }

    #[test]
    fn a_stripped_file_is_unmarked() {
        let file = signed(PictureFormat::Png, None);
        let stripped = image::load_from_memory(&file).unwrap();
        let mut plain = std::io::Cursor::new(Vec::new());
        stripped
            .write_to(&mut plain, image::ImageFormat::Png)
            .unwrap();
        for file in [plain.get_ref().as_slice(), b"no picture", b""] {
            assert_eq!(Evidence::of(file).verdict(), Verdict::Unmarked);
        }
    }

    #[test]
    fn an_edit_names_its_parent() {
        let parent = signed(PictureFormat::Jpeg, None);
        let evidence = Evidence::of(&signed(PictureFormat::Png, Some(&parent)));
        assert_eq!(evidence.verdict(), Verdict::Marked);
        let ingredients = evidence.credentials.unwrap().ingredients;
        assert!(ingredients[0].is_parent && ingredients[0].has_credentials);
    }
}
