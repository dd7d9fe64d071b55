//! Figures for people and for programs.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::score::{Figures, Found, Harmed};

/// `part` of `whole`, nothing of nothing.
pub(crate) fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn percent(part: usize, whole: usize) -> String {
    share(part, whole).map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", 100.0 * share))
}

/// The middle value, the lower of two.
pub(crate) fn median(values: &[usize]) -> Option<usize> {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).copied()
}

/// A table of all figures.
pub(crate) fn table(figures: &Figures) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_table(figures, &mut out);
    out
}

fn write_table(figures: &Figures, out: &mut String) -> std::fmt::Result {
    writeln!(out, "decisions {}, about unknown items {}", figures.decisions, figures.unknown)?;
    for (which, title) in ["all campaigns", "campaigns of five accounts and more"].into_iter().enumerate() {
        writeln!(out, "\n{title}")?;
        writeln!(
            out,
            "{:24}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>14}{:>10}",
            "kind",
            "campaigns",
            "accounts",
            "proposed",
            "tier 1+",
            "tier 2+",
            "linked",
            "tier 1 at",
            "reached"
        )?;
        let kinds = figures.kinds.iter().map(|(kind, sums)| (kind.as_str(), &sums[which]));
        for (kind, found) in kinds.chain([("all", &figures.total[which])]) {
            write_found(kind, found, out)?;
        }
    }
    let wrong = figures.proposed - figures.proposed_rightly;
    let precision = percent(figures.proposed_rightly, figures.proposed);
    writeln!(out, "\naccounts proposed {}, wrongly {wrong}, precision {precision}", figures.proposed)?;
    writeln!(
        out,
        "\n{:24}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "innocent", "groups", "accounts", "proposed", "tier 1+", "tier 2+"
    )?;
    let kinds = figures.look_alikes.iter().map(|(kind, harmed)| (kind.as_str(), harmed));
    for (kind, harmed) in kinds.chain([("background", &figures.background)]) {
        let Harmed { groups, accounts, tier_1, tier_2, .. } = harmed;
        let proposed = harmed.proposed.len();
        writeln!(out, "{kind:24}{groups:>10}{accounts:>10}{proposed:>10}{tier_1:>10}{tier_2:>10}")?;
    }
    Ok(())
}

/// One line: recalls over accounts, links over items, the member at whom tier 1 was reached (median and latest).
fn write_found(kind: &str, found: &Found, out: &mut String) -> std::fmt::Result {
    let first = match (median(&found.first_member), found.first_member.iter().max()) {
        (Some(median), Some(latest)) => format!("{median} (max {latest})"),
        _ => "-".to_owned(),
    };
    writeln!(
        out,
        "{kind:24}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{first:>14}{:>10}",
        found.campaigns,
        found.accounts,
        percent(found.proposed, found.accounts),
        percent(found.tier_1, found.accounts),
        percent(found.tier_2, found.accounts),
        percent(found.linked, found.followers),
        format!("{}/{}", found.first_member.len(), found.campaigns),
    )
}

/// The same for programs. A share of nothing is `null`.
pub(crate) fn json(figures: &Figures) -> Value {
    let found = |found: &Found| {
        json!({
            "campaigns": found.campaigns, "accounts": found.accounts,
            "recall_proposed": share(found.proposed, found.accounts),
            "recall_tier_1": share(found.tier_1, found.accounts),
            "recall_tier_2": share(found.tier_2, found.accounts),
            "link_recall": share(found.linked, found.followers),
            "campaigns_at_tier_1": found.first_member.len(),
            "tier_1_member_median": median(&found.first_member),
            "tier_1_member_max": found.first_member.iter().max(),
        })
    };
    let pair = |sums: &[Found; 2]| json!({ "all": found(&sums[0]), "five_and_more": found(&sums[1]) });
    let harmed = |harmed: &Harmed| {
        json!({
            "groups": harmed.groups, "accounts": harmed.accounts, "proposed": harmed.proposed,
            "tier_1": harmed.tier_1, "tier_2": harmed.tier_2,
        })
    };
    let kinds: Map<String, Value> =
        figures.kinds.iter().map(|(kind, sums)| (kind.clone(), pair(sums))).collect();
    let look_alikes: Map<String, Value> =
        figures.look_alikes.iter().map(|(kind, sums)| (kind.clone(), harmed(sums))).collect();
    json!({
        "decisions": figures.decisions, "unknown_items": figures.unknown,
        "proposed": figures.proposed, "proposed_rightly": figures.proposed_rightly,
        "precision": share(figures.proposed_rightly, figures.proposed),
        "total": pair(&figures.total), "kinds": kinds,
        "look_alikes": look_alikes, "background": harmed(&figures.background),
    })
}
