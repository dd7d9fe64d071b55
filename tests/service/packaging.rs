//! The files that run the service elsewhere.

use std::fs;

use crate::common::Place;

fn file(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

#[test]
fn the_image_is_built_with_the_oldest_rust_that_the_package_asks_for() {
    let asked = file("Cargo.toml")
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = \"").map(|rest| rest.trim_matches('"').to_owned()))
        .expect("a version");
    let image = file("Dockerfile");
    assert!(image.contains(&format!("FROM rust:{asked}.")), "rust {asked}");
    assert!(image.contains("--locked") && image.contains("\nUSER 10001\n"));
    assert!(image.lines().filter(|line| line.starts_with("FROM ")).all(|line| !line.contains("latest")));
}

#[test]
fn variables_of_the_packages_are_keys_of_the_configuration() {
    let place = Place::new();
    let mut found = 0;
    for path in ["Dockerfile", "compose.yaml", "deploy/systemd/qingliu.service"] {
        let text = file(path);
        for part in text.split("QINGLIU_").skip(1) {
            let name: String = part.chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect();
            let described = place.run("config describe").expect(0, &[]).stdout;
            assert!(described.contains(&format!("`QINGLIU_{name}`")), "{path}: QINGLIU_{name}");
            found += 1;
        }
    }
    assert!(found >= 5, "{found}");
}

#[test]
fn what_the_compose_file_mounts_is_there() {
    let text = file("compose.yaml");
    let mounted = text.lines().filter_map(|line| line.trim().strip_prefix("- ./")?.split(':').next());
    let mounted: Vec<&str> = mounted.collect();
    assert!(mounted.len() >= 4, "{mounted:?}");
    for path in mounted {
        let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
        assert!(fs::exists(&path).expect("a path"), "{path}");
    }
}
