//! Threads for what takes longer than a request may hold its own: long texts and batches.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Sender, bounded};

use crate::engine::Scratch;

/// Something to do with a lent scratch.
pub(super) type Task = Box<dyn FnOnce(&mut Scratch) + Send>;

/// A fixed number of threads with one bounded queue. Nothing in the queue ends one thread.
#[derive(Debug)]
pub(super) struct Workers {
    sender: Sender<Option<Task>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Workers {
    /// Starts the threads.
    pub(super) fn start(threads: usize, queue_max: usize) -> std::io::Result<Self> {
        let (sender, receiver) = bounded::<Option<Task>>(queue_max);
        let mut started = Vec::new();
        for number in 0..threads.max(1) {
            let receiver = receiver.clone();
            let run = move || {
                let mut scratch = Scratch::default();
                while let Ok(Some(task)) = receiver.recv() {
                    // A defect that one item uncovers must not take the thread from all others.
                    if catch_unwind(AssertUnwindSafe(|| task(&mut scratch))).is_err() {
                        scratch = Scratch::default();
                    }
                }
            };
            started.push(thread::Builder::new().name(format!("worker-{number}")).spawn(run)?);
        }
        Ok(Self { sender, threads: Mutex::new(started) })
    }

    /// Hands a task over; false if the queue is full.
    pub(super) fn run(&self, task: Task) -> bool {
        self.sender.try_send(Some(task)).is_ok()
    }

    /// Tasks that wait.
    pub(super) fn queued(&self) -> usize {
        self.sender.len()
    }

    /// Does what waits and ends the threads.
    pub(super) fn finish(&self) {
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for _ in &threads {
            // It fails only when all threads have ended.
            let _ = self.sender.send(None);
        }
        for thread in threads {
            let _ = thread.join();
        }
    }
}
