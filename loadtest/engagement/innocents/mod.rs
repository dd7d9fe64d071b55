//! Innocent groups that look like attacks.

mod audiences;
mod crowds;
mod organised;

use crate::engagement::attacks::Planner;
use crate::engagement::plan::Plan;
use crate::random::Random;

/// The kinds of innocent groups.
pub(crate) const INNOCENTS: [(&str, Planner); 13] = [
    ("viral_cascade", crowds::viral_cascade),
    ("tv_mention", crowds::tv_mention),
    ("hashtag_hour", crowds::hashtag_hour),
    ("scandal", crowds::scandal),
    ("holiday", audiences::holiday),
    ("foreign_audience", audiences::foreign),
    ("campus_audience", audiences::campus),
    ("news_bots", audiences::news_bots),
    ("registered_lottery", organised::registered_lottery),
    ("small_lottery", organised::small_lottery),
    ("recommendation_push", organised::recommendation_push),
    ("import_merge", organised::import_merge),
    ("fan_daily_task", organised::fan_daily_task),
];

/// Kinds of which a run has one at most.
const ONCE: [&str; 2] = ["holiday", "foreign_audience"];

/// Plans the innocent group of a kind.
pub(crate) fn plan(plan_of: &mut Plan<'_>, seed: u64, index: usize, kind: &'static str) {
    let is_there = plan_of.groups.iter().any(|group| group.kind == kind);
    if is_there && ONCE.contains(&kind) {
        return;
    }
    let Some((_, planner)) = INNOCENTS.iter().find(|(name, _)| *name == kind) else { return };
    let mut random = Random::new(seed, "innocent", index);
    let group = plan_of.open(kind, false);
    planner(plan_of, &mut random, group);
}
