//! The truth file: which events were planned, what every target-hour holds, what the groups were.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::engagement::event::{Event, event_id, id};
use crate::engagement::plan::Group;
use crate::engagement::targets::target_id;
use crate::post::moment;
use crate::rhythm::HOUR_MS;

/// Rows with fewer events and nothing fake are left out.
pub(crate) const ROW_EVENTS_MIN: u32 = 3;

/// A target-hour.
#[derive(Clone, Debug, Default)]
struct Row {
    events: u32,
    fake: u32,
    by_group: BTreeMap<u32, u32>,
}

/// What is gathered about an attack while its events are written.
#[derive(Clone, Debug, Default)]
struct Gathered {
    hours: BTreeSet<i64>,
    fake: usize,
    cover: usize,
    first_ms: Option<i64>,
    last_ms: i64,
    fiftieth_ms: Option<i64>,
}

/// Writes the truth along with the stream.
#[derive(Debug)]
pub(crate) struct Ledger<W: Write> {
    out: W,
    seed: u64,
    hour_ms: i64,
    rows: BTreeMap<u32, Row>,
    gathered: Vec<Gathered>,
    /// Innocent groups that whole hours belong to.
    site_wide: Vec<(u32, i64, i64, BTreeSet<u32>)>,
}

/// Fake events of a campaign after which the clock of detection runs.
const DELAY_COUNTS_FROM: usize = 50;

impl<W: Write> Ledger<W> {
    /// An empty ledger of a plan.
    pub(crate) fn new(out: W, seed: u64, groups: &[Group]) -> Self {
        let wide = |(at, group): (usize, &Group)| {
            group.site_wide.map(|(from, to)| (at as u32, from, to, group.targets.clone()))
        };
        let site_wide = groups.iter().enumerate().filter_map(wide).collect();
        let gathered = vec![Gathered::default(); groups.len()];
        Self { out, seed, hour_ms: i64::MIN, rows: BTreeMap::new(), gathered, site_wide }
    }

    /// Notes an event in the order of event time.
    pub(crate) fn note(&mut self, event: &Event, groups: &[Group]) -> Result<()> {
        let hour_ms = event.time_ms.div_euclid(HOUR_MS) * HOUR_MS;
        if hour_ms != self.hour_ms {
            self.close_hour(groups)?;
            self.hour_ms = hour_ms;
        }
        let row = self.rows.entry(event.target).or_default();
        row.events += 1;
        row.fake += u32::from(event.fake);
        let Some(group) = event.group else { return Ok(()) };
        let gathered = &mut self.gathered[group as usize];
        if groups[group as usize].is_attack && !event.fake {
            gathered.cover += 1;
            return Ok(());
        }
        *row.by_group.entry(group).or_default() += 1;
        gathered.hours.insert(hour_ms);
        gathered.fake += 1;
        gathered.first_ms.get_or_insert(event.time_ms);
        gathered.last_ms = event.time_ms;
        if gathered.fake == DELAY_COUNTS_FROM {
            gathered.fiftieth_ms = Some(event.time_ms);
        }
        Ok(())
    }

    /// Tells of an event as it is written to the stream: background is not told.
    pub(crate) fn tell(&mut self, serial: u64, event: &Event, groups: &[Group]) -> Result<()> {
        if let Some(group) = event.group {
            let line = json!({
                "truth": "event", "id": event_id(serial), "group": groups[group as usize].id, "fake": event.fake,
            });
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    /// Writes the rows of the hour that is over.
    fn close_hour(&mut self, groups: &[Group]) -> Result<()> {
        let hour_ms = self.hour_ms;
        for (target, mut row) in std::mem::take(&mut self.rows) {
            if row.events < ROW_EVENTS_MIN && row.fake == 0 {
                continue;
            }
            for (group, from, to, targets) in &self.site_wide {
                let is_theirs = targets.is_empty() || targets.contains(&target);
                if is_theirs && (*from..*to).contains(&hour_ms) {
                    row.by_group.insert(*group, row.events);
                }
            }
            let (mut campaigns, mut innocents) = (Map::new(), Map::new());
            for (group, count) in row.by_group {
                let group = &groups[group as usize];
                let side = if group.is_attack { &mut campaigns } else { &mut innocents };
                side.insert(group.id.clone(), json!(count));
            }
            let mut line = json!({
                "truth": "row", "target": target_id(self.seed, target), "hour": moment(hour_ms),
                "events": row.events, "fake": row.fake,
            });
            for (key, side) in [("campaigns", campaigns), ("innocents", innocents)] {
                if !side.is_empty() {
                    line[key] = Value::Object(side);
                }
            }
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    /// Writes the last rows and the groups.
    pub(crate) fn finish(mut self, groups: &[Group]) -> Result<()> {
        self.close_hour(groups)?;
        for (group, gathered) in groups.iter().zip(&self.gathered) {
            let targets: Vec<String> =
                group.targets.iter().map(|target| target_id(self.seed, *target)).collect();
            let jumps: Vec<Value> = group
                .jumps
                .iter()
                .map(|jump| {
                    json!({
                        "time": moment(jump.time_ms), "target": target_id(self.seed, jump.target),
                        "delta": jump.delta,
                    })
                })
                .collect();
            let hours: Vec<String> = gathered.hours.iter().copied().map(moment).collect();
            let mut line = json!({
                "truth": if group.is_attack { "campaign" } else { "innocent" },
                "id": group.id, "kind": group.kind, "targets": targets, "events": gathered.fake,
                "hours": hours, "first": gathered.first_ms.map(moment),
                "last": gathered.first_ms.map(|_| moment(gathered.last_ms)),
            });
            if let Some((from, to)) = group.site_wide {
                line["from"] = json!(moment(from));
                line["to"] = json!(moment(to));
            }
            if !jumps.is_empty() {
                line["jumps"] = Value::Array(jumps);
            }
            if group.is_attack {
                let actors: Vec<String> =
                    group.actors.iter().map(|actor| id(self.seed, 'u', *actor)).collect();
                line["actors"] = json!(actors);
                line["cover"] = json!(gathered.cover);
                line["fiftieth"] = json!(gathered.fiftieth_ms.map(moment));
                let traits = group.traits.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
                line["traits"] = Value::Object(traits.collect());
            }
            writeln!(self.out, "{line}")?;
        }
        self.out.flush()?;
        Ok(())
    }
}
