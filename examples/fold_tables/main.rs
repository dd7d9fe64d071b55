//! Generates the folding tables under `dictionaries/fold` from public data.
//!
//! In: the `OpenCC` and pinyin tables (`--tables`), the hand-written `*.in.tsv` files (in `--out`), and the
//! Unicode data inside the crates `unicode-normalization`, `unicode-properties` and `unicode-security`.
//! Out: one TSV file per kind of folding, and a README with the counts, written to `--out`.
//!
//! ```text
//! cargo run --example fold_tables -- --tables DIR --out dictionaries/fold [--texts DIR]
//! ```
//!
//! With `--texts` (a folder of zstd-compressed JSON lines) the pairs of characters are counted as well; without it
//! `bigrams.tsv` stays as it is.
//!
//! The flow is sources → fold rule → tables → text → checks → files. The checks read the text that is about to be
//! written, so what they prove holds for the files themselves; nothing is written unless all of them pass. The
//! result depends on the inputs only: equal inputs give equal bytes.
#![allow(clippy::print_stdout, reason = "a command-line tool: its report is its output")]

mod bigrams;
mod check;
mod fold;
mod lookalike;
mod parts;
mod render;
mod shapes;
mod sounds;
mod sources;
mod splits;
mod tables;
mod variants;
mod views;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::fold::Folder;
use crate::parts::Parts;
use crate::render::OutputFile;
use crate::sources::Sources;

/// What the command line asks for.
struct Arguments {
    /// Folder with the public source tables.
    tables: PathBuf,
    /// Folder that holds the `*.in.tsv` inputs and receives the generated files.
    out: PathBuf,
    /// Folder with the texts whose pairs of characters are counted, if they are to be counted.
    texts: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = parse_arguments(std::env::args().skip(1))?;
    check_unicode_versions()?;
    let sources = Sources::read(&arguments.tables, &arguments.out)?;
    let variants = variants::resolve(&sources)?;
    println!("rows of TSCharacters whose source is common in simplified text (rule: see variants.rs):");
    println!("  kept: {}", variants.kept_common.join(" "));
    println!("  left out: {}", variants.skipped_common.join(" "));
    println!("variant rows left out because their source is common: {}", variants.skipped_regional.join(" "));

    let folder = Folder::build(&sources, variants.simplified)?;
    let mut outputs = build_outputs(&sources, &folder)?;
    outputs.extend(bigrams_output(&arguments, &folder)?);
    check::check_all(&outputs)?;
    write_all(&arguments.out, &outputs)
}

/// Reads `--tables DIR --out DIR [--texts DIR]`, in any order.
fn parse_arguments(mut words: impl Iterator<Item = String>) -> Result<Arguments> {
    let mut tables = None;
    let mut out = None;
    let mut texts = None;
    while let Some(word) = words.next() {
        let slot = match word.as_str() {
            "--tables" => &mut tables,
            "--out" => &mut out,
            "--texts" => &mut texts,
            other => {
                bail!("unknown argument {other:?}; usage: fold_tables --tables DIR --out DIR [--texts DIR]")
            }
        };
        let value = words.next().with_context(|| format!("{word} needs a folder"))?;
        *slot = Some(PathBuf::from(value));
    }
    Ok(Arguments {
        tables: tables.context("--tables DIR is missing")?,
        out: out.context("--out DIR is missing")?,
        texts,
    })
}

/// The crates must describe the same Unicode. (Lower case comes from the standard library, which may be a version
/// behind; each header names both.)
fn check_unicode_versions() -> Result<()> {
    let (major, minor, patch) = unicode_normalization::UNICODE_VERSION;
    let normalization = (u64::from(major), u64::from(minor), u64::from(patch));
    let properties = unicode_properties::UNICODE_VERSION;
    let security = unicode_security::UNICODE_VERSION;
    ensure!(
        normalization == properties && normalization == security,
        "Unicode versions differ: normalization {normalization:?}, properties {properties:?}, security {security:?}"
    );
    Ok(())
}

/// Builds the text of every generated file, in the order of precedence.
fn build_outputs(sources: &Sources, folder: &Folder) -> Result<Vec<OutputFile>> {
    let tables = tables::build(folder)?;
    for omitted in &tables.too_long {
        println!("left out, longer than {} characters: {omitted}", tables::TARGET_CHARS_MAX);
    }
    let mut outputs = render::fold_files(&tables);
    outputs.push(render::lookalike_file(&lookalike::build(folder)?));
    let numerals = views::numerals(sources, folder)?;
    for note in &numerals.notes {
        println!("{note}");
    }
    outputs.push(render::numerals_file(&numerals));
    let sounds = sounds::build(sources, folder)?;
    outputs.push(render::readings_file(&sounds.common));
    outputs.push(render::rare_readings_file(&sounds.rare));
    let parts = Parts::build(sources, folder)?;
    outputs.push(render::splits_file(&splits::build(sources, folder, &parts)?));
    outputs.push(render::shapes_file(&shapes::build(sources, folder, &parts)?));
    Ok(outputs)
}

/// `bigrams.tsv`: counted anew if there are texts, as an earlier run wrote it otherwise, nothing if there was none.
fn bigrams_output(arguments: &Arguments, folder: &Folder) -> Result<Option<OutputFile>> {
    if let Some(texts_dir) = &arguments.texts {
        return Ok(Some(render::bigrams_file(&bigrams::count(texts_dir, folder)?)));
    }
    let path = arguments.out.join("bigrams.tsv");
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    Ok(Some(render::kept_bigrams_file(text)))
}

/// Writes the files and the README that lists them.
fn write_all(out_dir: &Path, outputs: &[OutputFile]) -> Result<()> {
    for output in outputs {
        let path = out_dir.join(output.name);
        std::fs::write(&path, &output.text).with_context(|| format!("writing {}", path.display()))?;
    }
    let path = out_dir.join("README.md");
    std::fs::write(&path, render::readme(outputs)).with_context(|| format!("writing {}", path.display()))
}
