//! A bundle before it judges: read → complete → compiled → not shrunk → right about its own cases and about ordinary texts.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::judge::hex;
use crate::engine::{Bundle, Scratch, embedded_files, evaluate, is_bundle_file, samples};
use crate::lexicon::SourceFile;
use crate::model::{Item, Verdict};
use crate::store::read_bundle_dir;
use crate::telemetry::Clock;

/// A bundle with less than so many hundredths of the terms or rules of the one before is taken for a half-written one.
const SHRINK_PERCENT_MIN: usize = 70;
/// Most hundredths of the benign samples that a bundle may hold back or block.
const BENIGN_PERCENT_MAX: usize = 5;
/// Cases of its own that a bundle has to pass: items, one a line, each with a `verdict`.
pub(super) const GOLDEN_FILE: &str = "golden.jsonl";
/// Largest file of these.
const GOLDEN_BYTES_MAX: u64 = 16 << 20;
/// Checksums of a bundle's files, as `sha256sum` writes them.
pub(super) const MANIFEST_FILE: &str = "SHA256SUMS";
/// Largest file of these.
const MANIFEST_BYTES_MAX: u64 = 4 << 20;

/// What is asked of a bundle beside being right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demands<'a> {
    /// The version that it must have; empty for any.
    pub(super) expected_version: &'a str,
    /// Whether it may have far fewer terms or rules than the one before.
    pub(super) allow_shrink: bool,
    /// Whether a directory without [`MANIFEST_FILE`] is refused.
    pub(super) is_manifest_required: bool,
}

/// How large a bundle is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sizes {
    pub(super) terms: usize,
    pub(super) rules: usize,
    /// Terms by label of the first level.
    pub(super) labels: BTreeMap<String, usize>,
}

impl Sizes {
    pub(super) fn of(bundle: &Bundle) -> Self {
        let mut labels: BTreeMap<String, usize> = BTreeMap::new();
        for term in bundle.lexicon.terms() {
            let id = bundle.taxonomy.label(term.label).id.as_str();
            let first = id.split('.').next().unwrap_or(id);
            *labels.entry(first.to_owned()).or_default() += 1;
        }
        Self { terms: bundle.lexicon.terms().len(), rules: bundle.lexicon.rules().len(), labels }
    }

    /// Why a bundle of these sizes is taken for a half-written one after `before`.
    fn check_shrink(&self, before: &Self) -> Result<(), String> {
        let hint = "allow_shrink takes it nevertheless";
        for (what, new, old) in [("terms", self.terms, before.terms), ("rules", self.rules, before.rules)] {
            if new * 100 < old * SHRINK_PERCENT_MIN {
                return Err(format!("it has {new} {what} where {old} were before; {hint}"));
            }
        }
        let gone = before.labels.iter().find(|(label, _)| !self.labels.contains_key(*label));
        match gone {
            Some((label, old)) => Err(format!("it has no term for {label} where {old} were before; {hint}")),
            None => Ok(()),
        }
    }
}

/// A bundle that may judge, and what it was made from.
#[derive(Debug)]
pub(super) struct Vetted {
    pub(super) bundle: Bundle,
    pub(super) files: Vec<SourceFile>,
    /// SHA-256 over paths and contents, in hexadecimal.
    pub(super) checksum: String,
}

/// Reads and checks the bundle of a directory, or the one that is built into the program. Takes as long as a start.
pub(super) fn vet(
    dir: Option<&Path>,
    before: Option<&Sizes>,
    demands: Demands<'_>,
) -> Result<Vetted, String> {
    let files = read(dir, demands.is_manifest_required)?;
    vet_files(files, dir, before, demands)
}

/// Checks files that have been read.
pub(super) fn vet_files(
    files: Vec<SourceFile>,
    dir: Option<&Path>,
    before: Option<&Sizes>,
    demands: Demands<'_>,
) -> Result<Vetted, String> {
    let bundle = compile(&files)?;
    let version = &bundle.versions().bundle;
    if !demands.expected_version.is_empty() && demands.expected_version != version {
        let expected = demands.expected_version;
        return Err(format!("its version is {version} and not the expected {expected}"));
    }
    if let Some(before) = before.filter(|_| !demands.allow_shrink) {
        Sizes::of(&bundle).check_shrink(before)?;
    }
    check_benign(&bundle)?;
    if let Some(dir) = dir {
        check_golden(&bundle, &dir.join(GOLDEN_FILE))?;
    }
    let checksum = checksum(&files);
    Ok(Vetted { bundle, files, checksum })
}

/// The files of a directory, held against its checksums, or those that are built into the program.
pub(super) fn read(dir: Option<&Path>, is_manifest_required: bool) -> Result<Vec<SourceFile>, String> {
    let shipped = embedded_files();
    let Some(dir) = dir else { return Ok(shipped) };
    let files = read_bundle_dir(dir, &shipped).map_err(|e| e.to_string())?;
    match read_text(&dir.join(MANIFEST_FILE), MANIFEST_BYTES_MAX)? {
        Some(manifest) => check_manifest(&manifest, (dir, &files), &shipped)?,
        None if is_manifest_required => {
            return Err(format!("{MANIFEST_FILE} is missing, which bundles.manifest_required asks for"));
        }
        None => {}
    }
    Ok(files)
}

/// Compiles files as of today.
pub(super) fn compile(files: &[SourceFile]) -> Result<Bundle, String> {
    Bundle::load(files, Clock::today()).map_err(|e| e.to_string())
}

/// SHA-256 over paths and contents, in hexadecimal.
pub(super) fn checksum(files: &[SourceFile]) -> String {
    let mut hash = Sha256::new();
    for part in files.iter().flat_map(|file| [&file.path, &file.text]) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize())
}

/// A file's text; nothing if it is not there.
fn read_text(path: &Path, bytes_max: u64) -> Result<Option<String>, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(format!("{name}: {e}")),
    };
    let mut text = String::new();
    file.take(bytes_max + 1).read_to_string(&mut text).map_err(|e| format!("{name}: {e}"))?;
    if text.len() as u64 > bytes_max {
        return Err(format!("{name} is larger than {bytes_max} bytes"));
    }
    Ok(Some(text))
}

/// Holds files against the checksums that came with them: each must be named, and each that is named must be there.
fn check_manifest(
    manifest: &str,
    (dir, files): (&Path, &[SourceFile]),
    shipped: &[SourceFile],
) -> Result<(), String> {
    let mut named = BTreeMap::new();
    for (number, line) in (1..).zip(manifest.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let (sum, path) = line
            .split_once([' ', '\t'])
            .ok_or_else(|| format!("{MANIFEST_FILE}:{number}: expected CHECKSUM PATH"))?;
        let path = path.trim_start().trim_start_matches('*').trim_start_matches("./");
        if path == GOLDEN_FILE || is_bundle_file(path) {
            named.insert(path, sum.to_ascii_lowercase());
        }
    }
    let golden = read_text(&dir.join(GOLDEN_FILE), GOLDEN_BYTES_MAX)?;
    let golden = golden.map(|text| SourceFile { path: GOLDEN_FILE.to_owned(), text });
    for file in files.iter().chain(&golden) {
        match named.remove(file.path.as_str()) {
            Some(sum) if sum == hex(&Sha256::digest(file.text.as_bytes())) => {}
            Some(_) => return Err(format!("{}: the checksum in {MANIFEST_FILE} is another", file.path)),
            // What a directory does not have is taken from the program.
            None if shipped.iter().any(|own| own.path == file.path && own.text == file.text) => {}
            None => return Err(format!("{}: {MANIFEST_FILE} does not name it", file.path)),
        }
    }
    match named.keys().next() {
        Some(path) => Err(format!("{path}: {MANIFEST_FILE} names it, and it is not there")),
        None => Ok(()),
    }
}

/// Judges the benign samples of the program: a slip of the pen must not hold back half of a site.
fn check_benign(bundle: &Bundle) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Sample {
        label: String,
    }
    let mut scratch = Scratch::default();
    let (mut items, mut held) = (0, 0);
    for line in samples().lines() {
        let sample: Sample = serde_json::from_str(line).map_err(|e| e.to_string())?;
        if sample.label != "benign" {
            continue;
        }
        let item = Item::from_json(line).map_err(|e| e.to_string())?;
        let outcome = evaluate(bundle, &item, &mut scratch).map_err(|e| e.to_string())?;
        items += 1;
        held += usize::from(outcome.verdict >= Verdict::Review);
    }
    if held * 100 > items * BENIGN_PERCENT_MAX {
        return Err(format!("it holds back or blocks {held} of {items} ordinary texts"));
    }
    Ok(())
}

/// Judges the cases that a bundle brings along.
fn check_golden(bundle: &Bundle, path: &Path) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Want {
        verdict: Verdict,
    }
    let Some(text) = read_text(path, GOLDEN_BYTES_MAX)? else { return Ok(()) };
    let mut scratch = Scratch::default();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let failed = |e: String| format!("{GOLDEN_FILE}:{number}: {e}");
        let want: Want = serde_json::from_str(line).map_err(|e| failed(e.to_string()))?;
        let item = Item::from_json(line).map_err(|e| failed(e.to_string()))?;
        let outcome = evaluate(bundle, &item, &mut scratch).map_err(|e| failed(e.to_string()))?;
        if outcome.verdict != want.verdict {
            let (found, want) = (outcome.verdict.as_str(), want.verdict.as_str());
            return Err(failed(format!("the verdict is {found} and should be {want}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    fn sum(text: &str) -> String {
        hex(&Sha256::digest(text.as_bytes()))
    }

    #[test]
    fn a_manifest_names_every_file_with_its_checksum() {
        let dir = tempfile::tempdir().unwrap();
        let files = [file("policy.toml", "a"), file("fold/t2s.tsv", "b")];
        let shipped = [file("fold/t2s.tsv", "b")];
        let check =
            |manifest: &str, files: &[SourceFile]| check_manifest(manifest, (dir.path(), files), &shipped);
        let good = format!("{}  ./policy.toml\n{} *README.md\n\n", sum("a"), sum("x"));
        assert_eq!(check(&good, &files), Ok(()));
        assert_eq!(check(&good.to_uppercase().replace("POLICY.TOML", "policy.toml"), &files), Ok(()));
        for (manifest, part) in [
            (good.replace(&sum("a"), &sum("c")), "the checksum in SHA256SUMS is another"),
            (String::new(), "does not name it"),
            (format!("{good}{}  rules/r.toml\n", sum("r")), "rules/r.toml: SHA256SUMS names it"),
            ("what".to_owned(), "SHA256SUMS:1"),
        ] {
            let error = check(&manifest, &files).unwrap_err();
            assert!(error.contains(part), "{part:?} is missing in {error}");
        }
        fs::write(dir.path().join(GOLDEN_FILE), "{}").unwrap();
        assert!(check(&good, &files).unwrap_err().contains("golden.jsonl"));
        assert_eq!(check(&format!("{good}{}  {GOLDEN_FILE}\n", sum("{}")), &files), Ok(()));
    }

    #[test]
    fn a_checksum_tells_names_and_contents_apart() {
        let one = checksum(&[file("a", "bc")]);
        assert_eq!(one.len(), 64);
        assert_ne!(one, checksum(&[file("ab", "c")]));
        assert_ne!(one, checksum(&[file("a", "b"), file("c", "")]));
    }

    #[test]
    fn a_bundle_that_has_lost_a_third_or_a_whole_label_is_taken_for_half_written() {
        let sizes = |terms, rules, labels: &[(&str, usize)]| Sizes {
            terms,
            rules,
            labels: labels.iter().map(|(label, count)| ((*label).to_owned(), *count)).collect(),
        };
        let before = sizes(100, 10, &[("fraud", 95), ("drugs", 5)]);
        assert_eq!(sizes(70, 7, &[("fraud", 65), ("drugs", 5)]).check_shrink(&before), Ok(()));
        for (after, part) in [
            (sizes(69, 10, &[("fraud", 64), ("drugs", 5)]), "69 terms where 100"),
            (sizes(100, 6, &[("fraud", 95), ("drugs", 5)]), "6 rules where 10"),
            (sizes(95, 10, &[("fraud", 95)]), "no term for drugs where 5"),
        ] {
            assert!(after.check_shrink(&before).unwrap_err().contains(part));
        }
    }
}
