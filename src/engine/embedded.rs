//! The shipped dictionaries, built into the program so that it runs from anywhere.

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

fn collect(dir: &Dir<'_>, files: &mut Vec<SourceFile>) {
    for file in dir.files() {
        if let (Some(path), Some(text)) = (file.path().to_str(), file.contents_utf8()) {
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
