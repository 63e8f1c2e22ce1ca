//! Evaluation of bundles with a probe trained without generated faces, public networks and the
//! bundle's own towers.

mod accuracy;
mod diversity;
mod faithfulness;
mod feature_extractor;
mod fid;
mod folder;
pub mod frechet;
mod identity;
mod manipulation;
mod perceptual;
mod prompts;
pub mod psnr;
mod rank;
mod reading;
mod retrieval;
mod words;

pub use accuracy::Accuracy;
pub use diversity::{Diversity, PerceptualDiversity, diversity};
pub use faithfulness::{AttributeRow, Faithfulness, faithfulness};
pub use feature_extractor::FeatureExtractor;
pub use fid::{DistanceRow, Likeness, fid, renders};
pub use folder::{FolderFaces, Framing};
pub use identity::{Identity, IdentityRow, identity};
pub use manipulation::{EditRow, Manipulation, manipulation};
pub use perceptual::Perceptual;
pub use prompts::{Prompt, Truth, held_out_pictures};
pub use rank::CANDIDATES;
pub use reading::{Reading, read};
pub use retrieval::{Retrieval, retrieval};
pub use words::{Intensity, IntensityRow, Words, WordsRow, denials, intensity, languages};

/// Mean of the values, or `None` if there are none.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}
