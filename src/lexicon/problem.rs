//! What is wrong with a bundle, and where.

use std::fmt;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The bundle is refused.
    Error,
    /// The bundle loads; an operator should look.
    Warning,
}

/// One problem with its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// How bad.
    pub level: Level,
    /// Path inside the bundle.
    pub file: String,
    /// Line, from 1; 0 when the file as a whole is meant.
    pub line: usize,
    /// What is wrong and what would mend it.
    pub message: String,
}

impl Problem {
    /// An error at a line.
    pub fn error(file: &str, line: usize, message: impl Into<String>) -> Self {
        Self { level: Level::Error, file: file.to_owned(), line, message: message.into() }
    }

    /// A warning at a line.
    pub fn warning(file: &str, line: usize, message: impl Into<String>) -> Self {
        Self { level: Level::Warning, file: file.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        if self.line == 0 {
            write!(f, "{}: {level}: {}", self.file, self.message)
        } else {
            write!(f, "{}:{}: {level}: {}", self.file, self.line, self.message)
        }
    }
}

/// ` (did you mean "x"?)` when a valid name is near, else nothing.
pub(crate) fn suggestion<'n>(wrong: &str, valid: impl IntoIterator<Item = &'n str>) -> String {
    let nearest = valid
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .min()
        .filter(|(distance, name)| *distance <= 1 + name.chars().count().min(wrong.chars().count()) / 3);
    nearest.map(|(_, name)| format!(" (did you mean {name:?}?)")).unwrap_or_default()
}

/// Parses a TOML file of a bundle.
///
/// # Errors
/// One problem with the line of the fault; for an unknown key, with the nearest valid one.
pub(crate) fn parse_toml<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, Problem> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(0, |span| line_of(text, span.start));
        let mut message = error.message().to_owned();
        if let Some((unknown, expected)) = unknown_key(&message) {
            message.push_str(&suggestion(unknown, expected));
        }
        Problem::error(file, line, message)
    })
}

/// Line, from 1, of a byte offset.
fn line_of(text: &str, byte: usize) -> usize {
    1 + text.as_bytes().iter().take(byte).filter(|b| **b == b'\n').count()
}

/// Reads serde's "unknown field `x`, expected one of `a`, `b`" back into its names.
fn unknown_key(message: &str) -> Option<(&str, Vec<&str>)> {
    let mut names = message.split('`').skip(1).step_by(2);
    if !message.starts_with("unknown field") && !message.starts_with("unknown variant") {
        return None;
    }
    let unknown = names.next()?;
    Some((unknown, names.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[expect(dead_code, reason = "only the key matters")]
        weight: i32,
    }

    #[test]
    fn unknown_keys_name_their_line_and_the_nearest_valid_key() {
        let problem = parse_toml::<Sample>("a.toml", "\nwieght = 3\n").unwrap_err();
        assert_eq!((problem.file.as_str(), problem.line), ("a.toml", 2));
        assert!(problem.message.contains("did you mean \"weight\"?"), "{problem}");
        assert_eq!(suggestion("zzzz", ["weight"]), "");
    }
}
