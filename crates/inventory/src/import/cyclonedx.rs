//! Software bills of materials in CycloneDX 1.x: JSON and XML.

use std::str::FromStr;

use ledger::{AssetKind, Software, SoftwareKind};
use packageurl::PackageUrl;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Map, Value, json};

use super::{Fault, Found, Importer, Part, Source, list, short, text};

pub(super) const IMPORTER: Importer = Importer {
    kind: "cyclonedx",
    summary: "a CycloneDX 1.x bill of materials, JSON or XML",
    read,
};

fn read(source: &Source<'_>) -> Result<Vec<Found>, Fault> {
    let root = match source.text.trim_start().starts_with('<') {
        true => xml(source.text, source.options.limits.depth)?,
        false => source.json()?,
    };
    if text(&root, "/bomFormat") != Some("CycloneDX") {
        return Err(Fault::new(
            "it is no CycloneDX document (bomFormat: CycloneDX)",
        ));
    }
    let subject = root.pointer("/metadata/component");
    let name = subject.and_then(|it| text(it, "/name"));
    let mut found = Found::new(&source.name_of(name), source.kind_or(AssetKind::Server));
    let mut software = Vec::new();
    components(&root, &mut software, source.options.limits.depth)?;
    found.asset.software = software;
    found.tells.push(Part::Software);
    Ok(vec![found])
}

/// Components may be within components.
fn components(value: &Value, software: &mut Vec<Software>, depth: usize) -> Result<(), Fault> {
    if depth == 0 {
        return Err(Fault::new("too many components within each other"));
    }
    for component in list(value, "/components") {
        let of = |field: &str| text(component, &format!("/{field}"));
        let kind = match of("type") {
            Some("file" | "data" | "machine-learning-model" | "cryptographic-asset") => None,
            Some("firmware") => Some(SoftwareKind::Firmware),
            Some("application") => Some(SoftwareKind::Application),
            _ => Some(SoftwareKind::Package),
        };
        if let (Some(kind), Some(name)) = (kind, of("name")) {
            let purl = of("purl");
            let of_purl = || {
                let purl = PackageUrl::from_str(purl?).ok()?;
                purl.version().map(str::to_owned)
            };
            let version = of("version").map(short).or_else(of_purl);
            let group = of("group").map(|group| format!("{}/", short(group)));
            software.push(Software {
                name: format!("{}{}", group.unwrap_or_default(), short(name)),
                version: version.unwrap_or_else(|| "unknown".to_owned()),
                kind,
                purl: purl.map(short),
                cpe: of("cpe").map(short),
            });
        }
        components(component, software, depth - 1)?;
    }
    Ok(())
}

/// The elements of a document that are read, as the JSON form has them.
fn xml(text: &str, most: usize) -> Result<Value, Fault> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<(String, Value)> = vec![(String::new(), json!({}))];
    let line = |position: u64| {
        let end = usize::try_from(position)
            .unwrap_or(usize::MAX)
            .min(text.len());
        let read = text.as_bytes().get(..end).unwrap_or_default();
        read.iter().filter(|byte| **byte == b'\n').count() + 1
    };
    loop {
        let event = reader.read_event().map_err(|error| {
            Fault::at(
                line(reader.buffer_position()),
                format!("it is no XML: {error}"),
            )
        })?;
        match event {
            Event::Start(start) => {
                if open.len() > most {
                    return Err(Fault::new("too many elements within each other"));
                }
                let name = start.local_name().as_ref().to_owned();
                let mut fields = Map::new();
                let kind = start.try_get_attribute("type").ok().flatten();
                if let Some(kind) = kind {
                    fields.insert("type".to_owned(), json!(kind.value.as_ref()));
                }
                if name == "bom" {
                    fields.insert("bomFormat".to_owned(), json!("CycloneDX"));
                }
                open.push((name, Value::Object(fields)));
            }
            Event::Text(piece) => append(&mut open, piece.as_ref()),
            Event::CData(piece) => append(&mut open, piece.as_ref()),
            Event::GeneralRef(reference) => {
                let letter = match reference.as_ref() {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => reference.resolve_char_ref().ok().flatten(),
                };
                append(&mut open, letter.unwrap_or(' ').encode_utf8(&mut [0; 4]));
            }
            Event::End(_) => {
                let Some((name, value)) = open.pop() else {
                    break;
                };
                close(&mut open, &name, value);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    match open.as_slice() {
        [(_, root)] => Ok(root.get("bom").cloned().unwrap_or_default()),
        _ => Err(Fault::new("the document ends before its elements do")),
    }
}

/// Text is kept under an empty name until its element ends.
fn append(open: &mut [(String, Value)], piece: &str) {
    if let Some((_, Value::Object(fields))) = open.last_mut() {
        let text = fields.entry("").or_insert_with(|| json!(""));
        if let Value::String(text) = text {
            text.push_str(piece);
        }
    }
}

fn close(open: &mut [(String, Value)], name: &str, mut value: Value) {
    let Some((parent, Value::Object(fields))) = open.last_mut() else {
        return;
    };
    let own = value
        .get("")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .trim()
        .to_owned();
    let simple = !own.is_empty();
    match (parent.as_str(), name) {
        ("components", "component") => {
            let list = fields.entry("list").or_insert_with(|| json!([]));
            if let Value::Array(list) = list {
                list.push(value);
            }
        }
        (_, "components") => {
            let list = value.get_mut("list").map(Value::take);
            fields.insert(name.to_owned(), list.unwrap_or_else(|| json!([])));
        }
        _ if simple => {
            fields.insert(name.to_owned(), json!(own));
        }
        _ => {
            fields.insert(name.to_owned(), value);
        }
    }
}
