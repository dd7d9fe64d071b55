//! A bundle directory → files in memory.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use crate::engine::{BundleError, is_bundle_file};
use crate::lexicon::{Problem, SourceFile};

/// Largest file of a bundle.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// Most files of a bundle.
const FILES_MAX: usize = 10_000;

/// Reads every `.toml`, `.tsv` and `.dict` file below a directory, sorted by path. Folding tables that the directory
/// does not have are taken from `fallback`, so that an operator's bundle need not carry them.
///
/// # Errors
/// Every file that cannot be read, with its path.
pub fn read_bundle_dir(dir: &Path, fallback: &[SourceFile]) -> Result<Vec<SourceFile>, BundleError> {
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    if dir.is_dir() {
        walk(dir, "", &mut files, &mut problems);
    } else {
        problems.push(Problem::error(&dir.display().to_string(), 0, "is not a directory"));
    }
    if !problems.is_empty() {
        problems.sort();
        return Err(BundleError(problems));
    }
    for file in fallback {
        let is_shared = file.path.starts_with("fold/") || file.path == "slots.toml";
        if is_shared && !files.iter().any(|own: &SourceFile| own.path == file.path) {
            files.push(file.clone());
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn walk(dir: &Path, prefix: &str, files: &mut Vec<SourceFile>, problems: &mut Vec<Problem>) {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) => return problems.push(Problem::error(&dir.display().to_string(), 0, e.to_string())),
    };
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) => {
                problems.push(Problem::error(&dir.display().to_string(), 0, e.to_string()));
                continue;
            }
        };
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        let path = format!("{prefix}{name}");
        if name.starts_with('.') {
            continue;
        }
        if files.len() >= FILES_MAX {
            return problems.push(Problem::error(&path, 0, format!("more than {FILES_MAX} files")));
        }
        if entry.path().is_dir() {
            walk(&entry.path(), &format!("{path}/"), files, problems);
        } else if is_bundle_file(&path) {
            match read_text(&entry.path()) {
                Ok(text) => files.push(SourceFile { path, text }),
                Err(message) => problems.push(Problem::error(&path, 0, message)),
            }
        }
    }
}

fn read_text(path: &Path) -> Result<String, String> {
    // A pipe would be waited for.
    if !fs::metadata(path).map_err(|e| e.to_string())?.is_file() {
        return Err("is not a regular file".to_owned());
    }
    let file = fs::File::open(path).map_err(|e| e.to_string())?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("is larger than {FILE_BYTES_MAX} bytes"));
    }
    String::from_utf8(bytes).map_err(|e| format!("is not UTF-8 at byte {}", e.utf8_error().valid_up_to()))
}
