//! What was promised, what was measured, and whether they agree.

use std::path::Path;

use anyhow::Result;
use serde_json::{Map, Value, json};

/// What a figure must be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bar {
    AtLeast(f64),
    AtMost(f64),
}

impl Bar {
    fn holds(self, measured: f64) -> bool {
        match self {
            Self::AtLeast(bar) => measured >= bar,
            Self::AtMost(bar) => measured <= bar,
        }
    }
}

/// Everything that a run of a scenario prints, as text and as JSON.
#[derive(Debug, Default)]
pub(crate) struct Report {
    lines: Vec<Value>,
    figures: Map<String, Value>,
    promises: Vec<Value>,
    broken: usize,
}

impl Report {
    /// Prints a line at once, and keeps it for the JSON.
    pub(crate) fn line(&mut self, line: &str) {
        println!("{line}");
        self.lines.push(line.into());
    }

    /// Keeps a figure for the JSON.
    pub(crate) fn figure(&mut self, name: &str, value: Value) {
        self.figures.insert(name.to_owned(), value);
    }

    /// Compares a figure with its bar.
    pub(crate) fn promise(&mut self, name: &str, (measured, unit): (f64, &str), bar: Bar) {
        let (is_kept, sign, at) = match bar {
            Bar::AtLeast(at) => (bar.holds(measured), ">=", at),
            Bar::AtMost(at) => (bar.holds(measured), "<=", at),
        };
        let outcome = if is_kept { "kept" } else { "BROKEN" };
        println!("promise  {name}: {measured:.3} {unit} {sign} {at:.3} {unit}  {outcome}");
        self.broken += usize::from(!is_kept);
        self.promises.push(json!({ "name": name, "measured": measured, "unit": unit, "bar": format!("{sign} {at}"), "kept": is_kept }));
    }

    /// Writes the JSON, if it is wanted; whether all promises were kept.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn finish(self, json: Option<&Path>) -> Result<bool> {
        let is_kept = self.broken == 0;
        println!("{} of {} promises kept", self.promises.len() - self.broken, self.promises.len());
        if let Some(path) = json {
            let all = json!({ "kept": is_kept, "promises": self.promises, "lines": self.lines, "figures": self.figures });
            crate::write_json(path, &all)?;
        }
        Ok(is_kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_broken_promise_is_enough() {
        let mut report = Report::default();
        report.promise("a", (0.7, "x"), Bar::AtLeast(0.7));
        report.promise("b", (1.0, "ms"), Bar::AtMost(1.0));
        assert!(report.finish(None).unwrap());
        let mut report = Report::default();
        report.promise("a", (0.69, "x"), Bar::AtLeast(0.7));
        report.promise("b", (f64::NAN, "ms"), Bar::AtMost(1.0));
        assert_eq!(report.broken, 2);
        assert!(!report.finish(None).unwrap());
    }
}
