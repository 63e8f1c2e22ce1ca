//! Edits of photographs.

use image::GrayImage;

use super::{Engine, Latent};
use crate::photograph::{EditedFace, Photograph};
use crate::segmentation::PersonMask;

impl Engine {
    /// The face of a photograph with what changed from `before`, its latent as [`Engine::invert`] finds it, to `after`, its
    /// latent as [`Engine::edit`] makes it. All else keeps the photograph's own details; nothing changes where `mask`, of
    /// the photograph's size, is 0. [`Photograph::paste_back`] puts the face back.
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

    /// The built-in person mask, made when it is first wanted.
    pub(super) fn person_mask(&self) -> &PersonMask {
        let builtin = || PersonMask::builtin(&self.device);
        self.person_mask.get_or_init(builtin)
    }
}
