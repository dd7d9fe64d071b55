//! What the description says beyond what can be derived from types: which of several keys is needed, what a header may hold.

use serde_json::{Value, json};

/// Completes a description.
pub(super) fn refine(document: &mut Value) {
    let paths = document.pointer_mut("/paths").and_then(Value::as_object_mut);
    let operations = paths.into_iter().flat_map(|paths| paths.values_mut());
    let operations = operations.filter_map(Value::as_object_mut).flat_map(|methods| methods.values_mut());
    for operation in operations {
        let Some(parameters) = operation.pointer_mut("/parameters").and_then(Value::as_array_mut) else {
            continue;
        };
        parameters.iter_mut().for_each(refine_parameter);
    }
    for (place, more) in schemas() {
        if let (Some(schema), Value::Object(more)) =
            (document.pointer_mut(place).and_then(Value::as_object_mut), more)
        {
            schema.extend(more);
        }
    }
    // A batch is read item by item: what is no item gets a problem in its place.
    if let Some(items) = document.pointer_mut("/components/schemas/Batch/properties/items/items") {
        let item = items.take();
        *items = json!({ "anyOf": [item, { "description": "Anything else gets a problem as its result." }] });
    }
}

fn refine_parameter(parameter: &mut Value) {
    let name = parameter["name"].as_str().unwrap_or_default();
    // Blanks around a value belong to the header, not to it.
    let visible =
        json!({ "type": "string", "minLength": 1, "maxLength": 256, "pattern": "^[!-~]([ -~]*[!-~])?$" });
    let schema = match name {
        "idempotency-key" | "x-access-reason" => visible,
        "x-deadline-ms" => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
        _ => return,
    };
    if name == "x-access-reason" {
        parameter["required"] = true.into();
        parameter["description"] = "Why it is looked at; UTF-8 is taken too".into();
    }
    parameter["schema"] = schema;
}

/// Places in the description, and what is added there.
fn schemas() -> [(&'static str, Value); 7] {
    let id = || json!({ "type": ["string", "integer", "null"], "minimum": i64::MIN, "maximum": u64::MAX });
    [
        (
            "/components/schemas/Item",
            json!({ "anyOf": [
                { "required": ["text"] },
                { "required": ["title"], "properties": { "title": { "type": "string", "minLength": 1 } } },
                { "required": ["fields"], "properties": { "fields": { "type": "object", "minProperties": 1 } } },
            ] }),
        ),
        ("/components/schemas/Item/properties/id", id()),
        ("/components/schemas/Item/properties/parent", id()),
        ("/components/schemas/Item/properties/ip", id()),
        ("/components/schemas/Item/properties/device", id()),
        ("/components/schemas/Account/properties/id", id()),
        ("/components/schemas/Repost/properties/of", id()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_that_is_completed_is_there() {
        let document: Value = serde_json::from_str(super::super::openapi_json()).unwrap();
        for (place, more) in schemas() {
            let schema = document.pointer(place).unwrap_or_else(|| panic!("{place}"));
            for (key, value) in more.as_object().unwrap() {
                assert_eq!(&schema[key], value, "{place}");
            }
        }
        let parameters = &document["paths"]["/v1/explain/{decision}"]["get"]["parameters"];
        let reason = parameters.as_array().unwrap().iter().find(|p| p["name"] == "x-access-reason").unwrap();
        assert_eq!(reason["required"], true);
        assert!(document.pointer("/components/schemas/Batch/properties/items/items/anyOf/1").is_some());
    }
}
