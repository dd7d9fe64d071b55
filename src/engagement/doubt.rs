//! Doubt about the first times of a stream: one clock that is years ahead must not make everything after it late.

use serde::{Deserialize, Serialize};

/// Times that have to agree before the newest one is beyond doubt, and so many in a row far behind it prove it wrong.
const AGREEING_MIN: u32 = 8;

/// What speaks for the newest time, and what against it. Mirrors the clock of the content stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Doubt {
    /// Times that were near the newest one, up to [`AGREEING_MIN`].
    agreeing: u32,
    /// Times in a row that are far behind it and near each other, and the newest of these.
    behind: u32,
    behind_s: u32,
}

impl Doubt {
    /// Whether the newest time was a wrong one: fewer than [`AGREEING_MIN`] times agreed with it, and with this one as many in a row
    /// are more than `far_s` behind it. The stream has to begin anew then. O(1).
    pub(super) fn was_wrong(&mut self, time_s: u32, newest_s: u32, far_s: u32) -> bool {
        if self.agreeing >= AGREEING_MIN {
            return false;
        }
        if newest_s == 0 || time_s >= newest_s.saturating_sub(far_s) {
            // What is far ahead is doubted by whoever moves the newest time.
            if newest_s == 0 || time_s <= newest_s.saturating_add(far_s) {
                self.agreeing += 1;
            }
            self.behind = 0;
            return false;
        }
        let is_near = self.behind > 0 && time_s.abs_diff(self.behind_s) <= far_s;
        (self.behind, self.behind_s) =
            if is_near { (self.behind + 1, self.behind_s.max(time_s)) } else { (1, time_s) };
        self.behind >= AGREEING_MIN
    }

    /// So many agree that the newest time is beyond doubt.
    pub(super) fn settle(&mut self) {
        self.agreeing = AGREEING_MIN;
    }
}
