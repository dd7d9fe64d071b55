//! Score records, read.

use std::collections::HashMap;
use std::io::BufRead;

use anyhow::{Context, Result};
use serde_json::Value;

use super::HOUR_MS;
use super::truth::{Truth, hour_of, time_ms};

/// What was said about a target-hour.
#[derive(Clone, Debug, Default)]
pub(crate) struct Score {
    /// Of the last record.
    pub(crate) points: f64,
    /// When a record first alerted: its `at`, else the end of the hour. Milliseconds.
    pub(crate) alert_ms: Option<i64>,
    /// Families of the record that alerted, and the actors that it lists.
    pub(crate) actors: Vec<String>,
}

/// All that was said, by target and hour since 1970.
#[derive(Debug, Default)]
pub(crate) struct Scores {
    pub(crate) by_row: HashMap<(u32, i64), Score>,
    pub(crate) records: usize,
    /// Records about targets that the truth does not know: too small to have a row.
    pub(crate) unknown: usize,
    pub(crate) unknown_alerts: usize,
}

impl Scores {
    /// Reads records; lines of other types are left alone.
    ///
    /// # Errors
    /// A line is no JSON object, or a score without target or hour.
    pub(crate) fn read(truth: &Truth, file: impl BufRead) -> Result<Self> {
        let mut scores = Self::default();
        for (number, line) in (1..).zip(file.lines()) {
            let line: Value = serde_json::from_str(&line?).with_context(|| format!("score line {number}"))?;
            if line["type"] != "engagement_score" {
                continue;
            }
            scores.add(truth, &line).with_context(|| format!("score line {number}"))?;
        }
        Ok(scores)
    }

    fn add(&mut self, truth: &Truth, line: &Value) -> Result<()> {
        let target =
            line["target"].as_str().or_else(|| line["target"]["id"].as_str()).context("no target")?;
        let hour = hour_of(time_ms(&line["hour"]).context("no hour")?);
        let is_alert = line["alert"].as_bool().unwrap_or(false);
        self.records += 1;
        let Some(target) = truth.target(target) else {
            self.unknown += 1;
            self.unknown_alerts += usize::from(is_alert);
            return Ok(());
        };
        let score = self.by_row.entry((target, hour)).or_default();
        score.points = line["score"].as_f64().unwrap_or(0.0);
        if is_alert {
            let at_ms = time_ms(&line["at"]).unwrap_or((hour + 1) * HOUR_MS);
            score.alert_ms = Some(score.alert_ms.map_or(at_ms, |before| before.min(at_ms)));
            let actors = line["actors"].as_array().into_iter().flatten();
            // An actor may be listed by id or with its share of the evidence.
            let id = |actor: &Value| actor.as_str().or_else(|| actor["id"].as_str()).map(str::to_owned);
            score.actors = actors.filter_map(id).collect();
        }
        Ok(())
    }

    /// What was said about a target-hour; nothing is a score of 0.
    pub(crate) fn of(&self, target: u32, hour: i64) -> (f64, bool) {
        self.by_row
            .get(&(target, hour))
            .map_or((0.0, false), |score| (score.points, score.alert_ms.is_some()))
    }
}
