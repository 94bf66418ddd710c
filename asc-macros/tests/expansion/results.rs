use std::num::ParseIntError;

use asc_runtime::asc_handler;

#[asc_handler]
fn starting<'a>(words: &'a [String], prefix: &'a str) -> impl Iterator<Item = &'a String> + 'a {
    words.iter().filter(move |word| word.starts_with(prefix))
}

#[asc_handler]
fn numbers(text: String) -> Result<(impl Iterator<Item = u32> + use<>, usize), ParseIntError> {
    let numbers: Vec<u32> = text.split(' ').map(str::parse).collect::<Result<_, _>>()?;
    let count = numbers.len();
    Ok((numbers.into_iter(), count))
}
