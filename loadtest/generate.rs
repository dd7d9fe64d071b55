//! The whole run: plan, background and plan merged by time, items and truth written.

use std::io::Write;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::background::Background;
use crate::campaigns;
use crate::grammar::Texts;
use crate::lookalikes;
use crate::options::Run;
use crate::people::Population;
use crate::plan::Plan;
use crate::post::{Group, Post, Reference, Source, item_id, moment};

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) items: usize,
    pub(crate) accounts: usize,
    pub(crate) campaigns: usize,
    pub(crate) campaign_items: usize,
    pub(crate) look_alikes: usize,
    pub(crate) look_alike_items: usize,
}

/// Writes the items in the order of time, and the truth: a line per item in the same order, then a line per group.
///
/// Memory: the population and the plan; the background is drawn as it is written.
///
/// # Errors
/// The plan needs more items than the run has; writing fails.
pub(crate) fn generate(run: &Run, items: &mut impl Write, truth: &mut impl Write) -> Result<Summary> {
    let texts = Texts::load()?;
    let bounds = (run.start_ms, run.end_ms());
    let mut population = Population::new(&texts, run.seed, run.accounts, bounds);
    let (posts, groups) = plan(run, &texts, &mut population);
    ensure!(
        posts.len() <= run.posts,
        "campaigns and look-alikes need {} items; --posts is {}",
        posts.len(),
        run.posts
    );
    let background = Background::new(run.seed, run.start_ms, run.hours, run.posts - posts.len());
    let mut writer = Writer::new(&texts, &population, background, &posts, &groups);
    writer.merge(items, truth)?;
    writer.finish(truth)
}

/// The planned items and their groups.
fn plan(run: &Run, texts: &Texts, population: &mut Population) -> (Vec<Post>, Vec<Group>) {
    let (seed, start_ms, end_ms) = (run.seed, run.start_ms, run.end_ms());
    let mut plan = Plan { texts, population, seed, start_ms, end_ms, posts: Vec::new(), groups: Vec::new() };
    for (nth, &kind) in run.campaigns.iter().enumerate() {
        campaigns::plan(&mut plan, kind, nth);
    }
    for (nth, &kind) in run.look_alikes.iter().enumerate() {
        if let Some(shape) = lookalikes::shape_of(kind) {
            lookalikes::plan(&mut plan, shape, nth);
        }
    }
    (plan.posts, plan.groups)
}

/// Gives ids and writes.
struct Writer<'w> {
    texts: &'w Texts,
    population: &'w Population,
    background: Background,
    planned: &'w [Post],
    groups: &'w [Group],
    /// Of each planned item, once it is written.
    serials: Vec<Option<u64>>,
    /// Items written of each group.
    members: Vec<Vec<u64>>,
    written: u64,
}

impl<'w> Writer<'w> {
    fn new(
        texts: &'w Texts,
        population: &'w Population,
        background: Background,
        planned: &'w [Post],
        groups: &'w [Group],
    ) -> Self {
        let serials = vec![None; planned.len()];
        let members = vec![Vec::new(); groups.len()];
        Self { texts, population, background, planned, groups, serials, members, written: 0 }
    }

    /// Everything by time; at the same moment the plan comes first.
    fn merge(&mut self, items: &mut impl Write, truth: &mut impl Write) -> Result<()> {
        let mut order: Vec<usize> = (0..self.planned.len()).collect();
        order.sort_by_key(|at| self.planned[*at].time_ms);
        for at in order {
            let post = &self.planned[at];
            while self.background.peek_ms().is_some_and(|time_ms| time_ms < post.time_ms) {
                self.write_background(items, truth)?;
            }
            let serial = self.write(post, items, truth)?;
            self.serials[at] = Some(serial);
        }
        while self.background.peek_ms().is_some() {
            self.write_background(items, truth)?;
        }
        Ok(())
    }

    fn write_background(&mut self, items: &mut impl Write, truth: &mut impl Write) -> Result<()> {
        if let Some(post) = self.background.next(self.texts, self.population) {
            self.write(&post, items, truth)?;
        }
        Ok(())
    }

    /// Writes an item and the truth about it; its number.
    fn write(&mut self, post: &Post, items: &mut impl Write, truth: &mut impl Write) -> Result<u64> {
        self.written += 1;
        let serial = self.written;
        let id = |reference| match reference {
            Reference::Serial(serial) => Some(serial),
            Reference::Planned(at) => self.serials[at],
            Reference::Recent(choice) => self.background.recent(choice),
        };
        writeln!(items, "{}", post.to_json(serial, self.population, id))?;
        writeln!(truth, "{}", self.truth_of(post, serial))?;
        if let Source::Group(group) = post.source {
            self.members[group].push(serial);
        }
        self.background.note(serial, post, self.population);
        Ok(serial)
    }

    /// The truth about one item.
    fn truth_of(&self, post: &Post, serial: u64) -> Value {
        let account = &self.population.people[post.author].id;
        let (source, kind, group) = match post.source {
            Source::Background(kind) => ("background", kind, None),
            Source::Group(at) => (self.groups[at].source(), self.groups[at].kind, Some(&self.groups[at].id)),
            Source::Cover(at) => ("cover", self.groups[at].kind, Some(&self.groups[at].id)),
        };
        json!({
            "truth": "item", "id": item_id(serial), "account": account,
            "source": source, "kind": kind, "group": group,
        })
    }

    /// Writes the truth about the groups.
    fn finish(self, truth: &mut impl Write) -> Result<Summary> {
        let mut summary = Summary {
            items: self.written as usize,
            accounts: self.population.people.len(),
            ..Summary::default()
        };
        for (group, members) in self.groups.iter().zip(&self.members) {
            let (groups, items) = if group.is_campaign {
                (&mut summary.campaigns, &mut summary.campaign_items)
            } else {
                (&mut summary.look_alikes, &mut summary.look_alike_items)
            };
            (*groups, *items) = (*groups + 1, *items + members.len());
            let account = |at: &usize| &self.population.people[*at];
            let accounts: Vec<&str> =
                group.accounts.iter().map(account).map(|person| person.id.as_str()).collect();
            let registered: Vec<String> =
                group.accounts.iter().map(account).map(|person| moment(person.registered_ms)).collect();
            let ids: Vec<String> = members.iter().copied().map(item_id).collect();
            let line = json!({
                "truth": group.source(), "id": group.id, "kind": group.kind, "accounts": accounts,
                "items": ids, "templates": group.templates,
                "infrastructure": { "plan": group.infrastructure, "registered": registered },
            });
            writeln!(truth, "{line}")?;
        }
        truth.flush()?;
        Ok(summary)
    }
}
