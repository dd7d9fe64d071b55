//! A score record as a page that a complaint can be judged by.

use super::record::ScoreRecord;
use super::words::{cohort, family, number, reason, sentence, share};
use crate::decide::Language;
use crate::engagement::{FAMILY_EVIDENCE_MIN, History};

/// What rounding every signal may come to.
const ROUNDING: f64 = 0.01;

/// The lines of the page, in each of the languages. What the record says of itself is computed again from its numbers.
pub fn score_page(record: &ScoreRecord, languages: &[Language]) -> Vec<String> {
    let mut page = Vec::new();
    for language in languages {
        heading(record, *language, &mut page);
    }
    for (rank, signal) in (1..).zip(&record.signals) {
        for (nth, language) in languages.iter().enumerate() {
            let lead = if nth == 0 { format!("{rank:>3}. ") } else { "     ".to_owned() };
            page.push(format!("{lead}{}", sentence(signal, *language)));
        }
        page.push(format!(
            "     k {}, n {}, expected {}, prior worth {}, cap {}, evidence {} × weight {} = {:.4}",
            signal.k,
            signal.n,
            signal.expected,
            signal.strength,
            signal.cap,
            signal.evidence,
            signal.weight,
            signal.evidence * signal.weight
        ));
    }
    let weighted: f64 = record.signals.iter().map(|signal| signal.evidence * signal.weight).sum();
    if weighted > record.score + ROUNDING {
        let (weighted, score) = (number(weighted), number(record.score));
        for language in languages {
            page.push(match language {
                Language::Chinese => format!("加权合计 {weighted}；因未满足证据族条件而折减，计 {score}"),
                Language::English => format!(
                    "weighted evidence adds up to {weighted}; as the rule of families does not hold it counts less, {score}"
                ),
            });
        }
    }
    for language in languages {
        verdict(record, *language, &mut page);
    }
    page.push(replayed(record));
    let versions = &record.versions;
    page.push(format!(
        "bundle {}, engine {}, detector configuration {}",
        versions.bundle, versions.engine, record.config
    ));
    page
}

fn heading(record: &ScoreRecord, language: Language, page: &mut Vec<String>) {
    let ScoreRecord { target, hour, at, events, .. } = record;
    let lines = match language {
        Language::Chinese => [
            Some(format!("对象 {target}，{hour} 起一小时，{events} 次互动（记录时间 {at}）")),
            Some(if record.alert {
                "该小时的计数与同类对象相比不寻常。这不是对任何人意图的判断，须由人工复核；可以提出异议。"
                    .to_owned()
            } else {
                "该小时未达到提示条件。".to_owned()
            }),
            (!record.is_final).then(|| "该小时尚未结束；之后的记录可能不同。".to_owned()),
            (record.history == History::Insufficient).then(|| "历史数据不足：预期取自同类对象。".to_owned()),
            record.baseline_guarded.then(|| "该小时未计入之后的比较基线。".to_owned()),
        ],
        Language::English => [
            Some(format!("target {target}, hour from {hour}, {events} actions (recorded at {at})")),
            Some(if record.alert {
                "The counts of this hour are unusual compared with similar targets. This says nothing of anybody's intent; a \
                 person has to look at it, and it can be contested."
                    .to_owned()
            } else {
                "This hour gives no alert.".to_owned()
            }),
            (!record.is_final).then(|| "The hour was not over; a later record may say otherwise.".to_owned()),
            (record.history == History::Insufficient)
                .then(|| "Insufficient history: expectations are those of similar targets.".to_owned()),
            record
                .baseline_guarded
                .then(|| "The hour was kept out of what later hours are compared with.".to_owned()),
        ],
    };
    page.extend(lines.into_iter().flatten());
    if !record.registered.is_empty() {
        let reasons: Vec<&str> = record.registered.iter().map(|r| reason(*r, language)).collect();
        page.push(match language {
            Language::Chinese => format!("该时段已登记：{}", reasons.join("、")),
            Language::English => format!("registered for this time: {}", reasons.join(", ")),
        });
    }
}

fn verdict(record: &ScoreRecord, language: Language, page: &mut Vec<String>) {
    let families: Vec<&str> = record.family_names.iter().map(|name| family(*name, language)).collect();
    let burst = record.burst;
    let (score, threshold, cohort) = (record.score, record.threshold, cohort(record.cohort, language));
    let (asked, realised) = (share(record.requested_rate), share(record.realised_rate));
    match language {
        Language::Chinese => {
            page.push(format!(
                "达到 {FAMILY_EVIDENCE_MIN} 的独立证据族：{}；突增佐证：{}。提示须有两族，或一族加突增佐证。",
                if families.is_empty() { "无".to_owned() } else { families.join("、") },
                if burst { "有" } else { "无" }
            ));
            page.push(format!(
                "总分 {score}，阈值 {threshold}（{cohort}；要求 {asked} 的小时超过，实际 {realised}）"
            ));
        }
        Language::English => {
            page.push(format!(
                "independent families that reach {FAMILY_EVIDENCE_MIN}: {}; corroborated by a burst: {}. An alert needs two, or one \
                 that a burst confirms.",
                if families.is_empty() { "none".to_owned() } else { families.join(", ") },
                if burst { "yes" } else { "no" }
            ));
            page.push(format!(
                "score {score}, threshold {threshold} ({cohort}; {asked} of their hours should reach it, {realised} did)"
            ));
        }
    }
    for (name, rest) in &record.counterfactual {
        let (name, rest_score) = (family(*name, language), number(rest.score));
        page.push(match (language, rest.alert) {
            (Language::Chinese, true) => format!("  => 去掉“{name}”后总分 {rest_score}，仍会提示"),
            (Language::Chinese, false) => format!("  => 去掉“{name}”后总分 {rest_score}，不会提示"),
            (Language::English, true) => {
                format!("  => without {name} the score is {rest_score}, still an alert")
            }
            (Language::English, false) => format!("  => without {name} the score is {rest_score}, no alert"),
        });
    }
    if let Some(other) = &record.co_target {
        let (target, actors, expected) = (&other.target, other.actors, number(other.expected));
        page.push(match language {
            Language::Chinese => format!("{actors} 个账号也互动了 {target}；偶然预期 {expected}"),
            Language::English => {
                format!("{actors} accounts also acted on {target}; {expected} expected by chance")
            }
        });
    }
    if !record.actors.is_empty() {
        let shares = record.actors.iter().zip(&record.actor_shares);
        let listed: Vec<String> = shares.map(|(id, part)| format!("{id} ({})", share(part.share))).collect();
        let (listed, others) = (listed.join(", "), record.marked_others);
        page.push(match language {
            Language::Chinese => format!("带标记的互动主要来自：{listed}；其余 {others} 次"),
            Language::English => format!("marked actions are mainly by {listed}; {others} by others"),
        });
    }
}

fn replayed(record: &ScoreRecord) -> String {
    let replay = record.replay();
    if replay.matches {
        return format!("recomputed from this record alone: score {}, bit for bit the same", replay.score);
    }
    format!(
        "RECOMPUTED FROM THIS RECORD ALONE: score {} and alert {} — the record says {} and {}, so it was changed or made by \
         another version",
        replay.score, replay.alert, record.score, record.alert
    )
}
