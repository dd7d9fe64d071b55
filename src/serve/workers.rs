//! Threads for what takes longer than a request may hold its own: long texts and batches.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Sender, bounded};

use crate::engine::Scratch;

/// Something to do with a lent scratch.
pub(super) type Task = Box<dyn FnOnce(&mut Scratch) + Send>;

/// A fixed number of threads with one bounded queue.
#[derive(Debug)]
pub(super) struct Workers {
    sender: Option<Sender<Task>>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts the threads.
    pub(super) fn start(threads: usize, queue_max: usize) -> std::io::Result<Self> {
        let (sender, receiver) = bounded::<Task>(queue_max);
        let mut started = Vec::new();
        for number in 0..threads.max(1) {
            let receiver = receiver.clone();
            let run = move || {
                let mut scratch = Scratch::default();
                for task in receiver {
                    // A defect that one item uncovers must not take the thread from all others.
                    if catch_unwind(AssertUnwindSafe(|| task(&mut scratch))).is_err() {
                        scratch = Scratch::default();
                    }
                }
            };
            started.push(thread::Builder::new().name(format!("worker-{number}")).spawn(run)?);
        }
        Ok(Self { sender: Some(sender), threads: started })
    }

    /// No threads: takes nothing.
    pub(super) fn none() -> Self {
        Self { sender: None, threads: Vec::new() }
    }

    /// Hands a task over; false if the queue is full.
    pub(super) fn run(&self, task: Task) -> bool {
        self.sender.as_ref().is_some_and(|sender| sender.try_send(task).is_ok())
    }

    /// Tasks that wait.
    pub(super) fn queued(&self) -> usize {
        self.sender.as_ref().map_or(0, Sender::len)
    }
}

impl Drop for Workers {
    /// Does what waits and ends the threads.
    fn drop(&mut self) {
        self.sender = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
