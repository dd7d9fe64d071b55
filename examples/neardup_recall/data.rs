//! Real texts to edit, read from the folder that `QINGLIU_DATA` names.

use std::collections::HashSet;
use std::path::Path;

use qingliu::engine::{Bundle, Scratch, embedded_files, inspect};
use qingliu::model::Item;
use qingliu::neardup::{Fingerprint, Fingerprinter};

/// Texts that are taken at most.
const TEXTS_MAX: usize = 141_000;
const FILES: [&str; 2] = ["benign_fp", "corpus"];

/// The stages in front of the window.
pub(crate) struct Stages {
    bundle: Bundle,
    scratch: Scratch,
    pub(crate) reader: Fingerprinter,
}

impl Stages {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let bundle = Bundle::load(&embedded_files(), jiff::civil::date(2026, 11, 21))
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(Self { bundle, scratch: Scratch::default(), reader: Fingerprinter::new() })
    }

    pub(crate) fn fingerprint(&mut self, text: &str, out: &mut Fingerprint) -> bool {
        let Ok(found) = inspect(&self.bundle, &Item::from_text(text), &mut self.scratch) else {
            return false;
        };
        self.reader.read_into(found.folded, &found.matches.slots, out);
        !out.is_empty()
    }
}

/// A text and its fingerprint.
pub(crate) struct Post {
    pub(crate) text: String,
    /// Where it is from, as the data says.
    pub(crate) source: String,
    pub(crate) print: Fingerprint,
}

/// A row of the data.
#[derive(serde::Deserialize)]
struct Row {
    text: String,
    #[serde(alias = "src")]
    source: String,
}

/// Texts whose streams differ, those of the small file first and of the large one evenly.
pub(crate) fn texts(folder: &Path, stages: &mut Stages) -> anyhow::Result<Vec<Post>> {
    let (mut seen, mut out) = (HashSet::new(), Vec::new());
    let mut print = Fingerprint::default();
    for name in FILES {
        let bytes = std::fs::read(folder.join(format!("moderation/{name}.jsonl.zst")))?;
        let lines = String::from_utf8(zstd::decode_all(bytes.as_slice())?)?;
        let step = if name == "corpus" { 3 } else { 1 };
        for line in lines.split('\n').step_by(step) {
            let Ok(row) = serde_json::from_str::<Row>(line) else { continue };
            let Row { text, source } = row;
            if stages.fingerprint(&text, &mut print) && seen.insert(print.exact) && out.len() < TEXTS_MAX {
                out.push(Post { text, source, print: print.clone() });
            }
        }
    }
    Ok(out)
}
