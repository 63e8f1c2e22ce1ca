//! A software bill of materials in the format of
//! [CycloneDX 1.5](https://cyclonedx.org/docs/1.5/json/).

use serde_json::{Map, Value, json};

use crate::packages::{Package, Packages};

/// The bill of all packages linked into the command.
pub(crate) fn sbom(packages: &Packages) -> Value {
    let libraries = packages.all.iter().filter(|(id, _)| **id != packages.root);
    let dependencies = packages.all.values().map(|package| {
        let needed = package.dependencies.iter().map(|id| &packages.all[id]);
        json!({
            "ref": purl(package),
            "dependsOn": needed.map(purl).collect::<Vec<_>>(),
        })
    });
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": component(packages.command(), "application") },
        "components": libraries
            .map(|(_, package)| component(package, "library"))
            .collect::<Vec<_>>(),
        "dependencies": dependencies.collect::<Vec<_>>(),
    })
}

/// A package with its licence and the checksum of its archive.
fn component(package: &Package, kind: &str) -> Value {
    let mut component = Map::from_iter([
        ("type".to_owned(), json!(kind)),
        ("bom-ref".to_owned(), json!(purl(package))),
        ("purl".to_owned(), json!(purl(package))),
        ("name".to_owned(), json!(package.name)),
        ("version".to_owned(), json!(package.version)),
    ]);
    if let Some(license) = &package.license {
        // Older manifests have a slash in place of OR.
        let expression = license.replace(" / ", "/").replace('/', " OR ");
        component.insert("licenses".to_owned(), json!([{ "expression": expression }]));
    }
    if let Some(checksum) = &package.checksum {
        let hash = json!([{ "alg": "SHA-256", "content": checksum }]);
        component.insert("hashes".to_owned(), hash);
    }
    component.into()
}

/// The package URL (purl) of a package.
fn purl(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::Packages;

    /// The command links `a`, which links `b`. `c` is a dev-dependency, and `d` belongs to a
    /// feature that is not enabled.
    fn packages() -> Packages {
        let package = |name: &str, license: &str| {
            json!({
                "id": name,
                "name": name,
                "version": "1.2.3",
                "license": license,
                "manifest_path": format!("/{name}/Cargo.toml"),
            })
        };
        let node = |name: &str, linked: &str, kind: Value| {
            let dep = json!({ "pkg": linked, "dep_kinds": [{ "kind": kind }] });
            json!({ "id": name, "deps": [dep] })
        };
        let metadata = json!({
            "packages": [
                package("anyface-cli", "MIT"),
                package("a", "MIT/Apache-2.0"),
                package("b", "ISC"),
                package("c", "ISC"),
                package("d", "ISC"),
            ],
            "resolve": { "nodes": [
                node("anyface-cli", "a", Value::Null),
                { "id": "a", "deps": [
                    { "pkg": "b", "dep_kinds": [{ "kind": Value::Null }] },
                    { "pkg": "d", "dep_kinds": [{ "kind": Value::Null }] },
                ]},
                node("b", "c", json!("dev")),
                { "id": "c", "deps": [] },
                { "id": "d", "deps": [] },
            ]},
            "target_directory": "/target",
        });
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.2.3\"\nchecksum = \"abcd\"";
        let tree = "anyface-cli v1.2.3 (/a)\na v1.2.3\nb v1.2.3\nc v1.2.3\n\na v1.2.3 (*)";
        let metadata = serde_json::from_value(metadata).unwrap();
        Packages::of(metadata, toml::from_str(lock).unwrap(), tree).unwrap()
    }

    #[test]
    fn the_bill_contains_exactly_the_linked_packages() {
        let bill = sbom(&packages());
        assert_eq!(bill["metadata"]["component"]["name"], "anyface-cli");
        let names: Vec<_> = bill["components"].as_array().unwrap().iter().collect();
        assert_eq!(names.len(), 2, "{bill}");
        assert_eq!(names[0]["purl"], "pkg:cargo/a@1.2.3");
        assert_eq!(names[0]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(names[0]["hashes"][0]["content"], "abcd");
        assert_eq!(names[1]["hashes"], Value::Null);
        assert_eq!(bill["dependencies"][0]["dependsOn"][0], "pkg:cargo/b@1.2.3");
    }
}
