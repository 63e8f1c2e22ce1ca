//! From a picture file to a signed one.

use std::io::Cursor;

use c2pa::Builder;
use serde_json::{Value, json};

use crate::making::TOLD;
use crate::media_type::{SIGNED, UNKNOWN, media_type};
use crate::signer::one_line;
use crate::{CONTEXT, Error, Making, Signer};

/// IPTC's name for what a trained model made.
const TRAINED_ALGORITHMIC_MEDIA: &str =
    "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

/// IPTC's name for what a trained model changed.
const COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA: &str =
    "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";

/// What the edited file is called: its own name may tell where somebody keeps pictures.
const PARENT_TITLE: &str = "a file";

/// What the actions call the edited file; not written.
const PARENT: &str = "parent";

impl Signer {
    /// A PNG, JPEG or WebP file with signed credentials in it; its pixels and all else that it says
    /// stay. A picture with a parent is an edit, composed with what a model made; without one, a
    /// model made all of it.
    ///
    /// # Errors
    /// [`Error::MediaType`] for other files, [`Error::Sign`] for broken ones.
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

/// Names the edited file, with its own credentials where it has some. One that C2PA cannot read,
/// cut short or of a kind without credentials, is a parent all the same.
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

/// The manifest, as the C2PA library reads it.
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
    let told = making.told();
    assertions.extend(
        told.map(|told| json!({ "label": TOLD, "kind": "Json", "created": true, "data": told })),
    );
    let generator = match making.software.rsplit_once(' ') {
        Some((name, version)) => json!({ "name": name, "version": version }),
        None => json!({ "name": making.software }),
    };
    json!({ "claim_generator_info": [generator], "assertions": assertions })
}
