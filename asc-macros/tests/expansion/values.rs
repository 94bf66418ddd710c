use asc_runtime::asc_handler;

#[asc_handler]
fn append(log: &mut Vec<String>, line: String, mut times: usize, _priority: u8) -> usize {
    while times > 0 {
        log.push(line.clone());
        times -= 1;
    }
    log.len()
}

#[asc_handler]
fn skip(log: &mut Vec<String>, mut text: &str, _: String) {
    while let Some(rest) = text.strip_prefix('#') {
        text = rest;
    }
    log.push(text.to_owned());
}
