//! The shipped dictionaries, built into the program so that it runs from anywhere.

use std::path::Path;

use include_dir::{Dir, include_dir};

use crate::lexicon::SourceFile;

static DICTIONARIES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/dictionaries");
static SAMPLES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/samples/posts.jsonl"));

/// The files of the shipped bundle, by path.
pub fn embedded_files() -> Vec<SourceFile> {
    let mut files = Vec::new();
    collect(&DICTIONARIES, &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// Whether a file of a bundle directory belongs to the bundle; others are for people.
pub fn is_bundle_file(path: &str) -> bool {
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| ["toml", "tsv", "dict"].contains(&extension))
}

fn collect(dir: &Dir<'_>, files: &mut Vec<SourceFile>) {
    for file in dir.files() {
        let path = file.path().to_str().filter(|path| is_bundle_file(path));
        if let (Some(path), Some(text)) = (path, file.contents_utf8()) {
            files.push(SourceFile { path: path.replace('\\', "/"), text: text.to_owned() });
        }
    }
    for below in dir.dirs() {
        collect(below, files);
    }
}

/// The shipped sample items, as JSONL with a `label` per line.
pub fn samples() -> &'static str {
    SAMPLES
}
