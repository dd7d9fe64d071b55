//! What the service does to its log beside writing it: finding decisions again, forgetting their words.

use super::service::Service;
use crate::emit::Cursor;
use crate::store::find::index_one;
use crate::store::log::purge;
use crate::telemetry::Clock;

pub(super) const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Name of the file that says through which segment private parts have been taken out.
const PURGED: &str = "purged";

impl Service {
    /// Makes the index of one sealed segment, and takes the authors' words out of those that are old enough. What fails is tried
    /// again the next time; `qingliu log --verify` names what is damaged.
    pub(super) fn look_after_log(&self) {
        self.try_log_again();
        let options = self.options();
        let _ = index_one(&options.log.dir);
        if options.text_days == 0 {
            return;
        }
        let cursor = Cursor::new(&options.data_dir, PURGED);
        // Without a cursor everything is looked at once more.
        let through: u64 = cursor.read().ok().flatten().unwrap_or(0);
        let before_ms = Clock::now_ms().saturating_sub(i64::from(options.text_days) * DAY_MS);
        if let Ok(purged) = purge(&options.log.dir, through + 1, before_ms)
            && purged.through > through
        {
            let _ = cursor.write(&purged.through);
        }
    }

    /// Tries whether the log can be written again. Whoever obeys `/readyz` sends no requests meanwhile that would try it.
    fn try_log_again(&self) {
        if !self.log().is_failing() {
            return;
        }
        // If it still cannot, that is what `/readyz` goes on saying.
        let _ = self.note("log_available", "", "the log could not be written before");
    }
}
