//! How often judging an item asks the heap for memory, counted per thread.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
#![allow(
    unsafe_code,
    reason = "only a global allocator sees every request for memory, and its trait is unsafe"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use qingliu::engine::{Bundle, Outcome, Scratch, embedded_files, evaluate, inspect, samples};
use qingliu::model::{Field, Item, Verdict};

/// Most requests per item of a warm `evaluate` over the samples, on average; 3.996 are measured. A third of the samples violates; most
/// requests come from tokenising around hits of terms in mode `word`.
const MIXED_REQUESTS_MAX: f64 = 4.0;

/// Counts requests of the current thread and hands them to the system.
struct Counting;

thread_local! {
    static REQUESTS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // The counter is gone while a thread ends; nobody counts then.
    let _ = REQUESTS.try_with(|requests| requests.set(requests.get() + 1));
}

// SAFETY: every call goes to `System` unchanged. Counting allocates nothing: the counter is a constant-initialised
// thread local without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Requests for memory that `work` makes on this thread, and what it returns.
fn requests<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = REQUESTS.get();
    let result = work();
    (REQUESTS.get() - before, result)
}

fn bundle() -> Bundle {
    Bundle::load(&embedded_files(), jiff::civil::date(2026, 11, 21)).expect("the shipped bundle loads")
}

/// Sentences in which no term, cue or contact occurs.
const CLEAN: [&str; 5] = [
    "窗外的桂花开了，风吹过竹林，沙沙作响。",
    "树叶铺满了石阶。",
    "Rain fell softly on the hills. 雨停了，院子里的蜗牛在爬墙。",
    "冰箱里的剩菜🐱💤",
    "第３章：河流與山脈的形成🙂",
];

/// Fewest of the shipped samples in which nothing occurs either.
const CLEAN_SAMPLES_MIN: usize = 20;

fn evaluate_all(bundle: &Bundle, items: &[Item<'_>], scratch: &mut Scratch) -> Vec<Outcome> {
    items.iter().map(|item| evaluate(bundle, item, scratch).expect("within the limits")).collect()
}

#[test]
fn the_counter_sees_what_this_thread_asks_for() {
    assert_eq!(requests(|| 1 + 1), (0, 2));
    let (count, text) = requests(|| "x".repeat(100));
    assert_eq!((count, text.len()), (1, 100));
    let (count, ()) = requests(|| std::thread::scope(|scope| drop(scope.spawn(|| vec![0; 100]).join())));
    let (other, ()) = requests(|| std::thread::scope(|scope| drop(scope.spawn(|| vec![0; 1000]).join())));
    assert_eq!(count, other, "what another thread asks for is not counted");
}

/// Whether nothing hits: no term, no contact, no rule.
fn is_silent(bundle: &Bundle, item: &Item<'_>, scratch: &mut Scratch) -> bool {
    let matches = inspect(bundle, item, scratch).expect("within the limits").matches;
    matches.hits.is_empty() && matches.slots.is_empty() && matches.rules.is_empty()
}

/// Whether nothing hits, and nothing had to be tokenised to tell.
fn is_clean(bundle: &Bundle, item: &Item<'_>, scratch: &mut Scratch) -> bool {
    let is_silent = is_silent(bundle, item, scratch);
    is_silent && scratch.findings().matches.weighed == 0
}

#[test]
fn a_clean_post_is_inspected_and_evaluated_without_a_heap_allocation() {
    let (bundle, mut scratch) = (bundle(), Scratch::default());
    let texts: Vec<String> = [0, 1, 2, 10, 200].iter().map(|times| CLEAN.concat().repeat(*times)).collect();
    let texts = CLEAN.iter().copied().chain(texts.iter().map(String::as_str));
    let mut items: Vec<Item<'_>> = texts.map(Item::from_text).collect();
    let fields = vec![Field { name: "bio".into(), text: CLEAN[1].into() }];
    items.push(Item { title: CLEAN[0].into(), fields, ..Item::from_text(CLEAN[2]) });
    for item in &items {
        assert!(is_silent(&bundle, item, &mut scratch), "something hits in {:?}", item.text);
    }
    items.retain(|item| is_clean(&bundle, item, &mut scratch));
    let own = items.len();
    assert!(own >= CLEAN.len(), "only {own} of the sentences need no tokeniser");
    items.extend(samples().lines().map(|line| Item::from_json(line).unwrap()));
    items.retain(|item| is_clean(&bundle, item, &mut scratch));
    assert!(items.len() >= own + CLEAN_SAMPLES_MIN, "only {} clean samples", items.len() - own);
    // By now the buffers have grown to the longest item.
    evaluate_all(&bundle, &items, &mut scratch);
    for item in &items {
        let (asked, is_ok) = requests(|| inspect(&bundle, item, &mut scratch).is_ok());
        assert_eq!((asked, is_ok), (0, true), "inspect {}: {:?}", item.id, item.text);
        let (asked, outcome) = requests(|| evaluate(&bundle, item, &mut scratch).unwrap());
        assert_eq!(
            (asked, outcome.verdict, outcome.top),
            (0, Verdict::Pass, None),
            "evaluate: {:?}",
            item.text
        );
    }
}

#[test]
fn mixed_posts_stay_below_the_average_budget() {
    let (bundle, mut scratch) = (bundle(), Scratch::default());
    let items: Vec<Item<'_>> = samples().lines().map(|line| Item::from_json(line).unwrap()).collect();
    assert!(items.len() >= 1000, "{}", items.len());
    evaluate_all(&bundle, &items, &mut scratch);
    let (asked, outcomes) = requests(|| evaluate_all(&bundle, &items, &mut scratch));
    assert!(outcomes.iter().any(|outcome| outcome.verdict == Verdict::Block));
    #[expect(clippy::cast_precision_loss, reason = "a thousand items ask for far fewer than 2^52")]
    let average = asked as f64 / items.len() as f64;
    assert!(average <= MIXED_REQUESTS_MAX, "{average} requests per item, the budget is {MIXED_REQUESTS_MAX}");
}
