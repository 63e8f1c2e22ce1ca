//! The XMP packet of a mark: RDF in XML with properties of the IPTC photo metadata standard 2025.1.

use roxmltree::Document;

use super::Mark;

// XML namespaces.
const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const XMP: &str = "http://ns.adobe.com/xap/1.0/";
const IPTC: &str = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/";
const ANYFACE: &str = "https://anyface.github.io/ns/1.0/";

/// IPTC's digital source type of pictures made by a trained model, which search engines recognise.
const TRAINED_ALGORITHMIC_MEDIA: &str =
    "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

/// Writes a mark as a packet.
pub(super) fn write(mark: &Mark) -> String {
    let mut properties = vec![
        (
            "Iptc4xmpExt:DigitalSourceType",
            TRAINED_ALGORITHMIC_MEDIA.to_owned(),
        ),
        ("Iptc4xmpExt:AISystemUsed", mark.model.clone()),
        ("xmp:CreatorTool", mark.software.clone()),
    ];
    let prompt = mark.prompt.clone();
    properties.extend(prompt.map(|prompt| ("Iptc4xmpExt:AIPromptInformation", prompt)));
    properties.extend(mark.seed.map(|seed| ("anyface:Seed", seed.to_string())));
    let properties: String = properties
        .iter()
        .map(|(name, value)| format!("<{name}>{}</{name}>", escape(value)))
        .collect();
    format!(
        "<?xpacket begin=\"\u{FEFF}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"{RDF}\">\
         <rdf:Description rdf:about=\"\" xmlns:xmp=\"{XMP}\" xmlns:Iptc4xmpExt=\"{IPTC}\" \
         xmlns:anyface=\"{ANYFACE}\">{properties}</rdf:Description>\
         </rdf:RDF></x:xmpmeta><?xpacket end=\"r\"?>"
    )
}

/// Reads the mark in a packet; `None` unless the packet says that a trained model made the picture.
pub(super) fn read(packet: &str) -> Option<Mark> {
    let document = Document::parse(packet).ok()?;
    // RDF allows a simple property as an element or as an attribute. Other programs write both.
    let property = |namespace: &str, name: &str| {
        document.descendants().find_map(|node| {
            let text = node.has_tag_name((namespace, name)).then(|| node.text());
            text.flatten().or_else(|| node.attribute((namespace, name)))
        })
    };
    if property(IPTC, "DigitalSourceType")? != TRAINED_ALGORITHMIC_MEDIA {
        return None;
    }
    let text = |namespace, name| property(namespace, name).map(str::to_owned);
    Some(Mark {
        software: text(XMP, "CreatorTool").unwrap_or_default(),
        model: text(IPTC, "AISystemUsed").unwrap_or_default(),
        prompt: text(IPTC, "AIPromptInformation"),
        seed: property(ANYFACE, "Seed").and_then(|seed| seed.parse().ok()),
    })
}

/// Escapes text for XML, without the control characters that XML cannot represent.
fn escape(text: &str) -> String {
    let allowed = |c: &char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    let text: String = text
        .chars()
        .filter(allowed)
        .filter(|c| !matches!(c, '\u{FFFE}' | '\u{FFFF}'))
        .collect();
    htmlize::escape_text(text).into_owned()
}
