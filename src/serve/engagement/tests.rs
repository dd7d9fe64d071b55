//! The parts of the engagement stream with a clock and a queue that the test holds.

use std::sync::atomic::Ordering;

use crossbeam_channel::Receiver;
use tokio::sync::oneshot;

use super::*;
use crate::engine::embedded_files;
use crate::serve::access::Caller;
use crate::serve::idempotency::Recent;
use crate::serve::roster::Roster;

/// A bundle with small tables, in which every score is told.
fn bundle() -> Arc<Bundle> {
    let mut files = embedded_files();
    let policy = files.iter_mut().find(|file| file.path == "policy.toml").unwrap();
    policy.text = policy
        .text
        .replace("targets_max = 10000000", "targets_max = 1000")
        .replace("actors_max = 50000000", "actors_max = 1000")
        .replace("names_megabytes_max = 64", "names_megabytes_max = 1")
        .replace("reach = 0.5", "reach = 0.0");
    Arc::new(Bundle::load(&files, jiff::civil::date(2026, 11, 21)).unwrap())
}

/// An engagement stream whose detector is a worker that the test drives.
struct Held {
    engagement: Engagement,
    worker: Worker,
    queue: Receiver<Message>,
}

impl Held {
    fn start(options: &ServeOptions, bundle: &Arc<Bundle>) -> Self {
        let (log, _) = Log::open(options.log.clone(), Clock::now_ms).unwrap();
        let books = Books { keys: Mutex::new(Keys::new(9, 9)), decisions: Mutex::new(Recent::new(9)) };
        let parts = (Arc::new(log), Arc::new(books), Arc::new(Metrics::new().unwrap()));
        let (journal, _) = Log::open(journal::options(&options.data_dir), Clock::now_ms).unwrap();
        let mut worker = Worker::new(options, bundle, parts);
        assert_eq!(worker.recover(options).unwrap(), "");
        let (sender, queue) = bounded(100);
        worker.shared.open(journal, sender);
        let (shared, metrics) = (Arc::clone(&worker.shared), Arc::clone(&worker.metrics));
        let (settings, thread, stop) = (Arc::clone(bundle), Mutex::default(), Mutex::default());
        Self { engagement: Engagement { settings, shared, metrics, thread, stop }, worker, queue }
    }

    fn tell(&self, text: &str, key: Option<&str>) -> Delivery {
        let context = Context {
            request: String::new(),
            caller: Caller::local(),
            deadline: tokio::time::Instant::now(),
            patience: std::time::Duration::ZERO,
            key: key.map(str::to_owned),
            reason: String::new(),
            roster: Arc::new(Roster::of(Arc::clone(&self.engagement.settings))),
        };
        let (deliver, delivered) = oneshot::channel();
        self.engagement.submit(&context, (Form::Lines, text), Arc::clone(&self.engagement.settings), deliver);
        delivered.blocking_recv().unwrap()
    }

    /// Counts what waits.
    fn count(&mut self) {
        while let Ok(message) = self.queue.try_recv() {
            self.worker.take(message).unwrap();
        }
    }

    /// Looks at the clock, and takes in what comes of it.
    fn listen(&mut self, now_ms: i64) -> bool {
        self.worker.listen(now_ms);
        // Asked again before that has gone through the journal, it tells nothing twice.
        self.worker.listen(now_ms);
        let is_due = self.worker.saves.is_clock_pending.load(Ordering::Acquire);
        if is_due {
            let message = self.queue.recv().unwrap();
            self.worker.take(message).unwrap();
        }
        assert!(self.queue.is_empty());
        is_due
    }

    /// Ends without saving, as a crash does.
    fn crash(self) {
        self.engagement.shared.close();
    }
}

/// So many reads of `a1`, one a second from a time on.
fn reads(from_ms: i64, count: i64) -> String {
    let read = |n: i64| {
        let time = from_ms + n * 1000;
        format!(r#"{{"type":"engagement","time":{time},"kind":"read","actor":"u{n}","target":"a1"}}"#)
    };
    (0..count).map(read).collect::<Vec<_>>().join("\n")
}

#[test]
fn when_the_stream_falls_silent_the_clock_closes_its_hour_and_a_restart_gives_the_same() {
    const HOUR_MS: i64 = 3_600_000;
    let (dir, bundle) = (tempfile::tempdir().unwrap(), bundle());
    let options = ServeOptions::new(dir.path());
    let mut held = Held::start(&options, &bundle);
    // At least half an hour behind the clock, and less than a whole one.
    let now_ms = Clock::now_ms();
    let from_ms = (now_ms - HOUR_MS / 2) / (HOUR_MS / 2) * (HOUR_MS / 2) + 60_000;
    held.tell(&reads(from_ms, 5), None).unwrap();
    held.count();
    assert!(!held.listen(now_ms), "events may still be on their way");
    assert_eq!(held.engagement.scores_of("a1"), None);
    // The hour before the events may be open, too.
    let moves = (0..9).take_while(|_| held.listen(now_ms + 3 * HOUR_MS)).count();
    assert!((1..=2).contains(&moves), "{moves}");
    let scores = held.engagement.scores_of("a1").unwrap();
    assert_eq!((scores.scores.len(), scores.scores[0].record.events), (1, 5));
    assert!(!held.listen(now_ms + 99 * HOUR_MS), "an hour without events needs no end");
    held.crash();
    let held = Held::start(&options, &bundle);
    assert_eq!(held.engagement.scores_of("a1"), Some(scores));
    held.crash();
}

#[test]
fn a_bulk_that_finds_no_room_is_refused_and_may_be_sent_again() {
    let (dir, bundle) = (tempfile::tempdir().unwrap(), bundle());
    let options = ServeOptions { engagement_queue_max: 10, ..ServeOptions::new(dir.path()) };
    let mut held = Held::start(&options, &bundle);
    let (bulk, more) = (reads(1_793_491_200_000, 6), reads(1_793_491_300_000, 5));
    held.tell(&bulk, None).unwrap();
    let refused = held.tell(&more, Some("k")).unwrap_err();
    assert_eq!((refused.code, refused.retryable), (ProblemCode::Overloaded, true));
    assert_eq!(held.engagement.waiting(), 6);
    held.count();
    assert_eq!(held.engagement.waiting(), 0);
    let answer = held.tell(&more, Some("k")).unwrap();
    assert_eq!(held.tell(&more, Some("k")).unwrap(), answer);
    held.count();
    assert_eq!(held.worker.ledger.as_ref().unwrap().report().counts.events, 11);
    held.crash();
}

#[test]
fn a_saved_state_lets_the_journal_go_and_goes_on_with_keys_and_scores() {
    let (dir, bundle) = (tempfile::tempdir().unwrap(), bundle());
    let options = ServeOptions::new(dir.path());
    let mut held = Held::start(&options, &bundle);
    held.tell(&reads(1_793_491_200_000, 6), Some("k")).unwrap();
    held.tell(&reads(1_793_500_200_000, 4), None).unwrap();
    held.count();
    held.worker.save().unwrap();
    let scores = held.engagement.scores_of("a1").unwrap();
    held.tell(&reads(1_793_500_300_000, 3), None).unwrap();
    held.crash();
    let mut held = Held::start(&options, &bundle);
    assert_eq!(held.engagement.scores_of("a1"), Some(scores));
    held.tell(&reads(1_793_491_200_000, 6), Some("k")).unwrap();
    held.count();
    assert_eq!(held.worker.ledger.as_ref().unwrap().report().counts.events, 13);
    held.crash();
    // With other limits it begins anew, and says so.
    let mut files = embedded_files();
    let policy = files.iter_mut().find(|file| file.path == "policy.toml").unwrap();
    policy.text = policy.text.replace("alarm_rate = 0.001", "alarm_rate = 0.01");
    let other = Arc::new(Bundle::load(&files, jiff::civil::date(2026, 11, 21)).unwrap());
    let (log, _) = Log::open(options.log.clone(), Clock::now_ms).unwrap();
    let books = Books { keys: Mutex::new(Keys::new(9, 9)), decisions: Mutex::new(Recent::new(9)) };
    let parts = (Arc::new(log), Arc::new(books), Arc::new(Metrics::new().unwrap()));
    let lost = Worker::new(&options, &other, parts).recover(&options).unwrap();
    assert!(lost.contains("another configuration"), "{lost}");
}
