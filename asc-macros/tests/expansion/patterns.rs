use asc_runtime::asc_handler;

#[derive(Clone)]
pub struct Request {
    key: String,
    value: Vec<u8>,
}

#[asc_handler]
fn store(
    rows: &mut Vec<(String, u8)>,
    Request { key, mut value }: Request,
    (first, _): (u8, u8),
    &last: &u8,
) -> Option<u8> {
    value.extend([first, last]);
    let byte = value.pop()?;
    rows.push((key, byte));
    Some(byte)
}
