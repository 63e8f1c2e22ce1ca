//! Rejects cycles between the top-level modules of a crate.
//!
//! A module depends on another if it refers to it by `crate::…`, `super::…`, or a re-export of the
//! crate root. Code under `#[cfg(test)]` and doc comments are ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// For each top-level module of a crate, the modules it depends on.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// Checks every crate in the folder `crates`.
pub(crate) fn check(crates: &Path) -> Result<()> {
    let mut folders: Vec<PathBuf> = fs::read_dir(crates)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    folders.sort();
    let mut cycles = Vec::new();
    for folder in folders {
        let roots = ["src/lib.rs", "src/main.rs"].map(|name| folder.join(name));
        for root in roots.iter().filter(|root| root.exists()) {
            let cycle = cycle(&graph(root)?);
            cycles.extend(cycle.map(|cycle| format!("{}: {cycle}", root.display())));
        }
    }
    match cycles.is_empty() {
        true => Ok(()),
        false => bail!("cycles between modules:\n{}", cycles.join("\n")),
    }
}

/// Builds the module graph of a crate from its root file.
fn graph(root: &Path) -> Result<Graph> {
    let tokens = tokens(root)?;
    let mut reader = Reader::new(&tokens);
    let folder = root.parent().context("a root in a folder")?;
    reader.read(&tokens, &[], folder)?;
    Ok(reader.graph)
}

/// The first cycle found, as `a → b → a`.
fn cycle(graph: &Graph) -> Option<String> {
    let mut done = BTreeSet::new();
    graph
        .keys()
        .find_map(|module| cycle_through(graph, module, &mut Vec::new(), &mut done))
}

/// Depth-first search from `module`. `way` is the path to it. Modules in `done` are on no cycle.
fn cycle_through<'g>(
    graph: &'g Graph,
    module: &'g str,
    way: &mut Vec<&'g str>,
    done: &mut BTreeSet<&'g str>,
) -> Option<String> {
    if let Some(start) = way.iter().position(|&earlier| earlier == module) {
        return Some([&way[start..], &[module]].concat().join(" → "));
    }
    if done.contains(module) {
        return None;
    }
    way.push(module);
    let found = graph[module]
        .iter()
        .find_map(|next| cycle_through(graph, next, way, done));
    way.pop();
    done.insert(module);
    found
}

fn tokens(path: &Path) -> Result<Vec<TokenTree>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let stream: TokenStream = text
        .parse()
        .map_err(|error| anyhow!("{}: {error}", path.display()))?;
    Ok(stream.into_iter().collect())
}

/// Builds the graph of one crate.
struct Reader {
    graph: Graph,
    /// Name re-exported by the root → its module.
    exports: BTreeMap<String, String>,
}

impl Reader {
    /// Registers the modules and re-exports of a crate root.
    fn new(root: &[TokenTree]) -> Self {
        let mut reader = Self {
            graph: Graph::new(),
            exports: BTreeMap::new(),
        };
        let root = without_tests(root);
        for window in root.windows(2) {
            if let [word, TokenTree::Ident(name)] = window
                && is_word(word, "mod")
            {
                reader.graph.insert(name.to_string(), BTreeSet::new());
            }
        }
        for statement in root.split(|token| is_punct(token, ';')) {
            let Some(start) = statement.iter().position(|token| is_word(token, "use")) else {
                continue;
            };
            let names = names(&statement[start + 1..]);
            if let Some((module, exported)) = names.split_first()
                && reader.graph.contains_key(module)
            {
                let exported = exported.iter().cloned();
                reader
                    .exports
                    .extend(exported.map(|name| (name, module.clone())));
            }
        }
        reader
    }

    /// Reads the body of the module at `path`. Files of its submodules are in `folder`.
    fn read(&mut self, body: &[TokenTree], path: &[String], folder: &Path) -> Result<()> {
        let body = without_tests(body);
        let mut at = 0;
        while at < body.len() {
            let rest = &body[at..];
            at += 1;
            match rest {
                [word, TokenTree::Ident(name), body, ..] if is_word(word, "mod") => {
                    let path = [path, &[name.to_string()]].concat();
                    let folder = folder.join(name.to_string());
                    match body {
                        TokenTree::Group(group) => {
                            self.read(&trees(group), &path, &folder)?;
                            at += 2;
                        }
                        _ => self.read_file(&path, &folder)?,
                    }
                }
                [TokenTree::Group(group), ..] => self.read(&trees(group), path, folder)?,
                [word, ..] if is_word(word, "crate") => self.depend(&rest[1..], path),
                [word, ..] if is_word(word, "super") => {
                    let supers = rest
                        .chunks(3)
                        .take_while(|step| is_word(step[0], "super"))
                        .count();
                    let after = 3 * (supers - 1) + 1;
                    if supers == path.len() {
                        self.depend(&rest[after..], path);
                    }
                    at += after - 1;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn read_file(&mut self, path: &[String], folder: &Path) -> Result<()> {
        let file = Some(folder.with_extension("rs"))
            .filter(|file| file.exists())
            .unwrap_or_else(|| folder.join("mod.rs"));
        self.read(&tokens(&file)?, path, folder)
    }

    /// Adds the dependencies of the module at `path` from the tokens after `crate`: `::name…` or
    /// `::{name…, …}`.
    fn depend(&mut self, after: &[&TokenTree], path: &[String]) {
        let ([colon, _, target, ..], Some(module)) = (after, path.first()) else {
            return;
        };
        if !is_punct(colon, ':') {
            return;
        }
        let targets: Vec<String> = match target {
            TokenTree::Group(group) => trees(group)
                .split(|token| is_punct(token, ','))
                .filter_map(|part| part.first().map(ToString::to_string))
                .collect(),
            name => vec![name.to_string()],
        };
        for target in targets {
            let target = self.exports.get(&target).cloned().unwrap_or(target);
            if self.graph.contains_key(&target)
                && target != *module
                && let Some(targets) = self.graph.get_mut(module)
            {
                targets.insert(target);
            }
        }
    }
}

/// Removes items under `#[cfg(test)]`.
fn without_tests(tokens: &[TokenTree]) -> Vec<&TokenTree> {
    let mut kept = Vec::new();
    let mut rest = tokens.iter();
    while let Some(token) = rest.next() {
        let attribute = rest.as_slice().first();
        if is_punct(token, '#')
            && attribute.is_some_and(|group| group.to_string() == "[cfg (test)]")
        {
            // Skip to the end of the item: its semicolon or its body.
            rest.find(|token| is_punct(token, ';') || is_braced(token));
            continue;
        }
        kept.push(token);
    }
    kept
}

/// Names in a `use`: its first segment, then the imported names.
fn names(tokens: &[&TokenTree]) -> Vec<String> {
    let mut names = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let goes_on = tokens.get(at + 1).is_some_and(|next| is_punct(next, ':'));
        match token {
            TokenTree::Ident(name) if !goes_on || at == 0 => names.push(name.to_string()),
            TokenTree::Group(group) => {
                let inside = trees(group);
                names.extend(self::names(&inside.iter().collect::<Vec<_>>()));
            }
            _ => {}
        }
    }
    names
}

fn trees(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(name) if name == word)
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

fn is_braced(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cycle of a crate with these files.
    fn cycle_of(files: &[(&str, &str)]) -> Option<String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("created");
            fs::write(path, text).expect("written");
        }
        cycle(&graph(&folder.path().join("lib.rs")).expect("a graph"))
    }

    #[test]
    fn a_cycle_is_found() {
        let found = cycle_of(&[
            ("lib.rs", "mod a; pub mod b; mod c;"),
            ("a.rs", "use crate::b::B;"),
            ("b/mod.rs", "mod deep;"),
            ("b/deep.rs", "fn f() { crate::c::g(); }"),
            ("c.rs", "use crate::{a::A, c::C};"),
        ]);
        assert_eq!(found.as_deref(), Some("a → b → c → a"));
    }

    #[test]
    fn re_exports_and_parents_count() {
        let a = ("a.rs", "use crate::Renamed;");
        let lib = (
            "lib.rs",
            "mod a; mod b; pub use b::{Other, Thing as Renamed};",
        );
        assert!(cycle_of(&[lib, a, ("b.rs", "use super::a::A;")]).is_some());
        let deep = [
            ("b/mod.rs", "mod deep;"),
            ("b/deep.rs", "use super::super::a::A;"),
        ];
        assert!(cycle_of(&[lib, a, deep[0], deep[1]]).is_some());
        // In a submodule of `b`, `super` is `b`.
        let inner = [
            ("b/mod.rs", "mod deep; mod a {}"),
            ("b/deep.rs", "use super::a::A;"),
        ];
        assert_eq!(cycle_of(&[lib, a, inner[0], inner[1]]), None);
        let inline = ("b.rs", "mod deep { use super::super::a::A; }");
        assert!(cycle_of(&[lib, a, inline]).is_some());
    }

    #[test]
    fn tests_and_comments_do_not_count() {
        let found = cycle_of(&[
            ("lib.rs", "mod a; mod b; #[cfg(test)] mod fixtures;"),
            ("a.rs", "use crate::b::B;"),
            (
                "b.rs",
                "//! As [`A`](crate::a::A).\n
                #[cfg(test)] #[allow(x)] mod tests { use crate::a::A; }
                #[cfg(test)] use crate::a::A;
                struct S; impl S { #[cfg(test)] fn f(a: crate::a::A) -> S { S } fn g() {} }
                #[cfg(test)] mod more;",
            ),
        ]);
        assert_eq!(found, None);
    }
}
