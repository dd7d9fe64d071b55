//! The elements of a JSON array as they are written: what one of them says refuses none of the others.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Deserializer;

use super::problem::{Problem, ProblemCode};

/// The elements of a JSON array, the first `most` and one more. O(body), without recursion.
///
/// # Errors
/// It is no array.
pub(super) fn elements(body: &str, most: usize) -> Result<Vec<&str>, Problem> {
    let (found, behind) = array(blank(body), most)?;
    ends(behind).map(|()| found)
}

/// The elements of the array that stands under a key of a JSON object. O(body).
///
/// # Errors
/// It is no object, or has no such key or more than one, or something else than an array stands there.
pub(super) fn elements_under<'b>(body: &'b str, key: &str, most: usize) -> Result<Vec<&'b str>, Problem> {
    let missing = || invalid(&format!("a JSON object with the array {key:?} is needed"));
    let mut rest = blank(body).strip_prefix('{').map(blank).ok_or_else(missing)?;
    if rest.starts_with('}') {
        return Err(missing());
    }
    let mut found = None;
    loop {
        let (name, behind) = value::<String>(rest)?;
        rest = blank(blank(behind).strip_prefix(':').ok_or_else(|| invalid("a key without :"))?);
        rest = if name != key {
            value::<IgnoredAny>(rest)?.1
        } else if found.is_none() {
            let (elements, behind) = array(rest, most).map_err(|problem| within(problem, key))?;
            found = Some(elements);
            behind
        } else {
            return Err(invalid(&format!("{key:?} stands there twice")));
        };
        rest = blank(rest);
        if let Some(behind) = rest.strip_prefix('}') {
            ends(behind)?;
            return found.ok_or_else(missing);
        }
        rest = blank(rest.strip_prefix(',').ok_or_else(|| invalid("neither , nor } behind a value"))?);
    }
}

/// The elements of the array at the front, and what stands behind it.
fn array(text: &str, most: usize) -> Result<(Vec<&str>, &str), Problem> {
    let mut rest = text.strip_prefix('[').map(blank).ok_or_else(|| invalid("an array begins with ["))?;
    let mut found = Vec::new();
    if let Some(behind) = rest.strip_prefix(']') {
        return Ok((found, behind));
    }
    let mut index = 0;
    loop {
        let (_, behind) = value::<IgnoredAny>(rest).map_err(|e| e.at(format!("/{index}")))?;
        if found.len() <= most {
            found.push(&rest[..rest.len() - behind.len()]);
        }
        rest = blank(behind);
        if let Some(behind) = rest.strip_prefix(']') {
            return Ok((found, behind));
        }
        let next = rest.strip_prefix(',');
        rest =
            blank(next.ok_or_else(|| invalid("neither , nor ] behind an element").at(format!("/{index}")))?);
        index += 1;
    }
}

/// The value at the front, and what stands behind it.
fn value<T: DeserializeOwned>(text: &str) -> Result<(T, &str), Problem> {
    let mut values = Deserializer::from_str(text).into_iter::<T>();
    match values.next() {
        Some(Ok(value)) => Ok((value, text.get(values.byte_offset()..).unwrap_or(""))),
        Some(Err(e)) => Err(invalid(&e.to_string())),
        None => Err(invalid("it is cut off")),
    }
}

fn ends(behind: &str) -> Result<(), Problem> {
    if blank(behind).is_empty() { Ok(()) } else { Err(invalid("something stands behind it")) }
}

fn invalid(detail: &str) -> Problem {
    Problem::new(ProblemCode::InvalidBody, format!("JSON: {detail}"))
}

fn within(mut problem: Problem, key: &str) -> Problem {
    let inside = problem.pointer.take().unwrap_or_default();
    problem.at(format!("/{key}{inside}"))
}

/// Without the blanks of JSON in front.
fn blank(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(serde::Deserialize)]
    struct Batch {
        items: Vec<serde_json::Value>,
    }

    fn split(body: &str) -> Result<Vec<&str>, ProblemCode> {
        elements(body, 10).map_err(|e| e.code)
    }

    #[test]
    fn the_array_under_a_key_is_split_whatever_stands_beside_it() {
        let under = |body| elements_under(body, "items", 10).map_err(|e| e.code);
        let deep = format!("{{\"items\":[{}]}}", "[".repeat(5000) + &"]".repeat(5000));
        assert_eq!(under(&deep).map(|found| found.len()), Ok(1));
        let cases = [
            (r#"{"items":[]}"#, vec![]),
            (r#" { "a" : {"items":[9]} , "items" : [ 1 , "]" ] , "b":[2] } "#, vec!["1", "\"]\""]),
            (r#"{"\u0069tems":[1]}"#, vec!["1"]),
        ];
        for (body, elements) in cases {
            assert_eq!(under(body), Ok(elements), "{body}");
        }
        let refused = [
            "",
            "[]",
            "{}",
            "{",
            "{,}",
            r#"{"items"}"#,
            r#"{"items":1}"#,
            r#"{"items":[1],}"#,
            r#"{"items":[1]"#,
            r#"{"items":[1]}}"#,
            r#"{"items":[1],"items":[2]}"#,
            r#"{"items":[1] "a":2}"#,
            r"{items:[1]}",
        ];
        for body in refused {
            assert_eq!(under(body), Err(ProblemCode::InvalidBody), "{body}");
        }
        let place = elements_under(r#"{"items":[1,tru]}"#, "items", 10).unwrap_err().pointer;
        assert_eq!(place.as_deref(), Some("/items/1"));
    }

    #[test]
    fn an_array_is_split_whatever_its_elements_say() {
        let cases = [
            ("[]", vec![]),
            (" [ ] ", vec![]),
            ("[1,true , null,\"a,]\"]", vec!["1", "true", "null", "\"a,]\""]),
            ("[{\"a\":[1,{}]}\n,\t-2.5e3]", vec!["{\"a\":[1,{}]}", "-2.5e3"]),
        ];
        for (body, elements) in cases {
            assert_eq!(split(body), Ok(elements), "{body}");
        }
        for body in ["", "{}", "[", "[1", "[1,", "[1,]", "[,]", "[1 2]", "[] 1", "[1]]", "[tru]", "[\"]"] {
            assert_eq!(split(body), Err(ProblemCode::InvalidBody), "{body}");
        }
    }

    proptest! {
        #[test]
        fn what_is_an_object_with_the_array_is_split_as_a_parser_splits_it_and_nothing_panics(
            inside in "[\\[\\]{}:,\" a1]{0,16}",
            behind in "[\\[\\]{}:,\" a1]{0,8}",
        ) {
            let body = format!("{{\"items\":[{inside}]{behind}}}");
            let parsed: Option<Batch> = serde_json::from_str(&body).ok();
            let parts = elements_under(&body, "items", 100).ok().map(|parts| {
                parts.iter().map(|part| serde_json::from_str(part)).collect::<Result<Vec<serde_json::Value>, _>>()
            });
            match parsed {
                Some(batch) => prop_assert_eq!(parts.unwrap().unwrap(), batch.items),
                None => prop_assert!(parts.is_none_or(|parts| parts.is_err())),
            }
        }

        #[test]
        fn what_is_an_array_is_split_as_a_parser_splits_it_and_nothing_panics(
            body in "[\\[\\]{}:,\" a1\\\\\n]{0,24}",
        ) {
            let parsed: Option<Vec<serde_json::Value>> = serde_json::from_str(&body).ok();
            let parts = split(&body).ok().map(|parts| {
                parts.iter().map(|part| serde_json::from_str(part)).collect::<Result<Vec<serde_json::Value>, _>>()
            });
            match parsed {
                Some(values) => prop_assert_eq!(parts.unwrap().unwrap(), values),
                None => prop_assert!(parts.is_none_or(|parts| parts.is_err())),
            }
        }
    }
}
