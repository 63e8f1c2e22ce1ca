//! Edits of photographs.

use image::GrayImage;

use super::{Engine, Latent};
use crate::photograph::{EditedFace, Photograph};
use crate::segmentation::PersonMask;

impl Engine {
    /// The face of a photograph with the change from latent `before` (from [`Engine::invert`]) to
    /// latent `after` (from [`Engine::edit`]). Everything else keeps the photograph's details, and
    /// pixels where `mask`, of the photograph's size, is 0 do not change.
    /// [`Photograph::paste_back`] pastes the face back.
    pub fn edit_photo(
        &self,
        photograph: &Photograph,
        before: &Latent,
        after: &Latent,
        mask: Option<&GrayImage>,
    ) -> EditedFace {
        let [before, after] = [before, after].map(|latent| self.draw(latent));
        photograph.edited(&before, &after, self.person_mask(), mask)
    }

    /// The built-in person mask, created on first use.
    pub(super) fn person_mask(&self) -> &PersonMask {
        let builtin = || PersonMask::builtin(&self.device);
        self.person_mask.get_or_init(builtin)
    }
}
