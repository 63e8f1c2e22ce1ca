//! Signing of picture files.

use std::io::Cursor;

use c2pa::Builder;
use serde_json::{Value, json};

use crate::making::PROMPT_AND_SEED;
use crate::media_type::{SIGNED, UNKNOWN, media_type};
use crate::signer::one_line;
use crate::{CONTEXT, Error, Making, Signer};

/// IPTC's digital source type of pictures made by a trained model.
const TRAINED_ALGORITHMIC_MEDIA: &str =
    "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

/// IPTC's digital source type of pictures edited by a trained model.
const COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA: &str =
    "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";

/// Title of the original file. Its own name could contain private information.
const PARENT_TITLE: &str = "a file";

/// Label by which actions refer to the original file. The signed file does not contain it.
const PARENT: &str = "parent";

impl Signer {
    /// Adds signed credentials to a PNG, JPEG or WebP file. Pixels and other metadata do not
    /// change. With a parent, the credentials say that a model edited a picture; without one, that
    /// a model made the whole picture.
    ///
    /// # Errors
    /// [`Error::MediaType`] for other files, [`Error::Sign`] for damaged files.
    pub fn sign(&self, file: &[u8], making: &Making<'_>) -> Result<Vec<u8>, Error> {
        let media_type = media_type(file);
        if !SIGNED.contains(&media_type) {
            return Err(Error::MediaType);
        }
        self.embed(file, media_type, making)
            .map_err(|error| Error::Sign(one_line(&error)))
    }

    fn embed(&self, file: &[u8], format: &str, making: &Making<'_>) -> c2pa::Result<Vec<u8>> {
        let builder = Builder::from_shared_context(&CONTEXT);
        let mut builder = builder.with_definition(definition(making))?;
        if let Some(parent) = making.parent {
            add_parent(&mut builder, parent)?;
        }
        let mut signed = Cursor::new(Vec::new());
        builder.sign(self.inner(), format, &mut Cursor::new(file), &mut signed)?;
        Ok(signed.into_inner())
    }
}

/// Adds the original file, with its own credentials if it has any. Files that C2PA cannot read,
/// such as truncated files, are added with an unknown media type.
fn add_parent(builder: &mut Builder, parent: &[u8]) -> c2pa::Result<()> {
    let format = media_type(parent);
    let ingredient = json!({
        "title": PARENT_TITLE,
        "label": PARENT,
        "relationship": "parentOf",
        "format": format,
    });
    let mut add = |format| {
        let mut file = Cursor::new(parent);
        let added = builder.add_ingredient_from_stream(ingredient.to_string(), format, &mut file);
        added.map(|_| ())
    };
    add(format).or_else(|_| add(UNKNOWN))
}

/// The manifest definition for the C2PA library.
fn definition(making: &Making<'_>) -> Value {
    let model = json!({ "name": making.model });
    let actions = match making.parent {
        None => json!([{
            "action": "c2pa.created",
            "digitalSourceType": TRAINED_ALGORITHMIC_MEDIA,
            "softwareAgent": model,
        }]),
        Some(_) => json!([
            { "action": "c2pa.opened", "parameters": { "ingredientIds": [PARENT] } },
            {
                "action": "c2pa.edited",
                "digitalSourceType": COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA,
                "softwareAgent": model,
            },
        ]),
    };
    let mut assertions = vec![json!({
        "label": "c2pa.actions.v2",
        "created": true,
        "data": { "actions": actions, "allActionsIncluded": true },
    })];
    let prompt_and_seed = making.prompt_and_seed();
    assertions.extend(prompt_and_seed.map(
        |data| json!({ "label": PROMPT_AND_SEED, "kind": "Json", "created": true, "data": data }),
    ));
    let generator = match making.software.rsplit_once(' ') {
        Some((name, version)) => json!({ "name": name, "version": version }),
        None => json!({ "name": making.software }),
    };
    json!({ "claim_generator_info": [generator], "assertions": assertions })
}
