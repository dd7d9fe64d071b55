//! qingliu (清流): content moderation for Chinese platforms. A post, a comment or a profile goes in; an explained,
//! versioned, appealable decision comes out.
//!
//! The modules stand in the order of the data's way, and each imports only from above:
//!
//! 1. [`model`]: what is judged and what comes out.
//! 2. [`text`]: bytes → folded text with the way back; contacts and addresses. [`segment`]: word boundaries.
//! 3. [`lexicon`]: dictionary files → terms and rules → hits. [`neardup`]: texts → who wrote nearly the same.
//!    [`originals`]: articles → from whom they are copied.
//!    [`engagement`]: who did what to whom → a score per target and hour, with all its numbers.
//! 4. [`decide`]: hits → points → verdict, reasons, what-if.
//! 5. [`engine`]: the order of the stages; a bundle is one version of everything that judges.
//! 6. [`intake`], [`emit`], [`store`], [`telemetry`]: files, disks, clocks.
//! 7. [`rescan`], [`serve`], [`config`], [`cli`]: batch runs, the service, commands.
//!
//! ```
//! use qingliu::engine::{Bundle, Scratch, decision, embedded_files, evaluate};
//! use qingliu::model::{Item, Verdict};
//!
//! let bundle = Bundle::load(&embedded_files(), jiff::civil::date(2026, 11, 21))?;
//! let mut scratch = Scratch::default();
//! let item = Item::from_text("今天的包子真好吃，下次还来");
//! let outcome = evaluate(&bundle, &item, &mut scratch)?;
//! assert_eq!(outcome.verdict, Verdict::Pass);
//! let decision = decision(&bundle, &item, "p1", &scratch);
//! assert!(decision.evidence.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod cli;
pub mod config;
pub mod coordination;
pub mod decide;
pub mod emit;
pub mod engagement;
pub mod engine;
pub mod intake;
pub mod lexicon;
mod lines;
pub mod model;
pub mod neardup;
pub mod originals;
pub mod rescan;
pub mod saved;
pub mod segment;
pub mod serve;
mod special;
pub mod store;
pub mod telemetry;
pub mod text;
