//! Several items in one request: each judged by itself, and answered in its place.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::answer::{Answer, BatchAnswer, BatchResult};
use super::correlator::Ticket;
use super::elements::elements_under;
use super::problem::{Problem, ProblemCode};
use super::request::{Context, HeldBody};
use super::service::{Service, Waited, utf8};
use crate::engine::Scratch;

impl Service {
    /// Judges a batch: one result for each item, in its order.
    pub(super) async fn check_batch(
        self: &Arc<Self>,
        context: Context,
        body: HeldBody,
    ) -> Result<BatchAnswer, Problem> {
        let items = elements_under(utf8(&body.bytes)?, "items", self.options().batch_items_max)?;
        let items = items.into_iter().map(str::to_owned).collect();
        self.check_items(context, items).await
    }

    /// Judges items, each as JSON.
    pub(super) async fn check_items(
        self: &Arc<Self>,
        context: Context,
        items: Vec<String>,
    ) -> Result<BatchAnswer, Problem> {
        let most = self.options().batch_items_max;
        if items.is_empty() || items.len() > most {
            let detail = format!("batch_items_max: a batch has 1 to {most} items");
            return Err(Problem::new(ProblemCode::InvalidBody, detail).at("/items"));
        }
        context.caller.charge(items.len())?;
        let items = Arc::new(items);
        let (mut waiting, mut handed) = (Vec::new(), Vec::new());
        for _ in items.iter() {
            let (ticket, (deliver, delivered)) = (Arc::new(Ticket::default()), oneshot::channel());
            handed.push((Arc::clone(&ticket), deliver));
            waiting.push((ticket, delivered));
        }
        let (service, shared, of) = (Arc::clone(self), Arc::clone(&items), context.clone());
        let task = move |scratch: &mut Scratch| {
            for (index, (text, ends)) in shared.iter().zip(handed).enumerate() {
                service.submit(&of, (text, Some(index)), scratch, ends);
            }
        };
        self.hand_over(Box::new(task))?;
        let mut results = Vec::with_capacity(items.len());
        for (index, (text, (ticket, delivered))) in items.iter().zip(waiting).enumerate() {
            let waited = self.wait(&context, (text, Some(index)), &ticket, delivered).await;
            results.push(match waited {
                Ok(Waited::Late(answer)) => BatchResult::Answer(answer),
                Ok(Waited::Done(bytes)) => match serde_json::from_slice::<Answer>(&bytes) {
                    Ok(answer) => BatchResult::Answer(Box::new(answer)),
                    Err(e) => BatchResult::Problem(Problem::new(ProblemCode::Internal, e.to_string())),
                },
                Err(mut problem) => {
                    let inside = problem.pointer.take().unwrap_or_default();
                    BatchResult::Problem(problem.at(format!("/items/{index}{inside}")).of(&context.request))
                }
            });
        }
        Ok(BatchAnswer { results })
    }
}
