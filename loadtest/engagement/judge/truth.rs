//! The truth file, read.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::BufRead;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::HOUR_MS;

/// A target-hour.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) target: u32,
    pub(crate) hour: i64,
    pub(crate) events: u32,
    pub(crate) fake: u32,
    /// Campaigns and innocent groups (places in [`Truth::groups`]) with their events.
    pub(crate) campaigns: Vec<(u32, u32)>,
    pub(crate) innocents: Vec<(u32, u32)>,
}

/// A campaign or an innocent group.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) kind: String,
    pub(crate) is_attack: bool,
    pub(crate) actors: HashSet<String>,
    pub(crate) fiftieth_ms: Option<i64>,
}

/// The truth about a run.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    pub(crate) rows: Vec<Row>,
    pub(crate) groups: Vec<Group>,
    /// Per target, the hours (in hours since 1970) at which a campaign acted on it, in order.
    pub(crate) active: HashMap<u32, Vec<(i64, u32)>>,
    pub(crate) first_hour: i64,
    targets: HashMap<String, u32>,
}

/// A moment in milliseconds, as RFC 3339 or as a number.
pub(crate) fn time_ms(value: &Value) -> Option<i64> {
    let text = || value.as_str()?.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
    value.as_i64().or_else(text)
}

/// Hours since 1970.
pub(crate) fn hour_of(time_ms: i64) -> i64 {
    time_ms.div_euclid(HOUR_MS)
}

impl Truth {
    /// Reads a truth file.
    ///
    /// # Errors
    /// A line is no truth; a row names a group that the file does not describe.
    pub(crate) fn read(file: impl BufRead) -> Result<Self> {
        let mut truth = Self::default();
        let mut sides: Vec<(BTreeMap<String, u32>, BTreeMap<String, u32>)> = Vec::new();
        let mut places: HashMap<String, u32> = HashMap::new();
        for (number, line) in (1..).zip(file.lines()) {
            let line: Value = serde_json::from_str(&line?).with_context(|| format!("truth line {number}"))?;
            match line["truth"].as_str() {
                Some("event") => {}
                Some("row") => {
                    sides.push(truth.add_row(&line).with_context(|| format!("truth line {number}"))?);
                }
                Some(what @ ("campaign" | "innocent")) => {
                    let id = line["id"].as_str().with_context(|| format!("truth line {number}: no id"))?;
                    places.insert(id.to_owned(), truth.groups.len() as u32);
                    truth.add_group(&line, what == "campaign");
                }
                what => bail!("truth line {number}: {what:?} is unknown"),
            }
        }
        for (row, (campaigns, innocents)) in truth.rows.iter_mut().zip(sides) {
            let known = |(id, count): (String, u32)| {
                let place = places.get(&id).with_context(|| format!("group {id} is not described"))?;
                Ok((*place, count))
            };
            row.campaigns = campaigns.into_iter().map(known).collect::<Result<_>>()?;
            row.innocents = innocents.into_iter().map(known).collect::<Result<_>>()?;
            for (campaign, _) in &row.campaigns {
                truth.active.entry(row.target).or_default().push((row.hour, *campaign));
            }
        }
        truth.active.values_mut().for_each(|hours| hours.sort_unstable());
        truth.first_hour = truth.rows.iter().map(|row| row.hour).min().unwrap_or(0);
        Ok(truth)
    }

    fn intern(&mut self, target: &str) -> u32 {
        let next = self.targets.len() as u32;
        *self.targets.entry(target.to_owned()).or_insert(next)
    }

    /// The number of a target that the truth knows.
    pub(crate) fn target(&self, id: &str) -> Option<u32> {
        self.targets.get(id).copied()
    }

    fn add_row(&mut self, line: &Value) -> Result<(BTreeMap<String, u32>, BTreeMap<String, u32>)> {
        let target = self.intern(line["target"].as_str().context("no target")?);
        let hour = hour_of(time_ms(&line["hour"]).context("no hour")?);
        let number = |key: &str| line[key].as_u64().unwrap_or(0) as u32;
        let side = |key: &str| {
            let entries = line[key].as_object().into_iter().flatten();
            entries.map(|(id, count)| (id.clone(), count.as_u64().unwrap_or(0) as u32)).collect()
        };
        let (events, fake) = (number("events"), number("fake"));
        let (campaigns, innocents) = (Vec::new(), Vec::new());
        self.rows.push(Row { target, hour, events, fake, campaigns, innocents });
        Ok((side("campaigns"), side("innocents")))
    }

    fn add_group(&mut self, line: &Value, is_attack: bool) {
        let place = self.groups.len() as u32;
        let actors = line["actors"].as_array().into_iter().flatten();
        let kind = line["kind"].as_str().unwrap_or_default().to_owned();
        self.groups.push(Group {
            kind,
            is_attack,
            actors: actors.filter_map(Value::as_str).map(str::to_owned).collect(),
            fiftieth_ms: time_ms(&line["fiftieth"]),
        });
        for jump in line["jumps"].as_array().into_iter().flatten().filter(|_| is_attack) {
            if let (Some(target), Some(time_ms)) = (jump["target"].as_str(), time_ms(&jump["time"])) {
                let target = self.intern(target);
                self.active.entry(target).or_default().push((hour_of(time_ms), place));
            }
        }
    }

    /// Campaigns that acted on a target in this hour or in the 24 hours before it.
    pub(crate) fn campaigns_near(&self, target: u32, hour: i64) -> impl Iterator<Item = u32> {
        let hours = self.active.get(&target).map_or(&[][..], Vec::as_slice);
        let from = hours.partition_point(|(at, _)| *at < hour - 24);
        hours[from..].iter().take_while(move |(at, _)| *at <= hour).map(|(_, campaign)| *campaign)
    }
}
