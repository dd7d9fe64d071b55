//! The texts under `texts/` and how they become sentences.
//!
//! A file has sections `[name]` with one line per text. In a line `{name}` stands for a line of that section, `{a|b}`
//! for one of the alternatives, `{2-9}` for a number, `{a-z}` for a letter. `<name>` is left for a second step
//! ([`fill`]), so that many posts can share one wording and differ in a slot.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

use crate::random::Random;

/// How deep texts may name other texts.
const DEPTH_MAX: usize = 8;

/// The built-in files.
const FILES: [(&str, &str); 7] = [
    ("everyday.txt", include_str!("texts/everyday.txt")),
    ("slots.txt", include_str!("texts/slots.txt")),
    ("comments.txt", include_str!("texts/comments.txt")),
    ("trades.txt", include_str!("texts/trades.txt")),
    ("articles.txt", include_str!("texts/articles.txt")),
    ("edits.txt", include_str!("texts/edits.txt")),
    ("lookalikes.txt", include_str!("texts/lookalikes.txt")),
];

/// All sections.
#[derive(Debug)]
pub(crate) struct Texts(BTreeMap<&'static str, Vec<&'static str>>);

impl Texts {
    /// Reads the built-in files.
    ///
    /// # Errors
    /// A section that occurs twice or is empty, a line outside any, a name that is no section, a loop of names.
    pub(crate) fn load() -> Result<Self> {
        let mut sections: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (file, text) in FILES {
            let mut open = None;
            for line in text.split('\n').filter(|line| !line.is_empty() && !line.starts_with('#')) {
                if let Some(name) = header(line) {
                    ensure!(sections.insert(name, Vec::new()).is_none(), "{file}: [{name}] occurs twice");
                    open = Some(name);
                } else {
                    let name =
                        open.with_context(|| format!("{file}: {line:?} stands outside any section"))?;
                    sections.entry(name).or_default().push(line);
                }
            }
        }
        let texts = Self(sections);
        for (name, lines) in &texts.0 {
            ensure!(!lines.is_empty(), "[{name}] is empty");
            for line in lines {
                texts.check(line, DEPTH_MAX).with_context(|| format!("[{name}] {line}"))?;
            }
        }
        Ok(texts)
    }

    /// The lines of a section; none when there is no such section.
    pub(crate) fn lines(&self, section: &str) -> &[&'static str] {
        self.0.get(section).map_or(&[], Vec::as_slice)
    }

    /// A line of a section, expanded; empty when there is no such section.
    pub(crate) fn line(&self, section: &str, random: &mut Random) -> String {
        let lines = self.lines(section);
        if lines.is_empty() { String::new() } else { self.expand(random.pick(lines), random) }
    }

    /// A text with everything in braces chosen.
    pub(crate) fn expand(&self, text: &str, random: &mut Random) -> String {
        let mut out = String::with_capacity(text.len());
        self.expand_into(text, random, &mut out);
        out
    }

    fn expand_into(&self, text: &str, random: &mut Random, out: &mut String) {
        let mut rest = text;
        while let Some((before, inner, after)) = split_braces(rest) {
            out.push_str(before);
            let parts = alternatives(inner);
            if parts.len() > 1 {
                self.expand_into(random.pick(&parts), random, out);
            } else if let Some((low, high)) = numbers(inner) {
                out.push_str(&random.between(low, high).to_string());
            } else if inner == "a-z" {
                out.push(char::from(b'a' + random.below(26) as u8));
            } else if let Some(lines) = self.0.get(inner) {
                self.expand_into(random.pick(lines), random, out);
            }
            rest = after;
        }
        out.push_str(rest);
    }

    /// Checks that every name is a section and that names do not go round in circles.
    fn check(&self, text: &str, depth: usize) -> Result<()> {
        ensure!(depth > 0, "texts name each other more than {DEPTH_MAX} deep");
        let mut rest = text;
        while let Some((_, inner, after)) = split_braces(rest) {
            let parts = alternatives(inner);
            if parts.len() > 1 {
                parts.iter().try_for_each(|part| self.check(part, depth))?;
            } else if let Some(lines) = self.0.get(inner) {
                lines.iter().try_for_each(|line| self.check(line, depth - 1))?;
            } else if numbers(inner).is_none() && inner != "a-z" {
                bail!("{{{inner}}} is neither a section nor a range");
            }
            rest = after;
        }
        for name in slots(text) {
            ensure!(slot_is_known(self, name), "<{name}> is no section");
        }
        Ok(())
    }
}

/// Slots that the plan of a campaign fills, and those of a section.
fn slot_is_known(texts: &Texts, name: &str) -> bool {
    matches!(name, "contact" | "target") || texts.0.contains_key(name)
}

/// The name in `[name]`: lower-case letters, dots and underscores only, so that `[允悲]` stays a text.
fn header(line: &str) -> Option<&str> {
    let name = line.strip_prefix('[')?.strip_suffix(']')?;
    name.bytes().all(|b| b.is_ascii_lowercase() || b == b'.' || b == b'_').then_some(name)
}

/// Text before the first braces, what is in them, text after them. Braces may be nested.
fn split_braces(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find('{')?;
    let mut depth = 0;
    for (at, byte) in text.bytes().enumerate().skip(start) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&text[..start], &text[start + 1..at], &text[at + 1..]));
        }
    }
    None
}

/// The alternatives between `|` outside inner braces.
fn alternatives(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b'|' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// The bounds of `2-9`.
fn numbers(text: &str) -> Option<(i64, i64)> {
    let (low, high) = text.split_once('-')?;
    Some((low.parse().ok()?, high.parse().ok()?))
}

/// The names between `<` and `>`, in order.
pub(crate) fn slots(text: &str) -> impl Iterator<Item = &str> {
    text.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(name, _)| name)
}

/// Puts a value into every `<name>`.
pub(crate) fn fill(text: &str, mut value: impl FnMut(&str) -> String) -> String {
    let mut parts = text.split('<');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        if let Some((name, rest)) = part.split_once('>') {
            out.push_str(&value(name));
            out.push_str(rest);
        }
    }
    out
}
