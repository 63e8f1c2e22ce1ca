//! Pictures: decoding, resampling, conversion to and from tensors, contact sheets, and files with
//! metadata that says how they were made.

mod animate;
mod color;
mod convert;
mod decode;
mod format;
mod mark;
mod profile;
mod resample;
mod save;
mod sheet;
mod xmp;

pub use animate::save_animation;
pub use color::Color;
pub use convert::{to_rgb, to_tensor};
pub use decode::{
    MAX_FILE, MAX_PIXELS, decode_picture, decode_picture_within, decode_with_alpha, read_picture,
};
pub(crate) use decode::{off_white, read_file};
pub use format::{JPEG_QUALITY, PictureFormat};
pub use mark::{Mark, encode_jpeg, encode_png, encode_webp, read_mark};
pub use resample::{Filter, resize, resize_bicubic_tensor};
pub use save::{save_marked, save_png};
pub use sheet::contact_sheet;
