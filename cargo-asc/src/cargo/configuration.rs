//! The few settings of cargo's configuration that a hardened build must keep.
//!
//! Read as cargo reads them, strongest first: the tool's own variable
//! (`RUSTC_WRAPPER`), `--config`, the variable of the setting
//! (`CARGO_BUILD_RUSTC_WRAPPER`), then `.cargo/config.toml` of the current
//! directory, of each of its parents, and of cargo's home directory. A file
//! comes before the files it includes.

use std::collections::VecDeque;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::set_variable;
use crate::refusal::{Cause, Refusal};
use crate::toolchain::Toolchain;

/// Files that are included by included files, and so on, to this depth.
const INCLUDE_DEPTH_MAX: usize = 16;

/// Cargo's configuration for the current directory.
pub(super) struct Configuration {
    /// `--config`, the last one first.
    of_arguments: Vec<Layer>,
    /// Files, the strongest first.
    of_files: Vec<Layer>,
}

/// One source of settings, and the directory its relative paths start from.
struct Layer {
    settings: Table,
    base: PathBuf,
}

impl Configuration {
    /// Reads the configuration; `arguments` are the values of `--config`.
    pub(super) fn read(arguments: &[String]) -> Result<Self, Refusal> {
        let here = env::current_dir()
            .map_err(|error| Refusal::file("find", "the current directory".as_ref(), &error))?;
        let mut of_arguments = Vec::new();
        for argument in arguments.iter().rev() {
            of_arguments.extend(layers_of_argument(argument, &here)?);
        }
        let mut of_files = Vec::new();
        for file in files(&here, cargo_home()) {
            of_files.extend(layers_of_file(&file)?);
        }
        Ok(Self {
            of_arguments,
            of_files,
        })
    }

    /// The rustc that cargo runs.
    pub(super) fn rustc(&self) -> OsString {
        self.tool("RUSTC", "rustc")
            .unwrap_or_else(|| "rustc".into())
    }

    /// The user's own wrapper around rustc, unless it is this program, under
    /// whose wrapper a program may start another `cargo asc`.
    pub(super) fn rustc_wrapper(&self) -> Option<OsString> {
        use crate::wrapper::environment::Environment;
        match Environment::read() {
            Some(outer) => outer.chained_wrapper,
            None => self.tool("RUSTC_WRAPPER", "rustc-wrapper"),
        }
    }

    /// The user's own rustdoc, else the toolchain's.
    pub(super) fn rustdoc(&self, toolchain: &Toolchain) -> OsString {
        use crate::wrapper::environment::Environment;
        match Environment::read() {
            Some(outer) => outer.rustdoc,
            None => self
                .tool("RUSTDOC", "rustdoc")
                .unwrap_or_else(|| toolchain.sysroot.join("bin/rustdoc").into()),
        }
    }

    /// The targets that `build.target` names.
    pub(super) fn targets(&self) -> Vec<String> {
        match self.setting("target") {
            Some((Value::String(target), _)) => vec![target],
            Some((Value::Array(targets), _)) => targets
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            _ => Vec::new(),
        }
    }

    /// A program: by its variable, which may also be empty to say «none», else
    /// by `build.<key>`.
    fn tool(&self, variable: &str, key: &str) -> Option<OsString> {
        if let Some(own) = env::var_os(variable) {
            return Some(own).filter(|own| !own.is_empty());
        }
        let (value, base) = self.setting(key)?;
        let value = value.as_str().filter(|value| !value.is_empty())?;
        Some(program(value, &base))
    }

    /// `build.<key>`, and the directory its relative path starts from.
    fn setting(&self, key: &str) -> Option<(Value, PathBuf)> {
        let of_layers = |layers: &[Layer]| {
            layers.iter().find_map(|layer| {
                let value = layer.settings.get("build")?.get(key)?;
                Some((value.clone(), layer.base.clone()))
            })
        };
        let variable = format!("CARGO_BUILD_{}", key.to_uppercase().replace('-', "_"));
        let of_variable = || {
            let value = set_variable(variable)?.into_string().ok()?;
            Some((Value::String(value), env::current_dir().ok()?))
        };
        of_layers(&self.of_arguments)
            .or_else(of_variable)
            .or_else(|| of_layers(&self.of_files))
    }
}

/// A name without a slash is looked up on PATH, any other is a path.
fn program(value: &str, base: &Path) -> OsString {
    if value.contains('/') {
        base.join(value).into()
    } else {
        value.into()
    }
}

/// `--config` takes `key=value` or a file.
fn layers_of_argument(argument: &str, here: &Path) -> Result<Vec<Layer>, Refusal> {
    let path = here.join(argument);
    if path.is_file() {
        return layers_of_file(&path);
    }
    match argument.parse::<Table>() {
        Ok(settings) => Ok(vec![Layer {
            settings,
            base: here.to_owned(),
        }]),
        Err(error) => Err(unreadable(
            &format!("--config {argument}"),
            &error.to_string(),
        )),
    }
}

/// The configuration files for a directory, the strongest first.
fn files(here: &Path, home: Option<PathBuf>) -> Vec<PathBuf> {
    let mut directories: Vec<PathBuf> = here
        .ancestors()
        .map(|directory| directory.join(".cargo"))
        .collect();
    if let Some(home) = home.filter(|home| !directories.contains(home)) {
        directories.push(home);
    }
    // The name without ending is older and, where both exist, the one cargo takes.
    let file = |directory: PathBuf| {
        ["config", "config.toml"]
            .iter()
            .map(|name| directory.join(name))
            .find(|path| path.is_file())
    };
    directories.into_iter().filter_map(file).collect()
}

fn cargo_home() -> Option<PathBuf> {
    set_variable("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(env::home_dir()?.join(".cargo")))
}

/// A file and what it includes, the strongest first.
fn layers_of_file(path: &Path) -> Result<Vec<Layer>, Refusal> {
    let mut layers = Vec::new();
    let mut waiting = VecDeque::from([(path.to_owned(), 0)]);
    while let Some((path, depth)) = waiting.pop_front() {
        let text =
            fs::read_to_string(&path).map_err(|error| Refusal::file("read", &path, &error))?;
        let settings = text
            .parse::<Table>()
            .map_err(|error| unreadable(&path.display().to_string(), &error.to_string()))?;
        let directory = path.parent().unwrap_or(Path::new("/"));
        if depth < INCLUDE_DEPTH_MAX {
            // Of several included files the last one counts most.
            for included in included(&settings, directory).into_iter().rev() {
                waiting.push_back((included, depth + 1));
            }
        }
        // Paths in `x/.cargo/config.toml` start from `x`.
        let base = directory.parent().unwrap_or(directory).to_owned();
        layers.push(Layer { settings, base });
    }
    Ok(layers)
}

/// `include = "a.toml"`, `["a.toml"]` or `[{ path = "a.toml", optional = true }]`.
fn included(settings: &Table, directory: &Path) -> Vec<PathBuf> {
    let path = |value: &Value| {
        let name = value.as_str().or_else(|| value.get("path")?.as_str())?;
        let is_optional = value
            .get("optional")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        let path = directory.join(name);
        (!is_optional || path.exists()).then_some(path)
    };
    match settings.get("include") {
        Some(Value::Array(values)) => values.iter().filter_map(path).collect(),
        Some(value) => path(value).into_iter().collect(),
        None => Vec::new(),
    }
}

fn unreadable(what: &str, error: &str) -> Refusal {
    Refusal::new(
        Cause::ConflictingSetting,
        format!("cargo configuration in {what}"),
        error,
        "mend it; `cargo build` will say the same",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(files: &[&Path], arguments: &[&str]) -> Configuration {
        Configuration {
            of_arguments: arguments
                .iter()
                .rev()
                .flat_map(|argument| layers_of_argument(argument, Path::new("/here")).unwrap())
                .collect(),
            of_files: files
                .iter()
                .flat_map(|file| layers_of_file(file).unwrap())
                .collect(),
        }
    }

    fn wrapper(configuration: &Configuration) -> Option<OsString> {
        let (value, base) = configuration.setting("rustc-wrapper")?;
        Some(program(value.as_str()?, &base))
    }

    #[test]
    fn the_nearest_file_counts_and_relative_paths_start_beside_its_directory() {
        let root = tempfile::tempdir().unwrap();
        let near = root.path().join("a/b/.cargo");
        let far = root.path().join("a/.cargo");
        for directory in [&near, &far] {
            fs::create_dir_all(directory).unwrap();
        }
        fs::write(
            near.join("config.toml"),
            "build.rustc-wrapper = 'tools/mine'",
        )
        .unwrap();
        fs::write(
            far.join("config.toml"),
            "[build]\nrustc-wrapper = 'sccache'",
        )
        .unwrap();
        let found = files(&root.path().join("a/b"), None);
        let ours: Vec<&Path> = found
            .iter()
            .map(PathBuf::as_path)
            .filter(|path| path.starts_with(root.path()))
            .collect();
        assert_eq!(ours, [near.join("config.toml"), far.join("config.toml")]);
        let expected = root.path().join("a/b/tools/mine");
        assert_eq!(wrapper(&configuration(&ours, &[])), Some(expected.into()));
        assert_eq!(
            wrapper(&configuration(&ours[1..], &[])),
            Some("sccache".into())
        );
    }

    #[test]
    fn an_argument_counts_more_than_a_file_and_the_last_one_most() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("config.toml");
        fs::write(&file, "build.rustc-wrapper = 'of-file'").unwrap();
        let arguments = ["build.rustc-wrapper='first'", "build.rustc-wrapper='last'"];
        assert_eq!(
            wrapper(&configuration(&[&file], &arguments)),
            Some("last".into())
        );
    }

    #[test]
    fn included_files_are_read_and_count_less() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("config.toml");
        fs::write(
            &file,
            "include = ['other.toml', { path = 'absent.toml', optional = true }]\nbuild.jobs = 1",
        )
        .unwrap();
        fs::write(
            root.path().join("other.toml"),
            "build = { rustc-wrapper = 'w', jobs = 2 }",
        )
        .unwrap();
        let configuration = configuration(&[&file], &[]);
        assert_eq!(wrapper(&configuration), Some("w".into()));
        assert_eq!(configuration.setting("jobs").unwrap().0, Value::Integer(1));
    }

    #[test]
    fn targets_are_a_name_or_a_list() {
        assert_eq!(configuration(&[], &["build.target='a'"]).targets(), ["a"]);
        assert_eq!(
            configuration(&[], &["build.target=['a','b']"]).targets(),
            ["a", "b"]
        );
    }
}
