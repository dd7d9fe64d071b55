//! One value of a configuration → a number, a text …, within its bounds.

use std::path::PathBuf;
use std::time::Duration;

use toml::Value;

use crate::lexicon::suggestion;
use crate::serve::Share;

pub(super) fn one_of<const N: usize>(found: &str, names: [&str; N]) -> String {
    format!("expected one of {}{}", names.join(", "), suggestion(found, names))
}

pub(super) fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "expected a string".to_owned())
}

pub(super) fn number<T: TryFrom<i64> + Into<Wide> + Copy>(
    value: &Value,
    least: T,
    most: T,
) -> Result<T, String> {
    let (least, most): (Wide, Wide) = (least.into(), most.into());
    let found = value.as_integer().ok_or_else(|| "expected a whole number".to_owned())?;
    let is_fit = (least.0..=most.0).contains(&i128::from(found));
    let fit = is_fit.then(|| T::try_from(found).ok()).flatten();
    fit.ok_or_else(|| format!("expected {} to {}, found {found}", least.0, most.0))
}

/// Wide enough for every number of a configuration.
#[derive(Clone, Copy)]
pub(super) struct Wide(i128);

impl From<u32> for Wide {
    fn from(number: u32) -> Self {
        Self(number.into())
    }
}

impl From<u64> for Wide {
    fn from(number: u64) -> Self {
        Self(number.into())
    }
}

impl From<usize> for Wide {
    fn from(number: usize) -> Self {
        Self(number as i128)
    }
}

pub(super) fn assign(value: &Value, least: usize, most: usize, into: &mut usize) -> Result<(), String> {
    *into = number(value, least, most)?;
    Ok(())
}

pub(super) fn millis(value: &Value, into: &mut Duration) -> Result<(), String> {
    *into = Duration::from_millis(number(value, 1_u64, 3_600_000)?);
    Ok(())
}

/// A path; none for an empty one.
pub(super) fn path(value: &Value, into: &mut Option<PathBuf>) -> Result<(), String> {
    *into = Some(text(value)?).filter(|path| !path.is_empty()).map(PathBuf::from);
    Ok(())
}

pub(super) fn flag(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "expected true or false".to_owned())
}

/// A share in percent.
pub(super) fn percent(value: &Value) -> Result<Share, String> {
    // Whole numbers of a configuration are far below 2^53.
    #[allow(clippy::cast_precision_loss)]
    let found = value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
    let found = found.ok_or_else(|| "expected a number".to_owned())?;
    Share::from_percent(found).ok_or_else(|| format!("expected 0 to 100, found {found}"))
}
