//! The articles of the last weeks, filed under their prints.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::document::Document;
use super::limits::{
    ARTICLES_MAX, CANDIDATES_MAX, COMMON_ARTICLES, CONTAINED_MIN, KEPT_SHARE_MAX, MATCHED_PRINTS_MIN,
    OriginalLimits, PRINTS_PER_ARTICLE, PRINTS_PER_DOCUMENT_MAX, QUOTED_SHARE_MAX, SHARING_ACCOUNTS,
    SPARED_MAX,
};
use super::passages::{passages, runs};
use super::{Copied, Submission};

/// One article that is filed.
#[derive(Debug, Serialize, Deserialize)]
struct Article {
    item: String,
    account: String,
    account_key: u64,
    subject: Option<u64>,
    is_organisation: bool,
    time_ms: i64,
    /// The time that its place in the queue stands for.
    filed_ms: i64,
    /// When it, or a copy of it, was published last.
    last_ms: i64,
    /// Distinct grams, and prints before stock phrases were left out.
    grams: u32,
    prints: u32,
    /// Postings of its own: the first ones of the queue are the oldest article's.
    postings: u32,
    /// Other accounts that published the same and credited nobody; no more than matter.
    sharers: Vec<u64>,
    /// Whether it was published again, by whomever, since it was filed.
    is_fresh: bool,
    /// Prints in common with the text that is being looked at; 0 in between.
    #[serde(skip)]
    matched: u32,
}

/// One print of one article. The prints of an article stand one behind the other.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Posting {
    gram: u32,
    /// Number of the article, modulo 2³².
    article: u32,
    /// How many postings back the next older one of the same gram is; 0 for none.
    back: u32,
}

/// Articles by their prints, bounded in number and in event time.
///
/// Owned by one thread; the same submissions in the same order give the same answers. Some 30 bytes per print, that is
/// six per character of the articles in it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct Originals {
    limits: OriginalLimits,
    articles: VecDeque<Article>,
    /// Number of the oldest article, modulo 2³².
    first_article: u32,
    postings: VecDeque<Posting>,
    /// Number of the oldest posting, modulo 2³².
    first_posting: u32,
    newest_ms: i64,
    /// The newest posting of each gram.
    #[serde(skip)]
    newest: HashMap<u32, u32>,
}

/// What is saved of an index: everything but what its postings say again.
#[derive(Deserialize)]
struct Saved {
    limits: OriginalLimits,
    articles: VecDeque<Article>,
    first_article: u32,
    postings: VecDeque<Posting>,
    first_posting: u32,
    newest_ms: i64,
}

impl TryFrom<Saved> for Originals {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let Saved { limits, articles, first_article, postings, first_posting, newest_ms } = saved;
        let filed: u64 = articles.iter().map(|article| u64::from(article.postings)).sum();
        if filed != postings.len() as u64 {
            return Err("the articles have other prints than there are".to_owned());
        }
        let places = (0_u32..).map(|place| first_posting.wrapping_add(place));
        let newest = postings.iter().zip(places).map(|(posting, place)| (posting.gram, place)).collect();
        Ok(Self { limits, articles, first_article, postings, first_posting, newest_ms, newest })
    }
}

/// An article that has prints in common with a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matched {
    pub(super) prints: u32,
    /// Where it lies in the queue, the oldest first.
    pub(super) place: usize,
    number: u32,
}

/// How much of a text and of an earlier article are the same.
#[derive(Clone, Copy, Debug)]
struct Resemblance {
    article: u32,
    share: f64,
    share_of_original: f64,
}

impl Resemblance {
    fn contained(&self) -> f64 {
        self.share.max(self.share_of_original)
    }
}

impl Originals {
    /// An index without articles. Takes no memory until there are some.
    pub fn new(limits: OriginalLimits) -> Self {
        let articles = limits.articles.clamp(1, ARTICLES_MAX);
        Self {
            limits: OriginalLimits { articles, ..limits },
            articles: VecDeque::new(),
            first_article: 0,
            postings: VecDeque::new(),
            first_posting: 0,
            newest_ms: i64::MIN,
            newest: HashMap::new(),
        }
    }

    /// Articles that are filed.
    pub fn articles(&self) -> usize {
        self.articles.len()
    }

    /// Prints that are filed.
    pub fn prints(&self) -> usize {
        self.postings.len()
    }

    /// Looks an article up among the earlier ones and files it where it is an original. The copied original, if it is a copy
    /// that credits nobody.
    ///
    /// Every gram of the text is asked for, of which an earlier article has filed a sample: the share of the sample that is
    /// found estimates the share of the whole without bias. O(grams), at most [`COMMON_ARTICLES`] steps each.
    pub fn observe(&mut self, new: &Submission<'_>) -> Option<Copied> {
        let author = new.account_key?;
        self.newest_ms = self.newest_ms.max(new.time_ms);
        self.forget_old();
        let resembling = self.resembling(new.document);
        let is_own = |article: &Article| {
            article.account_key == author || (new.subject.is_some() && article.subject == new.subject)
        };
        let own = resembling.iter().filter(|r| self.article(r.article).is_some_and(is_own));
        let own_share = own.map(|r| r.share).fold(0.0, f64::max);
        let best = resembling.iter().find(|r| {
            let is_earlier =
                |article: &Article| !is_own(article) && article.time_ms <= new.time_ms && is_finding(r);
            self.article(r.article).is_some_and(is_earlier)
        });
        // Who repeats a text of their own copies nobody, whoever else has copied it meanwhile.
        let best = best.filter(|best| best.share > own_share).copied();
        let known = resembling.iter().filter(|r| r.share > KEPT_SHARE_MAX);
        let known = known.map(|r| r.article).min_by_key(|number| self.place(*number));
        let found = best.and_then(|best| self.judge(new, author, &best));
        match known {
            Some(known) => self.touch(known, new.time_ms),
            // Whose words a credited text repeats, is not in it.
            None if new.document.is_attributed() => {}
            None => self.file(new, author),
        }
        found
    }

    /// What a copy is worth telling, and counts it.
    fn judge(&mut self, new: &Submission<'_>, author: u64, best: &Resemblance) -> Option<Copied> {
        if new.document.is_attributed() {
            return None;
        }
        let index = self.place(best.article);
        let article = self.articles.get_mut(index)?;
        let is_shared = article.sharers.len() >= SHARING_ACCOUNTS;
        if !is_shared && !article.sharers.contains(&author) {
            article.sharers.push(author);
        }
        let is_syndicated = article.is_organisation && new.is_organisation;
        if is_shared || is_syndicated {
            return None;
        }
        let (of, account) = (article.item.clone(), article.account.clone());
        let prints = self.prints_of(best.article);
        let copied = runs(&new.document.grams, |gram| prints.binary_search(&gram).is_ok());
        let passages = passages(new.document, copied);
        let rounded = |share: f64| (share * 1000.0).round() / 1000.0;
        Some(Copied {
            of,
            account,
            contained: rounded(best.contained()),
            share: rounded(best.share),
            share_of_original: rounded(best.share_of_original),
            longest_passage_chars: passages.iter().map(super::Passage::chars).max().unwrap_or(0),
            passages,
        })
    }

    /// The articles that have most prints in common with a text, those with most first, of equals the earliest.
    fn resembling(&mut self, document: &Document) -> Vec<Resemblance> {
        let mut matched = self.matched(document, MATCHED_PRINTS_MIN);
        matched.truncate(CANDIDATES_MAX);
        let own = self.own_grams(document);
        matched.iter().filter_map(|matched| self.compare(matched, own)).collect()
    }

    /// The articles that have at least `prints_min` prints in common with a text, in the order of [`Self::resembling`].
    pub(super) fn matched(&mut self, document: &Document, prints_min: u32) -> Vec<Matched> {
        let oldest = self.oldest_ms();
        let mut found: Vec<u32> = Vec::new();
        for gram in &document.distinct {
            let (holders, count) = self.holders(*gram);
            if count >= COMMON_ARTICLES {
                continue;
            }
            for number in &holders[..count] {
                let place = self.place(*number);
                let Some(article) = self.articles.get_mut(place).filter(|a| a.last_ms >= oldest) else {
                    continue;
                };
                article.matched += 1;
                if article.matched == 1 {
                    found.push(*number);
                }
            }
        }
        let mut ranked = Vec::new();
        for number in found {
            let place = self.place(number);
            let Some(article) = self.articles.get_mut(place) else { continue };
            let prints = std::mem::take(&mut article.matched);
            if prints >= prints_min {
                ranked.push(Matched { prints, place, number });
            }
        }
        ranked.sort_unstable_by(|a, b| b.prints.cmp(&a.prints).then(a.place.cmp(&b.place)));
        ranked
    }

    /// About how many grams of a text are no stock phrases.
    fn own_grams(&self, document: &Document) -> f64 {
        let rare = document.prints.iter().filter(|gram| self.holders(**gram).1 < COMMON_ARTICLES).count();
        number(document.distinct.len()) * number(rare) / number(document.prints.len().max(1))
    }

    fn compare(&self, matched: &Matched, own_grams: f64) -> Option<Resemblance> {
        let Matched { prints, number, .. } = *matched;
        let article = self.article(number)?;
        let rare = self.postings_of(number).filter(|p| self.holders(p.gram).1 < COMMON_ARTICLES).count();
        let matched = f64::from(prints);
        let grams_per_print = f64::from(article.grams) / f64::from(article.prints.max(1));
        Some(Resemblance {
            article: number,
            share: (matched * grams_per_print / own_grams.max(1.0)).min(1.0),
            share_of_original: (matched / self::number(rare.max(1))).min(1.0),
        })
    }

    fn article(&self, number: u32) -> Option<&Article> {
        self.articles.get(self.place(number))
    }

    /// Where an article lies in the queue; beyond its end for one that has left.
    fn place(&self, number: u32) -> usize {
        number.wrapping_sub(self.first_article) as usize
    }

    /// Articles that were last published before this are forgotten.
    fn oldest_ms(&self) -> i64 {
        self.newest_ms.saturating_sub(self.limits.span_ms.max(0))
    }

    /// The articles that hold a print, the newest first, and how many they are. O(1).
    fn holders(&self, gram: u32) -> ([u32; COMMON_ARTICLES], usize) {
        let (mut holders, mut count) = ([0; COMMON_ARTICLES], 0);
        let mut next = self.newest.get(&gram).copied();
        while let Some(place) = next
            && let Some(posting) = self.postings.get(place.wrapping_sub(self.first_posting) as usize)
            && let Some(holder) = holders.get_mut(count)
        {
            *holder = posting.article;
            count += 1;
            // Behind the oldest one the difference is beyond every queue.
            next = (posting.back > 0).then(|| place.wrapping_sub(posting.back));
        }
        (holders, count)
    }

    fn postings_of(&self, number: u32) -> impl Iterator<Item = &Posting> {
        let index = self.place(number);
        // Articles lie in the order of their postings, so that a binary search finds where those of one begin.
        let start = self.postings.partition_point(|posting| self.place(posting.article) < index);
        let count = self.articles.get(index).map_or(0, |article| article.postings as usize);
        self.postings.iter().skip(start).take(count)
    }

    /// The prints of an article that are no stock phrases, sorted.
    fn prints_of(&self, number: u32) -> Vec<u32> {
        let rare = self.postings_of(number).filter(|p| self.holders(p.gram).1 < COMMON_ARTICLES);
        let mut prints: Vec<u32> = rare.map(|posting| posting.gram).collect();
        prints.sort_unstable();
        prints
    }

    fn touch(&mut self, number: u32, time_ms: i64) {
        let index = self.place(number);
        if let Some(article) = self.articles.get_mut(index) {
            article.last_ms = article.last_ms.max(time_ms);
            article.is_fresh = true;
        }
    }

    fn file(&mut self, new: &Submission<'_>, author: u64) {
        if new.time_ms < self.oldest_ms() {
            return;
        }
        let document = new.document;
        let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        self.push(
            Article {
                item: new.item.to_owned(),
                account: new.account.to_owned(),
                account_key: author,
                subject: new.subject,
                is_organisation: new.is_organisation,
                time_ms: new.time_ms,
                filed_ms: new.time_ms,
                last_ms: new.time_ms,
                grams: count(document.distinct.len()),
                prints: count(document.prints.len()),
                postings: 0,
                sharers: Vec::new(),
                is_fresh: false,
                matched: 0,
            },
            &document.prints,
        );
        self.make_room();
    }

    /// Puts an article behind the last, under its prints; without those that are stock phrases, or filed already for another text
    /// of the same author.
    fn push(&mut self, mut article: Article, prints: &[u32]) {
        let number = self.first_article.wrapping_add(u32::try_from(self.articles.len()).unwrap_or(u32::MAX));
        for gram in prints {
            let (holders, count) = self.holders(*gram);
            let is_own = |number: &u32| {
                self.article(*number).is_some_and(|other| {
                    other.account_key == article.account_key
                        || (article.subject.is_some() && other.subject == article.subject)
                })
            };
            if count >= COMMON_ARTICLES || holders[..count].iter().any(is_own) {
                continue;
            }
            let place =
                self.first_posting.wrapping_add(u32::try_from(self.postings.len()).unwrap_or(u32::MAX));
            let older = self.newest.insert(*gram, place);
            let back = older.map_or(0, |older| place.wrapping_sub(older));
            self.postings.push_back(Posting { gram: *gram, article: number, back });
            article.postings += 1;
        }
        self.articles.push_back(article);
    }

    /// Drops the oldest articles until the limits hold. Those that were copied lately are filed anew, a few at a time.
    fn make_room(&mut self) {
        let articles_max = self.limits.articles as usize;
        let prints_max = (articles_max * PRINTS_PER_ARTICLE).max(PRINTS_PER_DOCUMENT_MAX);
        let mut spared = 0;
        while self.articles.len() > articles_max || self.postings.len() > prints_max {
            let Some((article, prints)) = self.pop() else { return };
            if article.is_fresh && spared < SPARED_MAX {
                spared += 1;
                self.file_anew(article, &prints);
            }
        }
    }

    fn forget_old(&mut self) {
        let oldest = self.oldest_ms();
        while self.articles.front().is_some_and(|article| article.filed_ms < oldest) {
            let Some((article, prints)) = self.pop() else { return };
            if article.last_ms >= oldest {
                self.file_anew(article, &prints);
            }
        }
    }

    fn file_anew(&mut self, article: Article, prints: &[u32]) {
        let filed_ms = article.last_ms;
        self.push(Article { filed_ms, is_fresh: false, postings: 0, ..article }, prints);
    }

    /// Takes the oldest article and its postings out.
    fn pop(&mut self) -> Option<(Article, Vec<u32>)> {
        let article = self.articles.pop_front()?;
        self.first_article = self.first_article.wrapping_add(1);
        let mut prints = Vec::with_capacity(article.postings as usize);
        for posting in self.postings.drain(..(article.postings as usize).min(self.postings.len())) {
            if self.newest.get(&posting.gram) == Some(&self.first_posting) {
                self.newest.remove(&posting.gram);
            }
            prints.push(posting.gram);
            self.first_posting = self.first_posting.wrapping_add(1);
        }
        Some((article, prints))
    }
}

/// Whether so much in common is more than a quotation or a common subject.
fn is_finding(resemblance: &Resemblance) -> bool {
    resemblance.contained() >= CONTAINED_MIN && resemblance.share >= QUOTED_SHARE_MAX
}

#[allow(clippy::cast_precision_loss, reason = "numbers of grams")]
fn number(count: usize) -> f64 {
    count as f64
}
