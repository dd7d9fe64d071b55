//! The registry of instruments and articles that decisions cite.

use jiff::civil::Date;
use serde::Deserialize;

use crate::lexicon::{Problem, parse_toml, suggestion};
use crate::model::{LabelId, Taxonomy};

/// A law, rule or draft.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instrument {
    /// Stable id.
    pub id: String,
    /// Chinese title.
    pub zh: String,
    /// English title.
    pub en: String,
    /// When it was issued.
    pub issued: Option<String>,
    /// Since when it has been in force.
    pub in_force: Option<String>,
    /// `in_force`, `draft` or `superseded`.
    pub status: String,
    /// Remarks.
    pub note: Option<String>,
}

/// One article, paragraph or item.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Article {
    /// `instrument/article-paragraph`.
    pub id: String,
    /// The instrument's id.
    pub instrument: String,
    /// Number of the article.
    pub article: u32,
    /// Number of the paragraph.
    pub paragraph: Option<u32>,
    /// The duty in one English sentence.
    pub duty: String,
    /// The duty in one Chinese sentence.
    pub duty_zh: String,
    /// First day of validity.
    pub valid_from: Option<String>,
    /// Last day of validity.
    pub valid_to: Option<String>,
    /// Labels that it is a basis for.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Remarks.
    pub note: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawArticles {
    #[serde(default)]
    instrument: Vec<Instrument>,
    #[serde(default)]
    article: Vec<Article>,
}

/// All articles, with the labels that each is a basis for.
#[derive(Clone, Debug)]
pub struct Articles {
    instruments: Vec<Instrument>,
    entries: Vec<Article>,
    labels: Vec<Vec<LabelId>>,
    validity_ms: Vec<(i64, i64)>,
}

impl Articles {
    /// Reads and checks `articles.toml`.
    ///
    /// # Errors
    /// The first problem: unknown instruments or labels, doubles, days that are no days.
    pub fn parse(file: &str, text: &str, taxonomy: &Taxonomy) -> Result<Self, Problem> {
        let raw: RawArticles = parse_toml(file, text)?;
        let (mut labels, mut validity_ms) = (Vec::new(), Vec::new());
        for (index, article) in raw.article.iter().enumerate() {
            let id = &article.id;
            let problem = |message: String| Problem::error(file, 0, format!("article {id:?}: {message}"));
            if raw.article[..index].iter().any(|earlier| earlier.id == *id) {
                return Err(problem("is defined twice".to_owned()));
            }
            if !raw.instrument.iter().any(|i| i.id == article.instrument) {
                let nearest = suggestion(&article.instrument, raw.instrument.iter().map(|i| i.id.as_str()));
                return Err(problem(format!("unknown instrument {:?}{nearest}", article.instrument)));
            }
            let mut ids = Vec::new();
            for label in &article.labels {
                let nearest = || suggestion(label, taxonomy.iter().map(|(_, l)| l.id.as_str()));
                ids.push(
                    taxonomy
                        .find(label)
                        .ok_or_else(|| problem(format!("unknown label {label:?}{}", nearest())))?,
                );
            }
            labels.push(ids);
            let from = day_ms(article.valid_from.as_deref(), i64::MIN).map_err(problem)?;
            let to = day_ms(article.valid_to.as_deref(), i64::MAX).map_err(problem)?;
            validity_ms.push((from, if to == i64::MAX { to } else { to.saturating_add(DAY_MS) }));
        }
        Ok(Self { instruments: raw.instrument, entries: raw.article, labels, validity_ms })
    }

    /// Ids of the articles that a measure on `label` rests on, in file order; those out of force at `time_ms` are
    /// left out.
    pub fn basis(&self, taxonomy: &Taxonomy, label: LabelId, time_ms: Option<i64>) -> Vec<String> {
        let holds = |index: usize| {
            let (from, to) = self.validity_ms[index];
            time_ms.is_none_or(|time| from <= time && time < to)
                && self.labels[index].iter().any(|ancestor| taxonomy.is_under(label, *ancestor))
        };
        let articles = self.entries.iter().enumerate();
        articles.filter(|(index, _)| holds(*index)).map(|(_, article)| article.id.clone()).collect()
    }

    /// The data of an article.
    pub fn find(&self, id: &str) -> Option<&Article> {
        self.entries.iter().find(|article| article.id == id)
    }

    /// The data of an instrument.
    pub fn instrument(&self, id: &str) -> Option<&Instrument> {
        self.instruments.iter().find(|instrument| instrument.id == id)
    }
}

const DAY_MS: i64 = 86_400_000;

/// Start of a day, in Beijing time.
fn day_ms(day: Option<&str>, absent: i64) -> Result<i64, String> {
    let Some(day) = day else { return Ok(absent) };
    let date: Date = day.parse().map_err(|_| format!("{day:?} is not a date like 2027-01-31"))?;
    let beijing = jiff::tz::TimeZone::fixed(jiff::tz::Offset::constant(8));
    let start = date.to_zoned(beijing).map_err(|e| e.to_string())?;
    Ok(start.timestamp().as_millisecond())
}
