//! Figures of scores, for people and for programs.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::campaigns::Campaigns;
use super::figures::{Figures, Kind, RATES};
use super::rank::{auc, average_precision};

/// A share as a short figure, `-` for a share of nothing.
fn figure(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{share:.4}"))
}

fn minutes(delay: Option<i64>) -> String {
    delay.map_or_else(|| "-".to_owned(), |delay| format!("{delay} min"))
}

fn ratio(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// A table of all figures.
pub(crate) fn table(figures: &Figures) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_rows(figures, &mut out);
    let _ = write_innocents(figures, &mut out);
    let _ = write_campaigns(figures, &mut out);
    out
}

fn write_rows(figures: &Figures, out: &mut String) -> std::fmt::Result {
    let Figures { records, unknown, rows, left_out, thresholds, .. } = figures;
    writeln!(out, "records {records}, about targets without a row {unknown}; target-hours judged {rows}")?;
    writeln!(
        out,
        "positive {}, low dose {}, negative {}, left out {left_out}",
        figures.positive.scores.len(),
        figures.low.scores.len(),
        figures.negative.scores.len()
    )?;
    let (area, precision) = (figure(figures.auc), figure(figures.average_precision));
    writeln!(out, "AUC {area}, average precision {precision}")?;
    for (rate, threshold) in RATES.iter().zip(thresholds) {
        writeln!(
            out,
            "at {:.1} % false positives (score > {threshold:.3}): recall {}, macro {}, precision {}, low dose {}",
            100.0 * rate,
            figure(figures.positive.above(*threshold)),
            figure(figures.macro_recall(*threshold)),
            figure(figures.precision(*threshold)),
            figure(figures.low.above(*threshold)),
        )?;
    }
    let targets = &figures.targets;
    writeln!(
        out,
        "whole targets by their highest hour: {} attacked, {} not; AUC {}, average precision {}",
        targets.positive.len(),
        targets.negative.len(),
        figure(auc(&targets.positive, &targets.negative)),
        figure(average_precision(&targets.positive, &targets.negative)),
    )?;
    writeln!(
        out,
        "alerts: {} of the rows, {} of the negative, {} of the positive, {} of the low dose",
        figure(ratio(figures.alerts, *rows)),
        figure(figures.negative.alerted()),
        figure(figures.positive.alerted()),
        figure(figures.low.alerted()),
    )?;
    writeln!(
        out,
        "\n{:24}{:>8}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "attack", "rows", "AUC", "at 1 %", "at 0.1 %", "alerted", "low dose", "at 1 %", "alerted"
    )?;
    for (name, kind) in &figures.kinds {
        let Kind { rows, low, auc: area } = kind;
        writeln!(
            out,
            "{name:24}{:>8}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
            rows.scores.len(),
            figure(*area),
            figure(rows.above(thresholds[0])),
            figure(rows.above(thresholds[1])),
            figure(rows.alerted()),
            low.scores.len(),
            figure(low.above(thresholds[0])),
            figure(low.alerted()),
        )?;
    }
    Ok(())
}

fn write_innocents(figures: &Figures, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "\n{:24}{:>8}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "negative", "rows", "at 1 %", "at 0.1 %", "alerted", "n >= 30", "at 1 %", "alerted"
    )?;
    for (name, [all, busy]) in &figures.innocents {
        writeln!(
            out,
            "{name:24}{:>8}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
            all.scores.len(),
            figure(all.above(figures.thresholds[0])),
            figure(all.above(figures.thresholds[1])),
            figure(all.alerted()),
            busy.scores.len(),
            figure(busy.above(figures.thresholds[0])),
            figure(busy.alerted()),
        )?;
    }
    Ok(())
}

/// All campaigns together.
fn all_campaigns(figures: &Figures) -> Campaigns {
    let mut all = Campaigns::default();
    figures.campaigns.values().for_each(|campaigns| all.add(campaigns));
    all
}

fn write_campaigns(figures: &Figures, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "\n{:24}{:>8}{:>10}{:>10}{:>12}{:>12}{:>14}",
        "campaigns", "count", "alerted", "at 0.1 %", "delay p50", "delay p90", "actors listed"
    )?;
    let all = all_campaigns(figures);
    let kinds = figures.campaigns.iter().map(|(kind, campaigns)| (kind.as_str(), campaigns));
    for (name, kind) in kinds.chain([("all", &all)]) {
        writeln!(
            out,
            "{name:24}{:>8}{:>10}{:>10}{:>12}{:>12}{:>14}",
            kind.count,
            figure(ratio(kind.alerted, kind.count)),
            figure(ratio(kind.above, kind.count)),
            minutes(kind.delay_min(0.5)),
            minutes(kind.delay_min(0.9)),
            figure(ratio(kind.actors_listed, kind.actors)),
        )?;
    }
    let listed = &figures.listed;
    writeln!(
        out,
        "\nactors: {} alerts, {} with a campaign; precision {} there ({} of {}), {} over all alerts",
        listed.alerts,
        listed.alerts_with_campaign,
        figure(ratio(listed.right, listed.mentions)),
        listed.right,
        listed.mentions,
        figure(ratio(listed.right, listed.mentions + listed.mentions_innocent)),
    )
}

/// The same for programs. A share of nothing is `null`.
pub(crate) fn json(figures: &Figures) -> Value {
    let [at_1, at_01] = figures.thresholds;
    let kind = |kind: &Kind| {
        json!({
            "rows": kind.rows.scores.len(), "auc": kind.auc, "tpr_1": kind.rows.above(at_1),
            "tpr_01": kind.rows.above(at_01), "alerted": kind.rows.alerted(),
            "low_rows": kind.low.scores.len(), "low_tpr_1": kind.low.above(at_1),
            "low_tpr_01": kind.low.above(at_01), "low_alerted": kind.low.alerted(),
        })
    };
    let campaigns = |all: &Campaigns| {
        json!({
            "count": all.count, "recall_alert": ratio(all.alerted, all.count),
            "recall_01": ratio(all.above, all.count), "delay_min_p50": all.delay_min(0.5),
            "delay_min_p90": all.delay_min(0.9), "actors": all.actors, "actors_listed": all.actors_listed,
        })
    };
    let kinds: Map<String, Value> =
        figures.kinds.iter().map(|(name, sums)| (name.clone(), kind(sums))).collect();
    let by_kind: Map<String, Value> =
        figures.campaigns.iter().map(|(name, sums)| (name.clone(), campaigns(sums))).collect();
    let innocents: Map<String, Value> = figures
        .innocents
        .iter()
        .map(|(name, [all, busy])| {
            let value = json!({
                "rows": all.scores.len(), "above_1": all.above(at_1), "above_01": all.above(at_01),
                "alerted": all.alerted(), "busy_rows": busy.scores.len(), "busy_above_1": busy.above(at_1),
                "busy_above_01": busy.above(at_01), "busy_alerted": busy.alerted(),
            });
            (name.clone(), value)
        })
        .collect();
    let listed = &figures.listed;
    json!({
        "records": figures.records, "unknown": figures.unknown, "unknown_alerts": figures.unknown_alerts,
        "rows": figures.rows, "positive": figures.positive.scores.len(), "low": figures.low.scores.len(),
        "negative": figures.negative.scores.len(), "left_out": figures.left_out,
        "auc": figures.auc, "average_precision": figures.average_precision,
        "threshold_1": at_1.is_finite().then_some(at_1), "threshold_01": at_01.is_finite().then_some(at_01),
        "tpr_1": figures.positive.above(at_1), "tpr_01": figures.positive.above(at_01),
        "macro_1": figures.macro_recall(at_1), "macro_01": figures.macro_recall(at_01),
        "precision_1": figures.precision(at_1), "low_tpr_1": figures.low.above(at_1),
        "alert_rate": ratio(figures.alerts, figures.rows), "alert_rate_negative": figures.negative.alerted(),
        "alert_rate_positive": figures.positive.alerted(),
        "targets": {
            "positive": figures.targets.positive.len(), "negative": figures.targets.negative.len(),
            "auc": auc(&figures.targets.positive, &figures.targets.negative),
            "average_precision": average_precision(&figures.targets.positive, &figures.targets.negative),
        },
        "kinds": kinds, "innocents": innocents, "campaigns": by_kind,
        "campaigns_all": campaigns(&all_campaigns(figures)),
        "actors": {
            "alerts": listed.alerts, "alerts_with_campaign": listed.alerts_with_campaign,
            "precision": ratio(listed.right, listed.mentions),
            "precision_all_alerts": ratio(listed.right, listed.mentions + listed.mentions_innocent),
        },
    })
}
