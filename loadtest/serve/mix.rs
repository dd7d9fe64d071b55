//! What is sent: items of files, or generated ones, each with an id and a time of its own.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value};

use crate::generate::generate;
use crate::options::{Arguments as CampaignArguments, Run, Stream, Switch};

/// Generated posts of the mix that is used when no file is given.
const GENERATED_POSTS: usize = 40_000;
/// One of the shipped samples follows on so many generated posts.
const POSTS_PER_SAMPLE: usize = 40;
/// Largest mix, items.
const ITEMS_MAX: usize = 5_000_000;

/// Items without their ids and times, each as JSON without the first brace.
#[derive(Debug)]
pub(crate) struct Mix {
    rests: Vec<String>,
    /// What ids begin with, so that no two runs against one service have the same.
    prefix: String,
    time_ms: u64,
}

impl Mix {
    /// The items of files; without a file generated posts with campaigns among them, and the samples.
    ///
    /// Repeating a thousand samples would make each text a copy of a hundred others, which no traffic is like.
    ///
    /// # Errors
    /// A file cannot be read, or holds something else.
    pub(crate) fn load(files: &[PathBuf], prefix: &str) -> Result<Self> {
        let mut rests = Vec::new();
        if files.is_empty() {
            generated(&mut rests)?;
        }
        for file in files {
            let lines = BufReader::new(File::open(file).with_context(|| file.display().to_string())?).lines();
            for (number, line) in (1..).zip(lines) {
                let line = line?;
                if !line.trim().is_empty() {
                    rests.push(rest(&line).with_context(|| format!("{}:{number}", file.display()))?);
                }
            }
        }
        ensure!((1..=ITEMS_MAX).contains(&rests.len()), "a mix has 1 to {ITEMS_MAX} items");
        Ok(Self { rests, prefix: prefix.to_owned(), time_ms: super::clock::now_ms() })
    }

    /// A mix of one text, for marks.
    pub(crate) fn of(texts: &[&str], prefix: &str) -> Self {
        let rests = texts.iter().map(|text| format!("\"text\":{}}}", Value::from(*text))).collect();
        Self { rests, prefix: prefix.to_owned(), time_ms: super::clock::now_ms() }
    }

    /// Items before the first is sent again, under another id.
    pub(crate) fn len(&self) -> usize {
        self.rests.len()
    }

    /// The same items under other ids.
    pub(crate) fn renamed(&self, prefix: &str) -> Self {
        Self { rests: self.rests.clone(), prefix: prefix.to_owned(), time_ms: super::clock::now_ms() }
    }

    /// Appends the `number`-th item, written `after_ms` after the start.
    pub(crate) fn body_into(&self, number: u64, after_ms: u64, out: &mut Vec<u8>) {
        let rest = &self.rests[(number % self.rests.len() as u64) as usize];
        let time = self.time_ms + after_ms;
        // Writing to memory cannot fail.
        let _ = write!(out, "{{\"id\":\"{}{number}\",\"time\":{time},{rest}", self.prefix);
    }
}

/// An item without what each request has of its own, and without its label.
fn rest(line: &str) -> Result<String> {
    let mut item: Map<String, Value> = serde_json::from_str(line)?;
    for key in ["id", "time", "label"] {
        item.remove(key);
    }
    ensure!(!item.is_empty(), "an item has at least a text");
    let json = Value::Object(item).to_string();
    Ok(json[1..].to_owned())
}

fn generated(rests: &mut Vec<String>) -> Result<()> {
    let run = Run::try_from(&CampaignArguments {
        stream: Stream {
            seed: 7,
            days: 10,
            campaigns: None,
            only: Vec::new(),
            out: PathBuf::new(),
            truth: PathBuf::new(),
        },
        posts: GENERATED_POSTS,
        look_alikes: Switch::On,
        start: "2026-11-01T00:00:00Z".to_owned(),
    })?;
    let mut items = Vec::new();
    generate(&run, &mut items, &mut std::io::sink())?;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/posts.jsonl");
    let samples = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let mut samples = samples.lines().cycle();
    for (nth, line) in (1..).zip(std::str::from_utf8(&items)?.lines()) {
        rests.push(rest(line)?);
        if nth % POSTS_PER_SAMPLE == 0
            && let Some(sample) = samples.next()
        {
            rests.push(rest(sample)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_is_json_with_its_own_id_and_time_and_no_label() {
        let mix = Mix::load(&[], "t-").unwrap();
        assert!(mix.len() > GENERATED_POSTS);
        for number in [0, 1, 39, 40, 41, mix.len() as u64] {
            let mut body = Vec::new();
            mix.body_into(number, 5, &mut body);
            let item: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(item["id"], format!("t-{number}"));
            assert_eq!(item["time"], mix.time_ms + 5);
            assert!(item["text"].is_string() || item["fields"].is_object(), "{item}");
            assert!(item.get("label").is_none());
        }
    }
}
