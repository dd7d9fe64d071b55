//! What campaigns write.

use std::collections::BTreeMap;

use crate::edits::{Edit, apply, spin};
use crate::grammar::{Texts, fill, slots};
use crate::people::{AccountKind, DAY_MS};
use crate::plan::Plan;
use crate::post::{Reference, Source};
use crate::random::Random;
use crate::rhythm::HOUR_MS;

/// Contacts of one campaign are of one kind.
const CONTACTS: [&str; 3] = ["wx", "qq", "link"];
/// Real customers under a post with paid praise, fewest and most.
const CUSTOMERS: (usize, usize) = (0, 8);

/// How the texts of a campaign hang together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wording {
    /// One wording per wave with the same slots; the copies are edited.
    Copies,
    /// One wording per wave, other slots in every post.
    Filled,
    /// Any wording of the trade.
    WholeTrade,
    /// Comments that praise one target.
    Praise,
    /// Long texts of somebody else.
    Articles,
}

/// The writer of one campaign.
#[derive(Debug)]
pub(crate) struct Trade {
    wording: Wording,
    /// The section its lines come from.
    section: String,
    contact_kind: &'static str,
    /// Empty: every post has a contact of its own.
    contacts: Vec<String>,
    /// Slots that stay the same in every copy.
    fixed: BTreeMap<String, String>,
    title: String,
    template: String,
    templates: Vec<String>,
    parent: Option<Reference>,
}

impl Trade {
    pub(crate) fn new(texts: &Texts, random: &mut Random, wording: Wording, contacts: usize) -> Self {
        let contact_kind = random.pick(&CONTACTS);
        let (section, target) = match wording {
            Wording::Praise => {
                let praised = random.pick(texts.lines("praise"));
                let target = texts.line(&format!("praise.target.{praised}"), random);
                (format!("praise.{praised}"), target)
            }
            Wording::Copies | Wording::Filled | Wording::WholeTrade | Wording::Articles => {
                (format!("trade.{}", random.pick(texts.lines("trade"))), String::new())
            }
        };
        Self {
            wording,
            section,
            contact_kind,
            contacts: (0..contacts).map(|_| contact(texts, random, contact_kind)).collect(),
            fixed: BTreeMap::from([
                ("target".to_owned(), target),
                ("hint".to_owned(), texts.line(&format!("hint.{contact_kind}"), random)),
            ]),
            title: String::new(),
            template: String::new(),
            templates: Vec::new(),
            parent: None,
        }
    }

    /// Chooses what the next wave is about, and plans what it refers to.
    pub(crate) fn begin_wave(&mut self, plan: &mut Plan<'_>, random: &mut Random, from_ms: i64) {
        match self.wording {
            // Some campaigns keep one wording for all waves.
            Wording::Copies | Wording::Filled if !self.template.is_empty() && random.chance(0.4) => return,
            Wording::Copies => self.template = plan.texts.line(&self.section, random),
            Wording::Filled => self.template = form(plan.texts, random, &self.section),
            Wording::WholeTrade => self.template.clone_from(&self.section),
            Wording::Praise => {
                self.template.clone_from(&self.section);
                // The next wave may come to another post.
                if self.parent.is_none() || random.chance(0.4) {
                    self.promote(plan, random, from_ms);
                }
            }
            Wording::Articles => self.find_article(plan, random, from_ms),
        }
        self.templates.push(self.template.clone());
    }

    /// The shop's own post, under which praise is bought, and what real customers say there.
    fn promote(&mut self, plan: &mut Plan<'_>, random: &mut Random, from_ms: i64) {
        let owner = plan.population.residents(random, 1, |person| person.kind == AccountKind::Organisation);
        let Some(&owner) = owner.first() else { return };
        let target = self.fixed.get("target").cloned().unwrap_or_default();
        let text = format!("{target}：{}", plan.texts.line("org.post", random));
        let source = Source::Background("promotion");
        let post = plan.draft(random, owner, from_ms - HOUR_MS, text, source);
        let parent = plan.put(post);
        let customers = random.count(CUSTOMERS);
        for author in plan.population.residents(random, customers, |person| person.registered_ms < from_ms) {
            let time_ms = from_ms + random.between(0, DAY_MS);
            let text = plan.texts.line("praise.real", random);
            let mut post = plan.draft(random, author, time_ms, text, Source::Background("comment"));
            (post.parent, post.surface) = (Some(parent), "comment");
            plan.put(post);
        }
        self.parent = Some(parent);
    }

    /// An article of an innocent author, published hours before.
    fn find_article(&mut self, plan: &mut Plan<'_>, random: &mut Random, from_ms: i64) {
        let texts = plan.texts;
        self.title = texts.line("article.title", random);
        let mut paragraphs = texts.lines("article.paragraph").to_vec();
        random.shuffle(&mut paragraphs);
        paragraphs.truncate(random.count((3, 6)));
        let mut parts = vec![texts.line("article.opening", random)];
        parts.extend(paragraphs.iter().map(|paragraph| texts.expand(paragraph, random)));
        parts.push(texts.line("article.ending", random));
        self.template = parts.join("\n");
        let published_ms = from_ms - random.between(HOUR_MS, 20 * HOUR_MS);
        let authors = plan.population.residents(random, 1, |person| person.registered_ms < published_ms);
        for author in authors {
            let source = Source::Background("article");
            let mut post = plan.draft(random, author, published_ms, self.template.clone(), source);
            post.title.clone_from(&self.title);
            post.surface = "article";
            plan.put(post);
        }
    }

    /// Title and text of the next post.
    pub(crate) fn write(
        &mut self,
        texts: &Texts,
        random: &mut Random,
        edits: (usize, usize),
    ) -> (String, String) {
        let template = match self.wording {
            Wording::WholeTrade | Wording::Praise => texts.line(&self.section, random),
            Wording::Articles if random.chance(0.5) => {
                format!("{}\n{}", self.template, texts.line("article.hook", random))
            }
            Wording::Copies | Wording::Filled | Wording::Articles => self.template.clone(),
        };
        let contact = if self.contacts.is_empty() {
            contact(texts, random, self.contact_kind)
        } else {
            self.contacts[random.below(self.contacts.len())].clone()
        };
        let text = fill(&template, |name| self.value(texts, random, name, &contact));
        let count = random.count(edits);
        let text = match self.wording {
            Wording::Articles if count > 0 => apply(texts, random, &text, Edit::Synonyms),
            Wording::Copies | Wording::Filled | Wording::WholeTrade | Wording::Praise => {
                spin(texts, random, &text, count)
            }
            Wording::Articles => text,
        };
        (self.title.clone(), text)
    }

    /// What stands in a slot.
    fn value(&mut self, texts: &Texts, random: &mut Random, name: &str, contact: &str) -> String {
        match (name, self.wording) {
            // Announced differently only where the wording differs too.
            ("contact", Wording::WholeTrade) => {
                texts.line(&format!("hint.{}", self.contact_kind), random) + contact
            }
            ("contact", _) => format!("{}{contact}", self.fixed.get("hint").map_or("", String::as_str)),
            (_, Wording::Filled | Wording::WholeTrade) => texts.line(name, random),
            (_, Wording::Copies | Wording::Praise | Wording::Articles) => {
                self.fixed.entry(name.to_owned()).or_insert_with(|| texts.line(name, random)).clone()
            }
        }
    }

    pub(crate) fn surface(&self) -> &'static str {
        match self.wording {
            Wording::Copies | Wording::Filled | Wording::WholeTrade => "post",
            Wording::Praise => "comment",
            Wording::Articles => "article",
        }
    }

    /// The post under which everything is written.
    pub(crate) fn parent(&self) -> Option<Reference> {
        self.parent
    }

    pub(crate) fn templates(self) -> Vec<String> {
        self.templates
    }
}

/// A wording with more to fill in than the contact.
fn form(texts: &Texts, random: &mut Random, section: &str) -> String {
    let lines = texts.lines(section).iter().copied();
    let forms: Vec<&str> = lines.filter(|line| slots(line).any(|name| name != "contact")).collect();
    texts.expand(random.pick(&forms), random)
}

/// A contact of a kind.
fn contact(texts: &Texts, random: &mut Random, kind: &str) -> String {
    texts.line(&format!("contact.{kind}"), random)
}
