//! What a reviewer would otherwise repeat: sizes, layers, words that do not belong into the repository.
//!
//! Functions of more than 70 lines are clippy's business, see `clippy.toml`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

/// Longest source file, in lines.
const FILE_LINES_MAX: usize = 500;

/// The modules of the library with their layer, in the order of the data. A module imports only modules that stand
/// before it here, so that no two modules import each other, and none imports a higher layer.
const MODULES: [(&str, u8); 23] = [
    ("saved", 0),
    ("special", 0),
    ("lines", 0),
    ("model", 0),
    ("text", 1),
    ("segment", 1),
    ("lexicon", 1),
    ("neardup", 1),
    ("originals", 1),
    ("coordination", 1),
    ("engagement", 1),
    ("decide", 2),
    ("engine", 3),
    ("telemetry", 4),
    ("intake", 4),
    ("store", 4),
    ("emit", 4),
    ("rescan", 5),
    ("serve", 5),
    ("config", 5),
    ("stream", 5),
    ("console", 5),
    ("cli", 5),
];

/// The lowest layer that may do I/O, read a clock or be asynchronous.
const BORDER_LAYER: u8 = 4;

/// What only the border layers may name.
static BORDER_WORDS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\basync\b|\.await\b|\btokio\b|\bfs::|\bstd::(fs|net)\b|\bSystemTime\b|\bInstant\b").unwrap()
});

/// Folders and kinds of files that people read and write.
const FOLDERS: [&str; 10] =
    ["src", "tests", "benches", "docs", "dictionaries", "samples", "examples", "loadtest", "deploy", ".ci"];
const ROOT_KINDS: [&str; 3] = ["md", "toml", "yaml"];

/// One text file of the repository.
struct SourceText {
    /// Path from the root of the repository, with `/`.
    path: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text files of the repository. Files that are not UTF-8 are data.
fn files() -> Vec<SourceText> {
    let mut paths: Vec<PathBuf> = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        path.is_file() && path.extension().is_some_and(|e| ROOT_KINDS.iter().any(|kind| e == *kind))
    });
    for folder in FOLDERS {
        walk(&root().join(folder), &mut paths);
    }
    paths.sort();
    let read = |path: PathBuf| {
        let text = String::from_utf8(fs::read(&path).unwrap()).ok()?;
        let path = path.strip_prefix(root()).unwrap().to_str()?.replace('\\', "/");
        Some(SourceText { path, text })
    };
    paths.into_iter().filter_map(read).collect()
}

/// Adds the files below a folder; a folder that is not there has none.
fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, out);
        } else if path.extension().is_none_or(|e| e != "proptest-regressions") {
            out.push(path);
        }
    }
}

fn is_rust(file: &SourceText) -> bool {
    Path::new(&file.path).extension().is_some_and(|e| e == "rs")
}

/// Every line of `files` that `pattern` matches, as `path:line: text`.
fn lines_with<'f>(files: impl IntoIterator<Item = &'f SourceText>, pattern: &Regex) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for (number, line) in (1..).zip(file.text.lines()).filter(|(_, line)| pattern.is_match(line)) {
            found.push(format!("{}:{number}: {}", file.path, line.trim()));
        }
    }
    found
}

/// Fails with one finding per line, under what they break.
fn assert_none(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

/// Code without comments. Strings stay: none of ours holds a path of a module.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or("")
}

/// The module of the library that a file belongs to; none for the crate root and the program.
fn module_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    let name = inside.split_once('/').map_or_else(|| inside.trim_end_matches(".rs"), |(folder, _)| folder);
    (name != "lib" && name != "main").then_some(name)
}

/// Place in [`MODULES`] and layer.
fn rank_of(module: &str) -> Option<(usize, u8)> {
    let rank = MODULES.iter().position(|(name, _)| *name == module)?;
    Some((rank, MODULES[rank].1))
}

/// How many modules a file is below the crate root: `src/cli.rs` and `src/cli/mod.rs` are 1, `src/cli/args.rs` is 2.
fn depth_of(path: &str) -> usize {
    path.split('/').count() - 1 - usize::from(path.ends_with("/mod.rs"))
}

/// The modules of the library that a source file names, with the line.
fn imports(file: &SourceText) -> Vec<(usize, String)> {
    static PATHS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\bcrate::(\w+|\{[^}]*\})|\b((?:super::)+)(\w+)").unwrap());
    let (mut found, mut inline) = (Vec::new(), 0);
    for (number, line) in (1..).zip(file.text.lines()) {
        // Inline modules, of tests, stand at the end of a file.
        inline += usize::from(code(line).starts_with("mod ") && line.ends_with('{'));
        for names in PATHS.captures_iter(code(line)) {
            if let Some(path) = names.get(1) {
                let inside = path.as_str().trim_matches(['{', '}']);
                found.extend(
                    inside
                        .split(',')
                        .map(|name| (number, name.trim().split("::").next().unwrap().to_owned())),
                );
            } else if names[2].len() / "super::".len() >= depth_of(&file.path) + inline {
                found.push((number, names[3].to_owned()));
            }
        }
    }
    found
}

#[test]
fn no_source_file_is_longer_than_the_limit() {
    let long = |file: &SourceText| {
        let lines = file.text.lines().count();
        (lines > FILE_LINES_MAX).then(|| format!("{}: {lines} lines", file.path))
    };
    let found: Vec<String> = files().iter().filter(|file| is_rust(file)).filter_map(long).collect();
    assert_none(&format!("a source file has at most {FILE_LINES_MAX} lines"), &found);
}

#[test]
fn every_module_has_a_layer() {
    let unknown = |file: &SourceText| module_of(&file.path).is_some_and(|name| rank_of(name).is_none());
    let found: Vec<String> = files().into_iter().filter(unknown).map(|file| file.path).collect();
    assert_none("a module stands in the table of layers, MODULES in tests/tidy.rs", &found);
    assert!(MODULES.is_sorted_by_key(|(_, layer)| *layer), "MODULES is sorted by layer");
}

#[test]
fn a_module_imports_only_modules_before_it() {
    let mut found = Vec::new();
    for file in &files() {
        let Some((module, (own, _))) = module_of(&file.path).and_then(|name| Some((name, rank_of(name)?)))
        else {
            continue;
        };
        for (line, name) in imports(file) {
            let allowed = name == module || rank_of(&name).is_some_and(|(rank, _)| rank < own);
            if !allowed {
                found.push(format!("{}:{line}: {module} imports {name}", file.path));
            }
        }
    }
    assert_none("a module imports only modules before it in MODULES of tests/tidy.rs", &found);
}

#[test]
fn imports_are_read_out_of_every_form_of_path() {
    let text = "use crate::{model, text::Class};\nuse super::super::cli::run;\nuse super::own; // crate::cli\n\
                fn f(x: crate::lexicon::Term) {}\nmod tests {\n    use super::super::super::emit;\n}\n";
    let file = SourceText { path: "src/engine/bundle.rs".to_owned(), text: text.to_owned() };
    let found: Vec<String> =
        imports(&file).into_iter().map(|(line, name)| format!("{line} {name}")).collect();
    assert_eq!(found, ["1 model", "1 text", "2 cli", "4 lexicon", "6 emit"]);
}

#[test]
fn only_the_border_layers_do_io_read_clocks_or_are_asynchronous() {
    let mut inner = files();
    inner.retain(|file| {
        module_of(&file.path).and_then(rank_of).is_some_and(|(_, layer)| layer < BORDER_LAYER)
    });
    assert!(!inner.is_empty());
    for file in &mut inner {
        file.text = file.text.lines().map(code).collect::<Vec<_>>().join("\n");
    }
    assert_none("no I/O, clock or async below layer 4", &lines_with(&inner, &BORDER_WORDS));
}

#[test]
fn nothing_unfinished_is_left_in_the_code() {
    let words = ["to", "do!|unimple", "mented!|#\\[ig", "nore|db", "g!"].concat();
    let mut sources = files();
    sources.retain(is_rust);
    assert_none("finished code only", &lines_with(&sources, &Regex::new(&words).unwrap()));
}

#[test]
fn no_file_names_a_machine_a_registry_or_a_ticket() {
    // The pattern is put together so that this file does not name them either.
    let folders = ["work", "home", "root", "tmp"].join("|");
    let hosts = ["index", "static", "proxy", "mirror"].join("|");
    let patterns = [
        ("a path of a machine", format!(r"(?:^|[^\w./:-])/(?:{folders})/\w")),
        (
            "a registry host",
            [&format!(r"\b(?:{hosts})\.cra"), r"tes\.io|spar", r"se\+http|\bregistry\s*=\s*", "\""].concat(),
        ),
        ("a ticket", ["(?i)iss", "ue #"].concat()),
    ];
    for (what, pattern) in patterns {
        assert_none(&format!("no file names {what}"), &lines_with(&files(), &Regex::new(&pattern).unwrap()));
    }
}

#[test]
fn every_locked_package_comes_from_one_registry_and_none_from_a_repository() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let mut sources: Vec<String> =
        lock.lines().filter(|line| line.starts_with("source = ")).map(str::to_owned).collect();
    sources.sort();
    sources.dedup();
    let foreign: Vec<String> = sources.iter().filter(|line| !line.contains("\"registry+")).cloned().collect();
    assert_none("packages come from a registry", &foreign);
    assert_eq!(sources.len(), 1, "{sources:?}");
}

#[test]
fn every_public_module_is_in_the_architecture_page() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is there");
    let library = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let modules = library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let is_missing = |name: &&str| !Regex::new(&format!(r"\b{name}\b")).unwrap().is_match(&page);
    let missing: Vec<String> = modules.filter(is_missing).map(str::to_owned).collect();
    assert_none("every module stands in ARCHITECTURE.md", &missing);
}
