//! Families of time: bursts, rhythm.

use super::super::background::{Background, HOUR_MS, MINUTE_MS};
use super::super::cluster::Member;
use super::super::tail;
use super::{Family, FamilyKind, count};

/// Spans in which bursts are looked for.
const SPANS_MS: [i64; 4] = [MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS];

/// A scan statistic: the most first posts of accounts in any span, against the share of a day's posts that the span
/// holds, corrected for the spans that were tried.
pub(super) fn burst(posts: &[&Member], background: &Background) -> Option<Family> {
    let posts = timed(posts)?;
    let n = count(posts.len());
    let mut best: Option<Family> = None;
    for span in SPANS_MS {
        let mut start = 0;
        let mut most = (0, 0, 0);
        for (end, post) in posts.iter().enumerate() {
            while post.time_ms.saturating_sub(posts[start].time_ms) > span {
                start += 1;
            }
            most = most.max((end + 1 - start, start, end + 1));
        }
        let (k, from, to) = most;
        if k < 2 {
            continue;
        }
        let share = background.share_of_day(posts[to - 1].time_ms, span);
        // Any post may set the place of a span, the others fall into it or not.
        let tried = f64::from(n) * f64::from(count(SPANS_MS.len()));
        let evidence = tail::binomial(count(k - 1), n - 1, share) - tried.log10();
        if best.as_ref().is_none_or(|best| evidence > best.evidence) {
            let family = Family::new(FamilyKind::Burst, evidence, (count(k), n, share), &posts[from..to]);
            best = Some(Family { span_ms: Some(span), ..family });
        }
    }
    best
}

/// The posts with a time of their own; none where all have the same one, as in an export by days.
fn timed<'m>(posts: &[&'m Member]) -> Option<Vec<&'m Member>> {
    let timed: Vec<&Member> = posts.iter().filter(|post| post.has_time).copied().collect();
    (timed.last()?.time_ms > timed.first()?.time_ms).then_some(timed)
}

pub(super) fn rhythm(posts: &[&Member]) -> Option<Family> {
    let posts = &timed(posts)?;
    #[allow(clippy::cast_precision_loss, reason = "milliseconds")]
    let gaps: Vec<f64> =
        posts.windows(2).map(|pair| pair[1].time_ms.saturating_sub(pair[0].time_ms) as f64).collect();
    let n = count(posts.len());
    let evidence = tail::evenness(&gaps);
    Some(Family::new(FamilyKind::Rhythm, evidence, (n, n, 0.0), posts))
}
