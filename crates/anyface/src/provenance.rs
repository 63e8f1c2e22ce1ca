//! Whether a picture is AI-generated: written into files with a signature, and read from them.
//!
//! What is told of a picture's making is its [`Mark`]: text and XMP, which anyone may write.
//! Content credentials ([`Credentials`]) sign the same facts, and all bytes of the file with them.

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

/// The file of a self-made key in the data folder.
const KEY_FILE: &str = "credentials.pem";

/// The self-made key in the user's data folder, which is made once; one that is not kept, where
/// there is no such folder.
///
/// # Errors
/// Names the file when it cannot be read or written, or holds no key that can sign.
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

/// What makes a picture a signed file.
#[derive(Debug, Clone, Copy)]
pub struct Seal<'a> {
    /// Who signs.
    pub signer: &'a Signer,
    /// The file that the picture is an edit of.
    pub parent: Option<&'a [u8]>,
}

impl Seal<'_> {
    /// A PNG, JPEG or WebP file, signed with what its mark says. Its pixels and its mark stay.
    ///
    /// # Errors
    /// [`Error::Signing`] for other files, and broken ones.
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

    /// Writes a picture as a signed file that carries its mark beside its place, then renames it.
    /// The extension says the kind of file.
    ///
    /// # Errors
    /// As [`Seal::sign`]; [`Error::Picture`] for an extension that no kind has; [`Error::Io`] names
    /// the file when it cannot be written.
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

/// All that a file shows of its making. A further trace is one more field, read in
/// [`Evidence::of`] and weighed in [`Evidence::verdict`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// What it says without a signature.
    pub mark: Option<Mark>,
    /// What it says with one.
    pub credentials: Option<Credentials>,
}

/// What follows from the evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It says that it is AI-generated, and nothing speaks against that.
    Marked,
    /// It does not say how it was made. It may be AI-generated all the same.
    Unmarked,
    /// It was signed, and has been changed since; or its signature is none.
    Tampered,
}

impl Evidence {
    /// Reads what a file shows; nothing, where it is no picture.
    pub fn of(file: &[u8]) -> Self {
        Self {
            mark: read_mark(file),
            credentials: Credentials::read(file),
        }
    }

    /// Weighs the evidence.
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
    fn what_is_signed_says_the_same_twice() {
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
    fn a_mark_without_a_signature_is_still_a_mark() {
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
