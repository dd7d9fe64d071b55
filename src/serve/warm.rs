//! What is made at first use is made before the first request.

use crate::engine::{Bundle, Scratch, Shard, Trace, correlate, evaluate, samples};
use crate::model::Item;

/// One of so many samples is judged.
const STEP: usize = 16;

/// Judges some of the samples, beside any window. Word lists and tables that come to be then take a tenth of a second.
pub(super) fn warm_up(bundle: &Bundle) {
    let (mut scratch, mut shard) = (Scratch::default(), Shard::new(bundle));
    for line in samples().lines().step_by(STEP) {
        // The tests hold that all samples can be judged; one that cannot costs the first request its time.
        let Ok(item) = Item::from_json(line) else { continue };
        let Ok(outcome) = evaluate(bundle, &item, &mut scratch) else { continue };
        let trace = Trace::of(bundle, &item, item.id.as_ref(), &mut scratch);
        correlate(bundle, &mut shard, &trace, outcome.verdict);
    }
}
